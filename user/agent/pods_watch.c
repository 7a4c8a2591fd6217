/* SPDX-License-Identifier: MIT */
/* pods_watch.c - the pods of this node and the namespaces of the cluster, as the API server has them. */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "gatefile.h"
#include "log.h"
#include "pods_priv.h"

/*
 * The kubelet deletes a mirror pod that it didn't make at once, and makes its own anew at once: so who has a gate
 * and was gone for so long was forged.
 */
#define GRACE_NS (120 * SECOND_NS)

/* ---- pods ---- */

static void free_entry(struct pod_entry *entry)
{
	pod_free(&entry->pod);
	free(entry->text);
	free(entry);
}

static void forget(struct pods *pods, size_t i)
{
	free_entry(pods->list[i]);
	pods->n--;
	memmove(pods->list + i, pods->list + i + 1, (pods->n - i) * sizeof(*pods->list));
}

/* Gates remember their pod as it is, for the time without an API server. */
static void tell_gates(struct agent *agent, const struct pod *pod)
{
	bool any = false;

	for (size_t i = 0; i < agent->gates.n_entries; i++) {
		struct gate_entry *entry = agent->gates.entries[i];
		struct pod copy;

		if (!entry->pod || strcmp(entry->pod->uid, pod->uid) || pods_copy(pod, &copy))
			continue;
		pod_free(entry->pod);
		*entry->pod = copy;
		entry->pod_partial = false;
		any = true;
	}
	if (!any)
		return;
	gatefile_save(agent);
	rules_changed(agent);
}

static struct pod_entry *find_or_add(struct pods *pods, const char *uid)
{
	struct pod_entry *entry = pods_find(pods, uid);

	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry || array_grow(&pods->list, pods->n, &pods->room, sizeof(*pods->list))) {
		free(entry);
		return NULL;
	}
	entry->state = POD_UNSELECTED;
	pods->list[pods->n++] = entry;
	return entry;
}

/*
 * Whoever may create pods may make a mirror of any static pod's UID, with names and labels of their own. Who
 * had the UID first keeps it.
 */
static bool is_stolen(const struct pods *pods, const struct pod *pod)
{
	const struct pod_entry *known = pods_find(pods, pod->uid);
	const struct gates *gates = &pods->agent->gates;

	if (known)
		return pod_is_other(&known->pod, pod);
	for (size_t i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->pod && !strcmp(gates->entries[i]->pod->uid, pod->uid))
			return pod_is_other(gates->entries[i]->pod, pod);
	return false;
}

/* Takes pod over. */
static void take(struct pods *pods, struct pod *pod)
{
	_json_ cJSON *object = pod_json(pod);
	_free_ char *text = object ? cJSON_PrintUnformatted(object) : NULL;
	struct pod_entry *entry = text ? find_or_add(pods, pod->uid) : NULL;
	uint64_t now_ns = clock_boot_ns();
	bool other;

	if (!entry) {
		pod_free(pod);
		return;
	}
	other = !entry->text || strcmp(entry->text, text) != 0;
	pod_free(&entry->pod);
	entry->pod = *pod;
	free(entry->text);
	entry->text = TAKE_PTR(text);
	entry->listed = true;
	entry->changed_ns = now_ns;
	if (!entry->pod.n_containers)
		entry->running_ns = 0;
	else if (!entry->running_ns)
		entry->running_ns = now_ns;
	if (other)
		tell_gates(pods->agent, &entry->pod);
	pods_select(pods->agent);
}

/* ---- who was refused ---- */

static struct pod_refused *find_refused(const struct pods *pods, const struct pod *pod)
{
	for (size_t i = 0; i < pods->n_refused; i++)
		if (!pod_is_other(&pods->refused[i].pod, pod))
			return &pods->refused[i];
	return NULL;
}

static void drop_refused(struct pods *pods, struct pod_refused *refused)
{
	size_t i;

	if (!refused)
		return;
	i = (size_t)(refused - pods->refused);
	pod_free(&refused->pod);
	pods->n_refused--;
	memmove(refused, refused + 1, (pods->n_refused - i) * sizeof(*refused));
}

