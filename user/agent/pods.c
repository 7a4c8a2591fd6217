/* SPDX-License-Identifier: MIT */
/* pods.c - the pods and namespaces that are known, and how policies see them. */
#include "pods.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "cni_selection.h"
#include "log.h"
#include "pods_priv.h"

#define SOON_MS 10 /* many changes at once make one round */

const char *pods_system_namespace(const struct agent *agent, size_t i)
{
	if (i < CNI_N_SYSTEM)
		return cni_system_namespaces[i];
	return i == CNI_N_SYSTEM ? agent->config.kubernetes.namespace : NULL;
}

bool pods_is_system(const struct agent *agent, const char *namespace)
{
	const char *name;

	for (size_t i = 0; (name = pods_system_namespace(agent, i)); i++)
		if (!strcmp(namespace, name))
			return true;
	return false;
}

static void look_at(const struct agent *agent, const struct pod *pod, const char *gate,
		    struct pod_view *out)
{
	const struct pod_namespace *namespace =
		agent->pods ? pods_namespace_find(agent->pods, pod->namespace) : NULL;
	bool system = pods_is_system(agent, pod->namespace);

	*out = (struct pod_view){.namespace = namespace};
	pod_wish_read(&pod->annotations, namespace ? &namespace->annotations : NULL, system,
		      &out->wish);
	out->subject = (struct policy_subject){
		.gate = gate,
		.namespace = pod->namespace,
		.labels = &pod->labels,
		.namespace_labels = namespace ? &namespace->labels : NULL,
		.asks = pod_wish_policy(&out->wish),
		.by_name_only = system,
	};
}

void pods_view(const struct agent *agent, const struct pod *pod, const char *gate,
	       struct pod_view *out)
{
	look_at(agent, pod, gate, out);
	out->policy = policies_find(&agent->policies, &out->subject, NULL);
	out->selected = out->policy || out->wish.asks;
}

struct policy_subject pods_subject(const struct agent *agent, const struct gate_entry *entry)
{
	struct pod_view view;

	if (!entry->pod)
		return (struct policy_subject){.gate = entry->name};
	look_at(agent, entry->pod, entry->name, &view);
	return view.subject;
}

bool pods_policy_matches(const struct agent *agent, const struct policy *policy,
			 const struct gate_entry *entry)
{
	struct policy_subject subject = pods_subject(agent, entry);

	return policy_matches(policy, &subject);
}

bool pods_policy_asked(const struct agent *agent, const struct policy *policy,
		       const struct gate_entry *entry)
{
	struct policy_subject subject = pods_subject(agent, entry);

	return policy_asked(policy, &subject);
}

enum plic_mode pods_mode(const struct agent *agent, const struct gate_entry *entry,
			 const struct policy *policy)
{
	struct pod_view view;

	if (!entry->pod || entry->policy_text)
		return policy ? policy->mode : PLIC_ENFORCE;
	look_at(agent, entry->pod, entry->name, &view);
	return pod_wish_mode(&view.wish, policy);
}

int pods_copy(const struct pod *from, struct pod *out)
{
	_json_ cJSON *object = pod_json(from);
	int err = object ? pod_json_read(object, out, NULL) : -ENOMEM;

	if (!err)
		out->created = from->created;
	return err;
}

struct pod_entry *pods_find(const struct pods *pods, const char *uid)
{
	for (size_t i = 0; i < pods->n; i++)
		if (!strcmp(pods->list[i]->pod.uid, uid))
			return pods->list[i];
	return NULL;
}

struct pod_namespace *pods_namespace_find(const struct pods *pods, const char *name)
{
	for (size_t i = 0; i < pods->n_namespaces; i++)
		if (!strcmp(pods->namespaces[i]->name, name))
			return pods->namespaces[i];
	return NULL;
}

struct pod_namespace *pods_namespace_add(struct pods *pods, const char *name)
{
	struct pod_namespace *namespace = pods_namespace_find(pods, name);

	if (namespace)
		return namespace;
	namespace = calloc(1, sizeof(*namespace));
	if (!namespace || array_grow(&pods->namespaces, pods->n_namespaces, &pods->namespaces_room,
				     sizeof(*pods->namespaces))) {
		free(namespace);
		return NULL;
	}
	namespace->name = strdup(name);
	if (!namespace->name) {
		free(namespace);
		return NULL;
	}
	pods->namespaces[pods->n_namespaces++] = namespace;
	return namespace;
}

