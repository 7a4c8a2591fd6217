/* SPDX-License-Identifier: MIT */
/* kube_sync.c - the life of all that the API server's licenses need, and what it shares. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "kube_seats.h"
#include "log.h"
#include "outside.h"
#include "pace.h"

#define SOON_MS 20 /* objects that come together are taken together */

int64_t kube_wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

uint64_t kube_retry_ns(unsigned int failures)
{
	uint64_t ms = (uint64_t)pace_backoff(2, failures, 60) * 1000;

	return (ms / 2 + randombytes_uniform((uint32_t)(ms / 2))) * 1000000;
}

bool kube_well(const struct kube_answer *answer)
{
	return !answer->err && answer->status / 100 == 2;
}

enum outcome kube_outcome(const struct kube_answer *answer)
{
	if (kube_well(answer))
		return OUTCOME_DONE;
	if (answer->err)
		return OUTCOME_FAILED;
	return answer->status == 409   ? OUTCOME_CONFLICT
	       : answer->status == 404 ? OUTCOME_MISSING
				       : OUTCOME_FAILED;
}

const char *kube_meta(const struct kube_answer *answer, const char *member)
{
	const cJSON *item = json_get(json_get(answer->body, "metadata"), member);

	return cJSON_IsString(item) ? item->valuestring : "";
}

char *kube_own_path(const struct agent *agent, const char *api, const char *resource)
{
	char *path;

	if (asprintf(&path, "%s/namespaces/%s/%s", api, agent->config.kubernetes.namespace,
		     resource) < 0)
		return NULL;
	return path;
}

struct kube_request *kube_lease_request(struct agent *agent, const char *method, const char *name,
					const char *body, kube_done *done, void *arg,
					struct fault *f)
{
	bool creates = !strcmp(method, "POST");
	char below[sizeof("leases/") + KOBJECT_NAME_MAX];
	_free_ char *path = NULL;
	struct kube_request_spec spec = {.method = method, .body = body};

	snprintf(below, sizeof(below), "leases%s%s", creates ? "" : "/", creates ? "" : name);
	path = kube_own_path(agent, LEASE_API, below);
	if (!path) {
		fault_set(f, ENOMEM, "out of memory");
		return NULL;
	}
	spec.path = path;
	if (!strcmp(method, "PATCH"))
		spec.content_type = "application/merge-patch+json";
	return kube_request(agent, &spec, done, arg, f);
}

void kube_node_lease(const char *prefix, const char *node, char name[KOBJECT_NAME_MAX + 1])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1];

	if (snprintf(name, KOBJECT_NAME_MAX + 1, "%s%s", prefix, node) <= KOBJECT_NAME_MAX)
		return;
	crypto_hash_sha256(hash, (const unsigned char *)node, strlen(node));
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	snprintf(name, KOBJECT_NAME_MAX + 1, "%s%s", prefix, hex);
}

static void on_soon(uv_timer_t *timer)
{
	agent_rescan(timer->data);
}

void kube_sync_soon(struct agent *agent)
{
	if (agent->kube_sync.on && !uv_is_active((uv_handle_t *)&agent->kube_sync.soon))
		uv_timer_start(&agent->kube_sync.soon, on_soon, SOON_MS, 0);
}

/* Where nobody says any more what is there, what was there goes as a file does. */
static void let_go(struct agent *agent)
{
	static const char *const prefixes[] = {LICENSES_SECRET, LICENSES_PORTLICENSE};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		source_list_begin(&agent->licenses.source, prefixes[i]);
		source_list_end(&agent->licenses.source, prefixes[i]);
	}
	source_list_begin(&agent->policies.source, POLICIES_PORTPOLICY);
	source_list_end(&agent->policies.source, POLICIES_PORTPOLICY);
	kube_listed_forget(agent);
}

bool kube_sync_configured(const struct agent *agent)
{
	return agent->config.kubernetes.on && agent->config.kubernetes.namespace;
}

void kube_sync_start(struct agent *agent)
{
	struct kube_sync *sync = &agent->kube_sync;

	*sync = (struct kube_sync){0};
	if (!kube_sync_configured(agent)) {
		let_go(agent);
		if (agent->config.kubernetes.on)
			log_event(LOG_WARN, "kube_no_namespace", LOG_NO_FIELDS, KUBE_NO_NAMESPACE);
		return;
	}
	sync->on = true;
	uv_timer_init(&agent->loop, &sync->soon);
	sync->soon.data = agent;
	kube_licenses_start(agent);
	kube_policies_start(agent);
	kube_lease_start(agent);
}

void kube_sync_tick(struct agent *agent)
{
	uint64_t now = clock_boot_ns();

	if (!agent->kube_sync.on || agent->stopping)
		return;
	kube_items_tick(&agent->kube_sync.licenses, now);
	kube_items_tick(&agent->kube_sync.policies, now);
	if (agent->kube_sync.policies.absent_ns)
		kube_listed_note(agent);
	kube_lease_tick(agent);
	kube_report_tick(agent);
	kube_census_tick(agent);
	kube_status_tick(agent);
	kube_seats_tick(agent);
}

void kube_sync_stop(struct agent *agent)
{
	struct kube_sync *sync = &agent->kube_sync;

	if (!sync->on)
		return;
	sync->on = false;
	uv_close((uv_handle_t *)&sync->soon, NULL);
	kube_seats_stop(agent);
	kube_tell_stop(agent);
	kube_census_stop(agent);
	kube_cancel(sync->report_request);
	kube_cancel(sync->lease_request);
	kube_unwatch(sync->lease_watch);
	lease_free(&sync->lease);
	kube_items_free(&sync->secrets);
	kube_items_free(&sync->licenses);
	kube_items_free(&sync->policies);
	free(sync->reported);
	free(sync->reporting);
}

cJSON *kube_sync_json(const struct agent *agent)
{
	const struct kube_sync *sync = &agent->kube_sync;
	cJSON *root;

	if (!sync->on)
		return cJSON_CreateNull();
	root = cJSON_CreateObject();
	if (sync->lease.holder && sync->lease.holder[0])
		cJSON_AddStringToObject(root, "holder", sync->lease.holder);
	else
		cJSON_AddNullToObject(root, "holder");
	cJSON_AddBoolToObject(root, "leading", kube_leads(agent));
	return root;
}
