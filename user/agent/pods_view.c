/* SPDX-License-Identifier: MIT */
/* pods_view.c - pods for the API, the status and the metrics. */
#include <string.h>

#include "agent.h"
#include "metric.h"
#include "pods_priv.h"
#include "reply.h"

#define EXCLUDED_NAMES 3   /* of pods with the same reason */
#define EXCLUDED_REASONS 3 /* warnings */

static const char *const state_words[POD_N_STATES] = {[POD_GATED] = "gated",
						      [POD_WAITING] = "waiting",
						      [POD_EXCLUDED] = "excluded",
						      [POD_UNSELECTED] = "unselected"};

/* "Deployment/web"; NULL: nobody's. */
static const char *workload(const struct pod *pod, char *text, size_t size)
{
	if (!pod->workload)
		return NULL;
	snprintf(text, size, "%s/%s", pod->workload_kind ? pod->workload_kind : "?", pod->workload);
	return text;
}

static void put_identity(const struct pod *pod, cJSON *item)
{
	char owner[512];

	cJSON_AddStringToObject(item, "namespace", pod->namespace);
	cJSON_AddStringToObject(item, "name", pod->name);
	cJSON_AddStringToObject(item, "uid", pod->uid);
	json_put_string(item, "workload", workload(pod, owner, sizeof(owner)));
}

cJSON *pods_gate_json(const struct gate_entry *entry)
{
	cJSON *item;

	if (!entry->pod)
		return cJSON_CreateNull();
	item = cJSON_CreateObject();
	put_identity(entry->pod, item);
	return item;
}

/* What selects it: a policy, or its own annotation or its namespace's. */
static void put_choice(const struct agent *agent, const struct pod *pod, cJSON *item)
{
	struct pod_view view;

	pods_view(agent, pod, "", &view);
	json_put_string(item, "policy", view.policy ? view.policy->name : NULL);
	cJSON_AddBoolToObject(item, "annotated", view.wish.asks);
}

static void put_gate(const struct agent *agent, const struct gate_entry *gate, cJSON *item)
{
	json_put_string(item, "gate", gate ? gate->name : NULL);
	json_put_string(item, "mode", gate ? mode_word(rules_mode(agent, gate)) : NULL);
	if (gate && gate->delay_seconds >= 0)
		cJSON_AddNumberToObject(item, "attach_delay_seconds", gate->delay_seconds);
	else
		cJSON_AddNullToObject(item, "attach_delay_seconds");
	if (gate)
		cJSON_AddNumberToObject(item, "unprotected_seconds", gate->exposed_ns / 1e9);
	else
		cJSON_AddNullToObject(item, "unprotected_seconds");
}

static cJSON *pod_object(const struct agent *agent, const struct pod *pod, enum pod_state state,
			 const char *why, const struct gate_entry *gate, bool shown)
{
	cJSON *item = cJSON_CreateObject();

	put_identity(pod, item);
	cJSON_AddBoolToObject(item, "host_network", pod->host_network);
	cJSON_AddStringToObject(item, "state", state_words[state]);
	json_put_string(item, "reason", why && why[0] ? why : NULL);
	put_choice(agent, pod, item);
	put_gate(agent, gate, item);
	cJSON_AddBoolToObject(item, "in_api", shown);
	return item;
}

cJSON *pods_json(const struct agent *agent)
{
	const struct pods *pods = agent->pods;
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; pods && i < pods->n; i++) {
		const struct pod_entry *pod = pods->list[i];

		cJSON_AddItemToArray(list, pod_object(agent, &pod->pod, pod->state, pod->why.text,
						      pods_gate_on(agent, pod->pod.uid, 0), true));
	}
	for (size_t i = 0; i < agent->gates.n_entries; i++) {
		const struct gate_entry *gate = agent->gates.entries[i];

		if (!gate->pod || (pods && pods_find(pods, gate->pod->uid)))
			continue;
		cJSON_AddItemToArray(
			list, pod_object(agent, gate->pod,
					 gate->state == GATE_ATTACHED ? POD_GATED : POD_WAITING,
					 gate->error.text, gate, false));
	}
	return list;
}

static void warn_annotations(const struct agent *agent, const struct pod *pod, cJSON *warnings)
{
	struct pod_view view;

	pods_view(agent, pod, "", &view);
	if (view.wish.bad.text[0])
		json_warn(warnings, "pod \"%s/%s\": %s", pod->namespace, pod->name,
			  view.wish.bad.text);
	if (view.wish.asks && !view.policy && view.subject.asks)
		json_warn(warnings,
			  "pod \"%s/%s\": the annotation " POLICY_ANNOTATION
			  " names the policy \"%.64s\", which isn't there: its gate is enforced by "
			  "licenses alone; add that policy or correct the name",
			  pod->namespace, pod->name, view.subject.asks);
}

static void warn_namespace(const struct pod_namespace *namespace, cJSON *warnings)
{
	struct pod_wish wish;

	pod_wish_read(NULL, &namespace->annotations, false, &wish);
	if (wish.namespace_bad.text[0])
		json_warn(warnings, "namespace \"%s\": %s", namespace->name,
			  wish.namespace_bad.text);
}