/* Those that are ours. */
static int read_annotations(const cJSON *metadata, struct labels *out, struct fault *f)
{
	const cJSON *item, *all = json_get(metadata, "annotations");
	_json_ cJSON *ours = cJSON_CreateObject();

	if (!ours)
		return -ENOMEM;
	cJSON_ArrayForEach (item, all)
		if (!strncmp(item->string, POD_ANNOTATIONS, strlen(POD_ANNOTATIONS)) &&
		    cJSON_IsString(item))
			cJSON_AddStringToObject(ours, item->string, item->valuestring);
	return labels_read(ours, out, f);
}

static char *namespace_text(const struct labels *labels, const struct labels *annotations)
{
	_json_ cJSON *object = cJSON_CreateObject();

	cJSON_AddItemToObject(object, "labels", labels_json(labels));
	cJSON_AddItemToObject(object, "annotations", labels_json(annotations));
	return cJSON_PrintUnformatted(object);
}

int pods_namespace_set(struct pod_namespace *namespace, const cJSON *metadata, bool *changed,
		       struct fault *f)
{
	_cleanup_(labels_free) struct labels labels = {0}, annotations = {0};
	_free_ char *text = NULL;
	int err = labels_read(json_get(metadata, "labels"), &labels, f);

	if (!err)
		err = read_annotations(metadata, &annotations, f);
	if (!err && !(text = namespace_text(&labels, &annotations)))
		err = -ENOMEM;
	if (err)
		return err;
	*changed = !namespace->text || strcmp(namespace->text, text) != 0;
	labels_free(&namespace->labels);
	labels_free(&namespace->annotations);
	free(namespace->text);
	namespace->labels = labels;
	namespace->annotations = annotations;
	namespace->text = TAKE_PTR(text);
	labels = annotations = (struct labels){0};
	return 0;
}

void pods_namespace_free(struct pod_namespace *namespace)
{
	labels_free(&namespace->labels);
	labels_free(&namespace->annotations);
	free(namespace->text);
	free(namespace->name);
	free(namespace);
}

static void on_soon(uv_timer_t *timer)
{
	struct pods *pods = timer->data;

	pods_round(pods->agent);
}

void pods_round_in(struct pods *pods, uint64_t ms)
{
	uv_handle_t *handle = (uv_handle_t *)&pods->soon;

	if (pods->agent->stopping ||
	    (uv_is_active(handle) && uv_timer_get_due_in(&pods->soon) <= ms))
		return;
	uv_timer_start(&pods->soon, on_soon, ms, 0);
}

void pods_select(struct agent *agent)
{
	cnifile_changed(agent);
	if (agent->pods)
		pods_round_in(agent->pods, SOON_MS);
}

void pods_tick(struct agent *agent)
{
	if (agent->pods)
		pods_look_at_refused(agent->pods);
	pods_round(agent);
}

void pods_start(struct agent *agent)
{
	struct pods *pods = calloc(1, sizeof(*pods));

	if (!pods) {
		log_event(LOG_ERROR, "pods_unknown", LOG_NO_FIELDS, "out of memory");
		return;
	}
	pods->agent = agent;
	agent->pods = pods;
	uv_timer_init(&agent->loop, &pods->soon);
	pods->soon.data = pods;
	if (agent->config.kubernetes.on)
		pods_watch_start(pods);
}

void pods_stop(struct agent *agent)
{
	struct pods *pods = agent->pods;

	if (!pods)
		return;
	pods_watch_stop(pods);
	pods_sandbox_stop(pods);
	uv_close((uv_handle_t *)&pods->soon, NULL);
}

void pods_free(struct agent *agent)
{
	struct pods *pods = agent->pods;

	for (size_t i = 0; pods && i < pods->n; i++) {
		pod_free(&pods->list[i]->pod);
		free(pods->list[i]->text);
		free(pods->list[i]);
	}
	for (size_t i = 0; pods && i < pods->n_namespaces; i++)
		pods_namespace_free(pods->namespaces[i]);
	for (size_t i = 0; pods && i < pods->n_refused; i++)
		pod_free(&pods->refused[i].pod);
	if (pods) {
		free(pods->refused);
		free(pods->list);
		free(pods->namespaces);
	}
	free(pods);
	agent->pods = NULL;
}
