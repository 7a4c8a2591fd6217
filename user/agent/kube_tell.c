/* SPDX-License-Identifier: MIT */
/*
 * kube_tell.c - Events on PortLicenses. The name of an Event is made of what it says, so that the same one said
 * again, by whichever agent, is the same object with a higher count.
 */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "licensestatus.h"
#include "log.h"
#include "stamp.h"

#define NAME_HASH_HEX 16

struct kube_news {
	struct kube_news *next;
	struct agent *agent;
	struct kube_request *request;
	char *name, *body; /* of the Event */
	int64_t count;	   /* of the one that is there already */
	enum { NEWS_CREATE, NEWS_LOOK, NEWS_COUNT } step;
};

static void finish(struct kube_news *news)
{
	struct kube_news **at = &news->agent->kube_sync.news;

	while (*at != news)
		at = &(*at)->next;
	*at = news->next;
	kube_cancel(news->request);
	free(news->name);
	free(news->body);
	free(news);
}

void kube_tell_stop(struct agent *agent)
{
	while (agent->kube_sync.news)
		finish(agent->kube_sync.news);
}

static void put_stamp(cJSON *root, const char *member)
{
	char text[STAMP_LEN];

	cJSON_AddStringToObject(root, member, stamp_format(kube_wall_us() / 1000000, text));
}

static char *count_body(const struct kube_news *news)
{
	_json_ cJSON *root = cJSON_CreateObject();

	cJSON_AddNumberToObject(root, "count", (double)(news->count + 1));
	put_stamp(root, "lastTimestamp");
	return cJSON_PrintUnformatted(root);
}

static void go_on(struct kube_news *news);

static void on_answer(void *arg, const struct kube_answer *answer)
{
	struct kube_news *news = arg;
	const cJSON *count = json_get(answer->body, "count");

	news->request = NULL;
	if (news->step == NEWS_CREATE && answer->status == 409) {
		news->step = NEWS_LOOK;
		go_on(news);
	} else if (news->step == NEWS_LOOK && kube_well(answer)) {
		news->count = cJSON_IsNumber(count) ? (int64_t)count->valuedouble : 1;
		news->step = NEWS_COUNT;
		go_on(news);
	} else {
		if (!kube_well(answer))
			log_event(LOG_WARN, "kube_event_lost", LOG_FIELDS("event", news->name),
				  "the Event couldn't be written (%u): %s", answer->status,
				  answer->err ? answer->why.text
					      : "see the rights of the service account");
		finish(news);
	}
}

static void go_on(struct kube_news *news)
{
	_free_ char *all = kube_own_path(news->agent, "/api/v1", "events"), *path = NULL;
	_free_ char *body = news->step == NEWS_COUNT ? count_body(news) : NULL;
	struct kube_request_spec spec = {.method = "POST", .path = all, .body = news->body};
	struct fault f = {0};

	if (!all || asprintf(&path, "%s/%s", all, news->name) < 0) {
		path = NULL;
		finish(news);
		return;
	}
	if (news->step != NEWS_CREATE) {
		spec.method = news->step == NEWS_LOOK ? "GET" : "PATCH";
		spec.path = path;
		spec.body = body;
		spec.content_type =
			news->step == NEWS_COUNT ? "application/merge-patch+json" : NULL;
	}
	if (kube_leads(news->agent))
		news->request = kube_request(news->agent, &spec, on_answer, news, &f);
	if (!news->request)
		finish(news);
}

static void hash_part(crypto_hash_sha256_state *state, const char *text)
{
	crypto_hash_sha256_update(state, (const unsigned char *)text, strlen(text) + 1);
}

static char *name_of(const struct kube_item *item, const struct license_event *what)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1], *name;
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	hash_part(&state, item->object.uid);
	hash_part(&state, what->reason);
	hash_part(&state, what->message);
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	return asprintf(&name, "%.200s.%.*s", item->object.name, NAME_HASH_HEX, hex) < 0 ? NULL
											 : name;
}

static char *body_of(const struct agent *agent, const struct kube_item *item, const char *name,
		     const struct license_event *what)
{
	const char *namespace = agent->config.kubernetes.namespace;
	_json_ cJSON *root = cJSON_CreateObject();
	cJSON *part;

	cJSON_AddStringToObject(root, "apiVersion", "v1");
	cJSON_AddStringToObject(root, "kind", "Event");
	part = cJSON_AddObjectToObject(root, "metadata");
	cJSON_AddStringToObject(part, "name", name);
	cJSON_AddStringToObject(part, "namespace", namespace);
	part = cJSON_AddObjectToObject(root, "involvedObject");
	cJSON_AddStringToObject(part, "apiVersion", PORTLIC_GROUP "/v1alpha1");
	cJSON_AddStringToObject(part, "kind", "PortLicense");
	cJSON_AddStringToObject(part, "namespace", namespace);
	cJSON_AddStringToObject(part, "name", item->object.name);
	cJSON_AddStringToObject(part, "uid", item->object.uid);
	cJSON_AddStringToObject(root, "reason", what->reason);
	cJSON_AddStringToObject(root, "message", what->message);
	cJSON_AddStringToObject(root, "type", what->warning ? "Warning" : "Normal");
	cJSON_AddNumberToObject(root, "count", 1);
	put_stamp(root, "firstTimestamp");
	put_stamp(root, "lastTimestamp");
	part = cJSON_AddObjectToObject(root, "source");
	cJSON_AddStringToObject(part, "component", "portlicd");
	cJSON_AddStringToObject(part, "host", agent->config.kubernetes.node);
	return cJSON_PrintUnformatted(root);
}

void kube_tell(struct agent *agent, const struct kube_item *item, const struct license_event *what)
{
	struct kube_news *news = calloc(1, sizeof(*news));

	if (!news)
		return;
	*news = (struct kube_news){.next = agent->kube_sync.news, .agent = agent};
	agent->kube_sync.news = news;
	news->name = name_of(item, what);
	news->body = news->name ? body_of(agent, item, news->name, what) : NULL;
	if (news->body)
		go_on(news);
	else
		finish(news);
}