static struct pod_refused *add_refused(struct pods *pods, const struct pod *pod)
{
	log_event(LOG_WARN, "pod_refused",
		  LOG_FIELDS("namespace", pod->namespace, "pod", pod->name, "uid", pod->uid),
		  "it has the UID of another pod of this node, which stays as it is: see its "
		  "annotation kubernetes.io/config.mirror, and who wrote that");
	if (array_grow(&pods->refused, pods->n_refused, &pods->refused_room,
		       sizeof(*pods->refused)))
		return NULL;
	pods->refused[pods->n_refused] = (struct pod_refused){0};
	return &pods->refused[pods->n_refused++];
}

/* Takes pod over: it may be the one whose UID it is, and the other a mirror that is found out later. */
static void refuse(struct pods *pods, struct pod *pod)
{
	struct pod_refused *refused = find_refused(pods, pod);

	if (!refused)
		refused = add_refused(pods, pod);
	if (!refused) {
		pod_free(pod);
		return;
	}
	if (refused->pod.uid && strcmp(refused->pod.uid, pod->uid) != 0)
		refused->free_ns = 0;
	pod_free(&refused->pod);
	refused->pod = *pod;
	refused->listed = true;
}

/* Nobody has its UID any more; a gate that remembers another may still be of one that comes back. */
static bool is_free(const struct pods *pods, struct pod_refused *refused)
{
	uint64_t now_ns = clock_boot_ns();

	if (pods_find(pods, refused->pod.uid)) {
		refused->free_ns = 0;
		return false;
	}
	if (!refused->free_ns)
		refused->free_ns = now_ns;
	return !is_stolen(pods, &refused->pod) || now_ns - refused->free_ns >= GRACE_NS;
}

void pods_look_at_refused(struct pods *pods)
{
	for (size_t i = 0; i < pods->n_refused && pods_known(pods); i++) {
		struct pod_refused *refused = &pods->refused[i];
		struct pod pod;

		if (!is_free(pods, refused))
			continue;
		pod = refused->pod;
		refused->pod = (struct pod){0};
		drop_refused(pods, refused);
		log_event(LOG_INFO, "pod_taken",
			  LOG_FIELDS("namespace", pod.namespace, "pod", pod.name, "uid", pod.uid),
			  "it was refused, and who had its UID is gone");
		kubepeers_claim(pods->agent, &pod);
		take(pods, &pod);
		i--;
	}
}

/* ---- what comes ---- */

static void pod_present(void *arg, const cJSON *object)
{
	struct pods *pods = arg;
	struct fault f = {0};
	struct pod pod;

	if (pod_read(object, &pod, &f)) {
		log_event(LOG_WARN, "pod_unreadable", LOG_NO_FIELDS,
			  "the API server's object can't be read, so the pod isn't gated: %s",
			  f.text);
		return;
	}
	if (is_stolen(pods, &pod)) {
		refuse(pods, &pod);
		return;
	}
	drop_refused(pods, find_refused(pods, &pod));
	kubepeers_claim(pods->agent, &pod);
	take(pods, &pod);
}

static void pod_gone(void *arg, const cJSON *object)
{
	struct pods *pods = arg;
	struct fault f = {0};
	struct pod pod;

	if (pod_read(object, &pod, &f))
		return; /* the next whole list tells */
	for (size_t i = 0; i < pods->n; i++)
		if (!strcmp(pods->list[i]->pod.uid, pod.uid) &&
		    !pod_is_other(&pods->list[i]->pod, &pod)) {
			forget(pods, i);
			break;
		}
	drop_refused(pods, find_refused(pods, &pod));
	pod_free(&pod);
	pods_look_at_refused(pods);
	pods_select(pods->agent);
}

static void pods_begin(void *arg)
{
	struct pods *pods = arg;

	for (size_t i = 0; i < pods->n; i++)
		pods->list[i]->listed = false;
	for (size_t i = 0; i < pods->n_refused; i++)
		pods->refused[i].listed = false;
}

static void pods_end(void *arg)
{
	struct pods *pods = arg;

	for (size_t i = pods->n; i-- > 0;)
		if (!pods->list[i]->listed)
			forget(pods, i);
	for (size_t i = pods->n_refused; i-- > 0;)
		if (!pods->refused[i].listed)
			drop_refused(pods, &pods->refused[i]);
	pods_look_at_refused(pods);
	pods_select(pods->agent);
}

/* ---- namespaces ---- */

static void drop_namespace(struct pods *pods, size_t i)
{
	pods_namespace_free(pods->namespaces[i]);
	pods->n_namespaces--;
	memmove(pods->namespaces + i, pods->namespaces + i + 1,
		(pods->n_namespaces - i) * sizeof(*pods->namespaces));
}