/* The first one of those that are excluded for the same reason. */
static bool begins_reason(const struct pods *pods, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (pods->list[k]->state == POD_EXCLUDED &&
		    !strcmp(pods->list[k]->why.text, pods->list[i]->why.text))
			return false;
	return pods->list[i]->state == POD_EXCLUDED;
}

/* Of all that have the reason of the i-th. Returns how many. */
static size_t warn_reason(const struct pods *pods, size_t i, cJSON *warnings)
{
	const struct pod_entry *first = pods->list[i];
	struct fault names = {0};
	size_t n = 0, len = 0;

	for (; i < pods->n; i++) {
		const struct pod_entry *pod = pods->list[i];

		if (pod->state != POD_EXCLUDED || strcmp(pod->why.text, first->why.text) != 0)
			continue;
		if (n++ < EXCLUDED_NAMES)
			len += (size_t)snprintf(names.text + len, sizeof(names.text) - len,
						"%s\"%.63s/%.63s\"", len ? ", " : "",
						pod->pod.namespace, pod->pod.name);
	}
	if (n == 1)
		json_warn(warnings, "EXCLUDED: pod %s is selected and has no gate: %s", names.text,
			  first->why.text);
	else
		json_warn(warnings, "EXCLUDED: %zu pods are selected and have no gate: %s%s: %s", n,
			  names.text, n > EXCLUDED_NAMES ? " and others" : "", first->why.text);
	return n;
}

/* A node may have hundreds, and each a reason of its own. */
static void warn_excluded(const struct pods *pods, cJSON *warnings)
{
	size_t n_told = 0, n_reasons = 0, n = 0;

	for (size_t i = 0; i < pods->n; i++) {
		n += pods->list[i]->state == POD_EXCLUDED;
		if (begins_reason(pods, i) && n_reasons++ < EXCLUDED_REASONS)
			n_told += warn_reason(pods, i, warnings);
	}
	if (n > n_told)
		json_warn(warnings,
			  "EXCLUDED: %zu more pods are selected and have no gate, each for a "
			  "reason that GET /v1/pods tells",
			  n - n_told);
}

void pods_warn(const struct agent *agent, cJSON *warnings)
{
	const struct pods *pods = agent->pods;

	for (size_t i = 0; pods && i < pods->n_namespaces; i++)
		warn_namespace(pods->namespaces[i], warnings);
	for (size_t i = 0; pods && i < pods->n; i++)
		warn_annotations(agent, &pods->list[i]->pod, warnings);
	if (pods)
		warn_excluded(pods, warnings);
}

static void count_states(const struct pods *pods, unsigned int states[POD_N_STATES])
{
	for (size_t i = 0; pods && i < pods->n; i++)
		states[pods->list[i]->state]++;
}

cJSON *pods_status(const struct agent *agent)
{
	unsigned int states[POD_N_STATES] = {0};
	cJSON *root;

	if (!agent->config.kubernetes.on)
		return cJSON_CreateNull();
	count_states(agent->pods, states);
	root = cJSON_CreateObject();
	for (size_t i = 0; i < POD_N_STATES; i++)
		cJSON_AddNumberToObject(root, state_words[i], states[i]);
	return root;
}

void pods_metrics(FILE *out, const struct agent *agent)
{
	const struct pods *pods = agent->pods;
	unsigned int states[POD_N_STATES] = {0};
	char owner[512];

	count_states(pods, states);
	metric_head(out, PODS);
	for (size_t i = 0; pods && agent->config.kubernetes.on && i < POD_N_STATES; i++)
		metric_sample(out, PODS, LABELS("state", state_words[i]), states[i]);
	metric_head(out, ATTACH_DELAY);
	if (pods && agent->config.kubernetes.on)
		metric_summary(out, ATTACH_DELAY, pods->delay_sum, pods->delay_count);
	metric_head(out, GATE_INFO);
	for (size_t i = 0; i < agent->gates.n_entries; i++) {
		const struct gate_entry *entry = agent->gates.entries[i];
		const char *of;

		if (!entry->pod)
			continue;
		of = workload(entry->pod, owner, sizeof(owner));
		metric_sample(out, GATE_INFO,
			      LABELS("gate", entry->name, "namespace", entry->pod->namespace, "pod",
				     entry->pod->name, "workload", of ? of : ""),
			      1);
	}
}

bool pods_is_latest(const struct agent *agent, const struct gate_entry *entry)
{
	const struct pod *pod = entry->pod;

	for (size_t i = 0; i < agent->gates.n_entries; i++) {
		const struct gate_entry *other = agent->gates.entries[i];

		if (other == entry || !other->pod || strcmp(other->pod->name, pod->name) ||
		    strcmp(other->pod->namespace, pod->namespace))
			continue;
		if (other->since_ns > entry->since_ns)
			return false;
	}
	return true;
}
