/* SPDX-License-Identifier: MIT */
/* pod_json.c - a pod as the agent's state has it (declared in pod.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "jsonput.h"
#include "pod_read.h"

#define N_MEMBERS 11
#define MAX_CREATED 253402300799.0 /* the year 9999 */

cJSON *pod_json(const struct pod *pod)
{
	_json_ cJSON *out = cJSON_CreateObject();
	cJSON *labels = labels_json(&pod->labels), *annotations = labels_json(&pod->annotations);
	cJSON *probes = cJSON_AddArrayToObject(out, "probes");

	if (!labels || !cJSON_AddItemToObject(out, "labels", labels))
		cJSON_Delete(labels);
	if (!annotations || !cJSON_AddItemToObject(out, "annotations", annotations))
		cJSON_Delete(annotations);
	for (size_t i = 0; i < pod->n_probes; i++)
		cJSON_AddItemToArray(probes, cJSON_CreateNumber(pod->probes[i]));
	json_put_string(out, "uid", pod->uid);
	json_put_string(out, "namespace", pod->namespace);
	json_put_string(out, "name", pod->name);
	json_put_string(out, "node", pod->node);
	json_put_string(out, "workload_kind", pod->workload_kind);
	json_put_string(out, "workload", pod->workload);
	cJSON_AddBoolToObject(out, "host_network", pod->host_network);
	cJSON_AddNumberToObject(out, "created", (double)pod->created);
	/* Out of memory on the way: none at all is better than half a pod. */
	if (cJSON_GetArraySize(out) != N_MEMBERS ||
	    cJSON_GetArraySize(probes) != (int)pod->n_probes)
		return NULL;
	return TAKE_PTR(out);
}

static int read_probes(const cJSON *object, struct pod *pod, struct fault *f)
{
	const cJSON *array, *item;
	size_t room = 0;
	int err = pod_array(object, "probes", &array, f);

	cJSON_ArrayForEach (item, array) {
		int64_t port = pod_port(item);

		if (!err && !port)
			err = fault_set(f, EINVAL, "\"probes\" must be numbers of ports");
		if (!err && pod_probes_add(pod, &room, port))
			err = pod_no_memory(f);
	}
	pod_probes_order(pod);
	return err;
}

static int read_labels(const cJSON *object, const char *name, struct labels *out, struct fault *f)
{
	struct fault why = {0};

	return json_within(name, labels_read(json_get(object, name), out, &why), &why, f);
}

static int read_created(const cJSON *object, struct pod *pod, struct fault *f)
{
	const cJSON *item = json_get(object, "created");

	if (!item)
		return 0;
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= MAX_CREATED))
		return fault_set(f, EINVAL, "\"created\" must be seconds since 1970");
	pod->created = (int64_t)item->valuedouble;
	return 0;
}

int pod_json_read(const cJSON *object, struct pod *out, struct fault *f)
{
	_cleanup_(pod_free) struct pod pod = {0};
	int err = pod_identity(object, &pod, f);

	if (!err)
		err = pod_copy(object, "node", POD_MAX_WORD, &pod.node, f);
	if (!err)
		err = pod_copy(object, "workload_kind", POD_MAX_WORD, &pod.workload_kind, f);
	if (!err)
		err = pod_copy(object, "workload", POD_MAX_WORD, &pod.workload, f);
	if (!err)
		err = pod_bool(object, "host_network", &pod.host_network, f);
	if (!err)
		err = read_labels(object, "labels", &pod.labels, f);
	if (!err)
		err = read_labels(object, "annotations", &pod.annotations, f);
	if (!err)
		err = read_probes(object, &pod, f);
	if (!err)
		err = read_created(object, &pod, f);
	if (err)
		return err;
	*out = pod;
	pod = (struct pod){0};
	return 0;
}