/* Who has a gate there? */
static bool has_gates(const struct agent *agent, const char *namespace)
{
	for (size_t i = 0; i < agent->gates.n_entries; i++) {
		const struct gate_entry *entry = agent->gates.entries[i];

		if (entry->pod && !strcmp(entry->pod->namespace, namespace))
			return true;
	}
	return false;
}

static void namespace_present(void *arg, const cJSON *object)
{
	struct pods *pods = arg;
	const cJSON *metadata = json_get(object, "metadata");
	const char *name = json_string_value(json_get(metadata, "name"), 1, 253);
	struct pod_namespace *namespace = name ? pods_namespace_add(pods, name) : NULL;
	struct fault f = {0};
	bool changed = false;

	kubepeers_namespace(pods->agent, object);
	if (!namespace)
		return;
	namespace->listed = true;
	namespace->remembered = false;
	if (pods_namespace_set(namespace, metadata, &changed, &f)) {
		log_event(LOG_WARN, "namespace_unreadable", LOG_FIELDS("namespace", name),
			  "its labels stay as they were: %s", f.text);
		return;
	}
	if (!changed)
		return;
	pods_select(pods->agent);
	if (has_gates(pods->agent, name)) {
		gatefile_save(pods->agent);
		rules_changed(pods->agent);
	}
}

/* A namespace ends after its last pod; what pods remain are judged by what it was. */
static void namespace_gone(void *arg, const cJSON *object)
{
	struct pods *pods = arg;
	const char *name =
		json_string_value(json_get(json_get(object, "metadata"), "name"), 1, 253);

	kubepeers_namespace_gone(pods->agent, object);
	for (size_t i = 0; name && i < pods->n_namespaces; i++)
		if (!strcmp(pods->namespaces[i]->name, name) && !has_gates(pods->agent, name)) {
			drop_namespace(pods, i);
			break;
		}
}

static void namespaces_begin(void *arg)
{
	struct pods *pods = arg;

	for (size_t i = 0; i < pods->n_namespaces; i++)
		pods->namespaces[i]->listed = false;
	kubepeers_namespaces_begin(pods->agent);
}

static void namespaces_end(void *arg)
{
	struct pods *pods = arg;

	for (size_t i = pods->n_namespaces; i-- > 0;)
		if (!pods->namespaces[i]->listed &&
		    !has_gates(pods->agent, pods->namespaces[i]->name))
			drop_namespace(pods, i);
	kubepeers_namespaces_end(pods->agent);
	pods_select(pods->agent);
}

/* ---- both ---- */

void pods_watch_start(struct pods *pods)
{
	struct agent *agent = pods->agent;
	_free_ char *query = NULL;

	if (asprintf(&query, "fieldSelector=spec.nodeName%%3D%s", agent->config.kubernetes.node) <
	    0)
		query = NULL;
	if (query)
		pods->watch = kube_watch(
			agent, &(struct kube_watch_spec){
				       .path = "/api/v1/pods",
				       .query = query,
				       .what = "the pods of this node",
				       .kind = KUBE_PODS,
				       .consumer = {pods_begin, pod_present, pod_gone, pods_end},
				       .arg = pods});
	pods->namespaces_watch = kube_watch(
		agent, &(struct kube_watch_spec){.path = "/api/v1/namespaces",
						 .what = "the namespaces",
						 .kind = KUBE_NAMESPACES,
						 .consumer = {namespaces_begin, namespace_present,
							      namespace_gone, namespaces_end},
						 .arg = pods});
	if (!pods->watch || !pods->namespaces_watch)
		log_event(LOG_ERROR, "pods_unknown", LOG_NO_FIELDS,
			  "the pods of this node can't be watched: out of memory");
}

void pods_watch_stop(struct pods *pods)
{
	kube_unwatch(pods->watch);
	kube_unwatch(pods->namespaces_watch);
	pods->watch = pods->namespaces_watch = NULL;
}

bool pods_known(const struct pods *pods)
{
	return pods->watch && kube_watch_synced(pods->watch);
}

bool pods_followed(const struct agent *agent)
{
	const struct pods *pods = agent->pods;

	return pods && pods->watch && !kube_watch_failing(pods->watch);
}

bool pods_selection_known(const struct pods *pods)
{
	return pods_known(pods) && pods->namespaces_watch &&
	       kube_watch_synced(pods->namespaces_watch);
}
