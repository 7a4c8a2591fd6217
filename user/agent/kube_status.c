/* SPDX-License-Identifier: MIT */
/* kube_status.c - the writer tells what became of each PortLicense and PortPolicy, in its status. */
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "kubeevent.h"
#include "licensestatus.h"
#include "log.h"

#define NS_PER_S 1000000000ULL
#define NODES_S 5 /* while only the number of nodes moves */

/* ---- what is so ---- */

static const struct license_view *view_of(const struct licenses *licenses,
					  const struct source_file *file)
{
	size_t i;

	for (i = 0; i < licenses->n_views; i++)
		if (licenses->view_files[i] == file)
			return &licenses->views[i];
	return NULL;
}

/* For other nodes than this one: what it says is read all the same. NULL: it isn't good either. */
static struct license *read_unbound(const struct agent *agent, const struct source_file *file)
{
	struct license_check check =
		licenses_check(&agent->licenses, agent->vendors.trust, clock_now(&agent->clock));
	struct license *lic = NULL;
	struct rejection why;

	check.skip_bind = true;
	if (file->bytes && license_read(&check, file->bytes, file->len, &lic, &why))
		return NULL;
	return lic;
}

static void from_elsewhere(const struct agent *agent, const struct kube_item *item,
			   const struct license *lic, struct license_status *s)
{
	s->lic = lic;
	s->reason = NULL;
	s->state = kube_census_state(agent, item->file);
	s->deadlines = (struct deadlines){.new_until = lic->exp + lic->grace_s};
	if (s->state == STATE_REJECTED) /* no node that it is for has reported */
		s->state = STATE_PENDING;
}

static void from_file(const struct agent *agent, const struct source_file *file,
		      struct license_status *s)
{
	const struct license_entry *entry = file->value;
	const struct license_view *view = view_of(&agent->licenses, file);

	if (!entry)
		return;
	s->lic = entry->lic;
	s->state = entry->state;
	s->deadlines = entry->deadlines;
	s->renewed = view && view->renewed;
	if (entry->reason) {
		s->reason = licenses_reason_word(entry->reason);
		s->detail = entry->detail.text;
	}
}

static cJSON *license_status(struct agent *agent, const struct kube_item *item)
{
	const struct source_file *file = source_find(&agent->licenses.source, item->file);
	const struct license_entry *entry = file ? file->value : NULL;
	struct license_status s = {.state = STATE_REJECTED,
				   .generation = item->object.generation,
				   .now = clock_now(&agent->clock)};
	char hash[NODEREPORT_HASH_LEN] = "", missing[512];
	struct license *bound = NULL;
	cJSON *status;

	if (file)
		from_file(agent, file, &s);
	if (entry && !entry->lic && entry->reason == LICENSE_WRONG_BINDING)
		bound = read_unbound(agent, file);
	if (bound)
		from_elsewhere(agent, item, bound, &s);
	if (item->trouble.text[0]) {
		s.reason = "bad_spec";
		s.detail = item->trouble.text;
	} else if (item->by_secret && (!file || file->gone_ns)) {
		snprintf(missing, sizeof(missing),
			 "namespace \"%s\" has no Secret with the label " KUBE_LICENSE_LABEL
			 " and this key (%s)",
			 agent->config.kubernetes.namespace, item->file);
		s.reason = "no_secret";
		s.detail = missing;
	} else if (!file) {
		s.reason = "not_loaded";
		s.detail = "it can't be loaded: see the agent's log";
	}
	if (s.lic)
		nodereport_hash(s.lic->sha256, hash);
	kube_census_count(agent, item->file, hash, &s.nodes_in_force, &s.nodes);
	if (!s.lic)
		s.nodes_in_force = 0;
	status = license_status_json(&s, item->status);
	license_free(bound);
	return status;
}

static cJSON *policy_status(struct agent *agent, const struct kube_item *item)
{
	const struct source_file *file = source_find(&agent->policies.source, item->file);
	const char *why = NULL;

	if (item->trouble.text[0])
		why = item->trouble.text;
	else if (!file)
		why = "it can't be loaded: see the agent's log";
	else if (file->refusal.text[0])
		why = file->refusal.text;
	return policy_status_json(why, file && file->value, item->object.generation,
				  clock_now(&agent->clock), item->status);
}

/* ---- what is written ---- */

