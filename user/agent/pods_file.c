/* SPDX-License-Identifier: MIT */
/* pods_file.c - what gates.json has of pods, so that policies go on matching without the API server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "pods_priv.h"

#define SANDBOX_MAX 255
#define NAMESPACE_MAX 253
#define LABELS_MAX_BYTES 65536 /* of one pod */
#define LABEL_BYTES 8	       /* quotes and what is between them */

static size_t bytes_of(const struct labels *labels)
{
	size_t bytes = 0;

	for (size_t i = 0; i < labels->n; i++)
		bytes += strlen(labels->list[i].key) + strlen(labels->list[i].value) + LABEL_BYTES;
	return bytes;
}

/*
 * The API server lets a pod have a megabyte of labels, and a few of those would make a file that can't be read
 * any more: of such a one its names are kept.
 */
static bool put_pod(const struct pod *pod, cJSON *item)
{
	bool bulky = bytes_of(&pod->labels) + bytes_of(&pod->annotations) > LABELS_MAX_BYTES;
	struct pod kept = *pod;

	if (bulky)
		kept.labels = kept.annotations = (struct labels){0};
	cJSON_AddItemToObject(item, "pod", pod_json(&kept));
	return bulky;
}

void pods_file_put(const struct gate_entry *entry, cJSON *item)
{
	bool partial = entry->pod_partial;

	if (entry->sandbox && entry->sandbox[0])
		cJSON_AddStringToObject(item, "sandbox", entry->sandbox);
	if (!entry->pod)
		return;
	partial |= put_pod(entry->pod, item);
	if (partial)
		cJSON_AddTrueToObject(item, "pod_partial");
}

int pods_file_take(const cJSON *item, struct gate_entry *entry, struct fault *f)
{
	const cJSON *pod = NULL;
	const char *sandbox = NULL;
	struct fault why = {0};
	int err = json_object(item, "pod", &pod, f);

	if (!err)
		err = json_string(item, "sandbox", 1, SANDBOX_MAX, &sandbox, f);
	if (!err)
		err = json_bool(item, "pod_partial", &entry->pod_partial, f);
	if (err)
		return err;
	if (sandbox && !(entry->sandbox = strdup(sandbox)))
		return -ENOMEM;
	if (!pod)
		return 0;
	entry->pod = calloc(1, sizeof(*entry->pod));
	if (!entry->pod)
		return -ENOMEM;
	err = pod_json_read(pod, entry->pod, &why);
	if (!err)
		return 0;
	free(entry->pod);
	entry->pod = NULL;
	return json_within("pod", err, &why, f);
}

/* {"name","labels","annotations"} of a namespace that a gate's pod is in. */
static void put_namespace(const struct pod_namespace *namespace, cJSON *list)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "name", namespace->name);
	cJSON_AddItemToObject(item, "labels", labels_json(&namespace->labels));
	cJSON_AddItemToObject(item, "annotations", labels_json(&namespace->annotations));
	cJSON_AddItemToArray(list, item);
}

static bool has_gate(const struct agent *agent, const char *namespace)
{
	for (size_t i = 0; i < agent->gates.n_entries; i++)
		if (agent->gates.entries[i]->pod &&
		    !strcmp(agent->gates.entries[i]->pod->namespace, namespace))
			return true;
	return false;
}

void pods_file_put_namespaces(const struct agent *agent, cJSON *root)
{
	const struct pods *pods = agent->pods;
	cJSON *list;

	if (!pods)
		return;
	list = cJSON_AddArrayToObject(root, "namespaces");
	for (size_t i = 0; i < pods->n_namespaces; i++)
		if (has_gate(agent, pods->namespaces[i]->name))
			put_namespace(pods->namespaces[i], list);
}

int pods_file_take_namespaces(struct agent *agent, const cJSON *root, struct fault *f)
{
	const cJSON *list = NULL, *item;
	int err = json_array(root, "namespaces", 0, PLIC_MAX_GATES, &list, f);

	cJSON_ArrayForEach (item, list) {
		struct pod_namespace *namespace;
		const char *name = NULL;
		bool changed;

		if (!err)
			err = json_string(item, "name", 1, NAMESPACE_MAX, &name, f);
		if (err)
			return err;
		if (!name)
			return fault_set(f, EBADMSG, "\"namespaces\": one has no name");
		namespace = agent->pods ? pods_namespace_add(agent->pods, name) : NULL;
		if (!namespace)
			return -ENOMEM;
		namespace->remembered = true;
		err = pods_namespace_set(namespace, item, &changed, f);
	}
	return err;
}
