/* SPDX-License-Identifier: MIT */
/* kube_view.c - what is told of the API server. */
#include "kube_view.h"

#include "agent.h"
#include "kube_priv.h"
#include "metric.h"
#include "pods.h"
#include "reply.h"
#include "stamp.h"

#define WARN_NS 60000000000ULL /* a server that restarts is no news */

static const struct kube_watch *first_failing(const struct agent *agent)
{
	const struct kube_watch *watch = agent->kube.watches;

	while (watch && !watch->failing)
		watch = watch->next;
	return watch;
}

static cJSON *watch_json(const struct kube_watch *watch)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "what", watch->what);
	cJSON_AddBoolToObject(object, "synced", watch->synced);
	cJSON_AddNumberToObject(object, "objects", (double)watch->n_objects);
	cJSON_AddBoolToObject(object, "absent", watch->absent);
	if (watch->failing)
		cJSON_AddStringToObject(object, "error", watch->why.text);
	else
		cJSON_AddNullToObject(object, "error");
	return object;
}

cJSON *kube_status(const struct agent *agent)
{
	const struct kube_watch *failing = first_failing(agent), *watch;
	const struct kube_config *config = &agent->config.kubernetes;
	cJSON *root, *watches;

	if (!config->on)
		return cJSON_CreateNull();
	root = cJSON_CreateObject();
	cJSON_AddStringToObject(root, "api", config->api);
	cJSON_AddStringToObject(root, "node", config->node);
	cJSON_AddBoolToObject(root, "connected", agent->kube.connected);
	json_put_moment(root, "since", &agent->clock, agent->kube.since_ns);
	if (failing)
		cJSON_AddStringToObject(root, "error", failing->why.text);
	else
		cJSON_AddNullToObject(root, "error");
	cJSON_AddItemToObject(root, "writer", kube_sync_json(agent));
	watches = cJSON_AddArrayToObject(root, "watches");
	for (watch = agent->kube.watches; watch; watch = watch->next)
		cJSON_AddItemToArray(watches, watch_json(watch));
	return root;
}

void kube_warn(const struct agent *agent, cJSON *warnings)
{
	const struct kube_watch *failing = first_failing(agent);
	const struct kube *kube = &agent->kube;
	char since[STAMP_LEN];

	if (kube->on && !agent->config.kubernetes.namespace)
		json_warn(warnings, "Kubernetes: " KUBE_NO_NAMESPACE);
	if (!kube->on || !failing || clock_boot_ns() - kube->since_ns < WARN_NS)
		return;
	json_warn(warnings,
		  "Kubernetes: %s can't be followed since %s: %s; what was known then stays in "
		  "force%s",
		  failing->what, stamp_format(clock_at(&agent->clock, kube->since_ns), since),
		  failing->why.text,
		  pods_followed(agent) ? "" : ", and new pods are found by CNI only");
}

void kube_metrics(FILE *out, const struct agent *agent)
{
	static const char *const kinds[] = {
#define KUBE_KIND_WORD(name, word) word,
		KUBE_KINDS(KUBE_KIND_WORD)
#undef KUBE_KIND_WORD
	};
	const struct kube *kube = &agent->kube;
	int i;

	if (!agent->config.kubernetes.on)
		return;
	metric_head(out, KUBE_CONNECTED);
	metric_sample(out, KUBE_CONNECTED, NO_LABELS, kube->connected);
	metric_head(out, KUBE_WATCH_RESTARTS);
	for (i = 0; i < KUBE_N_KINDS; i++)
		metric_sample(out, KUBE_WATCH_RESTARTS, LABELS("watch", kinds[i]),
			      (double)kube->restarts[i]);
	metric_head(out, KUBE_ERRORS_TOTAL);
	for (i = 0; i < KUBE_N_ERRORS; i++)
		metric_sample(out, KUBE_ERRORS_TOTAL, LABELS("reason", kube_error_word(i)),
			      (double)kube->errors[i]);
}