static void tell(struct agent *agent, const struct kube_item *item)
{
	struct license_event events[LICENSE_STATUS_EVENTS];
	size_t i, n;

	if (item->kind != &agent->kube_sync.licenses)
		return;
	n = license_status_events(item->replaced, item->sent, events);
	for (i = 0; i < n; i++)
		kube_tell(agent, item, &events[i]);
}

/* The Events of a change come behind the status: whoever writes next sees by it what was told. */
static void on_answer(void *arg, const struct kube_answer *answer)
{
	struct kube_item *item = arg;
	struct agent *agent = item->kind->agent;
	uint64_t now = clock_boot_ns();

	item->request = NULL;
	item->next_ns = now;
	if (kube_well(answer)) {
		const char *version = kube_meta(answer, "resourceVersion");

		tell(agent, item);
		cJSON_Delete(item->status);
		item->status = TAKE_PTR(item->sent);
		if (version[0]) {
			free(item->object.version);
			item->object.version = strdup(version);
		}
		item->failures = 0;
		return;
	}
	cJSON_Delete(TAKE_PTR(item->sent));
	item->next_ns += kube_retry_ns(++item->failures);
	if (item->failures == 3) /* a conflict, or somebody restarts: no news */
		log_event(LOG_WARN, "kube_status_unwritten",
			  LOG_FIELDS("object", item->object.name), "%s; it is tried again",
			  answer->err ? answer->why.text : kube_status_text(answer->body));
}

/* resourceVersion: of two writers the later one has to look again. */
static char *body_of(const struct kube_item *item, const cJSON *status)
{
	_json_ cJSON *root = cJSON_CreateObject();
	cJSON *meta = cJSON_AddObjectToObject(root, "metadata");

	cJSON_AddStringToObject(meta, "resourceVersion",
				item->object.version ? item->object.version : "");
	cJSON_AddItemToObject(root, "status", cJSON_Duplicate(status, true));
	return cJSON_PrintUnformatted(root);
}

/* Takes status over. */
static void write_status(struct agent *agent, struct kube_item *item, cJSON *status)
{
	_free_ char *path = NULL, *body = body_of(item, status);
	struct kube_request_spec spec = {
		.method = "PATCH", .content_type = "application/merge-patch+json", .body = body};
	struct fault f = {0};

	if (asprintf(&path, "%s/%s/status", item->kind->own_path, item->object.name) < 0)
		path = NULL;
	cJSON_Delete(item->sent);
	cJSON_Delete(item->replaced);
	item->sent = status;
	item->replaced = item->status ? cJSON_Duplicate(item->status, true) : NULL;
	spec.path = path;
	if (path && body)
		item->request = kube_request(agent, &spec, on_answer, item, &f);
	if (!item->request)
		on_answer(item, &(struct kube_answer){.err = -1, .why = f});
}

static void look(struct agent *agent, struct kube_item *item)
{
	bool license = item->kind == &agent->kube_sync.licenses;
	uint64_t now = clock_boot_ns();
	_json_ cJSON *status = NULL;

	if (item->request || now < item->next_ns)
		return;
	status = license ? license_status(agent, item) : policy_status(agent, item);
	if (!status || license_status_same(item->status, status))
		return;
	if (license_status_only_nodes(item->status, status) && !item->failures &&
	    now - item->next_ns < NODES_S * NS_PER_S)
		return;
	write_status(agent, item, TAKE_PTR(status));
}

void kube_status_tick(struct agent *agent)
{
	struct kube_sync *sync = &agent->kube_sync;
	struct kube_item *item;

	/* Before the nodes' reports have come, their number is none. */
	if (!sync->nodes_watch || !kube_watch_synced(sync->nodes_watch))
		return;
	if (agent->licenses.source.news || agent->policies.source.news)
		return; /* what has come wasn't read yet: nothing can be said of it */
	for (item = sync->licenses.list; item && kube_leads(agent); item = item->next)
		look(agent, item);
	for (item = sync->policies.list; item && kube_leads(agent); item = item->next)
		look(agent, item);
}

static void cancel(struct kube_items *items)
{
	struct kube_item *item;

	for (item = items->list; item; item = item->next) {
		kube_cancel(item->request);
		item->request = NULL;
		cJSON_Delete(TAKE_PTR(item->sent));
		item->next_ns = 0;
		item->failures = 0;
	}
}

void kube_status_stop(struct agent *agent)
{
	cancel(&agent->kube_sync.licenses);
	cancel(&agent->kube_sync.policies);
}
