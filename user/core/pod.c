/* SPDX-License-Identifier: MIT */
/* pod.c - what portlic has to know of a pod: its identity, where it is, who owns it. */
#include "pod.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "moment.h"
#include "pod_read.h"

#define MAX_ID 255	  /* of a container */
#define GATE_MIN_NAME 20  /* characters that a long namespace leaves of the pod's name */
#define GATE_MAX_FRONT 54 /* of 63, without "." and UID8 */
#define MIRROR_CHARS 32	  /* of a static pod's UID */
#define MIRROR "kubernetes.io/config.mirror"
#define HASH_LABEL "pod-template-hash"

static bool is_mirror(const char *hash)
{
	return hash && strlen(hash) == MIRROR_CHARS &&
	       strspn(hash, "0123456789abcdef") == MIRROR_CHARS;
}

/*
 * A static pod is in the API as its mirror, whose UID is not the one that the cgroups and the runtime know: that
 * one stands in an annotation.
 */
const char *pod_uid(const cJSON *object)
{
	const cJSON *metadata = json_get(object, "metadata");
	const cJSON *mirror = json_get(json_get(metadata, "annotations"), MIRROR);

	if (cJSON_IsString(mirror) && is_mirror(mirror->valuestring))
		return mirror->valuestring;
	return json_string_value(json_get(metadata, "uid"), 1, POD_UID_MAX);
}

/* Only ours. */
static int read_annotations(const cJSON *metadata, struct pod *pod, struct fault *f)
{
	_cleanup_(labels_free) struct labels all = {0};
	_json_ cJSON *ours = NULL;
	int err = labels_read(json_get(metadata, "annotations"), &all, f);

	if (err)
		return err;
	ours = cJSON_CreateObject();
	if (!ours)
		return pod_no_memory(f);
	for (size_t i = 0; i < all.n; i++)
		if (!strncmp(all.list[i].key, POD_ANNOTATIONS, strlen(POD_ANNOTATIONS)) &&
		    !cJSON_AddStringToObject(ours, all.list[i].key, all.list[i].value))
			return pod_no_memory(f);
	return labels_read(ours, &pod->annotations, f);
}

/* pod->uid is that of the API's object until here. */
static int set_uid(const cJSON *object, struct pod *pod, struct fault *f)
{
	char *uid = strdup(pod_uid(object));

	if (!uid)
		return pod_no_memory(f);
	free(pod->uid);
	pod->uid = uid;
	return 0;
}

/* A ReplicaSet is called after its Deployment and the hash of its template. */
static void name_deployment(struct pod *pod)
{
	const char *hash = labels_get(&pod->labels, HASH_LABEL);
	size_t len = strlen(pod->workload), tail = hash ? strlen(hash) : 0;
	char *kind;

	if (strcmp(pod->workload_kind, "ReplicaSet") || !tail || len < tail + 2 ||
	    pod->workload[len - tail - 1] != '-' || strcmp(pod->workload + len - tail, hash))
		return;
	kind = strdup("Deployment");
	if (!kind)
		return; /* then it is its ReplicaSet's */
	free(pod->workload_kind);
	pod->workload_kind = kind;
	pod->workload[len - tail - 1] = '\0';
}

static int read_owner(const cJSON *metadata, struct pod *pod, struct fault *f)
{
	const cJSON *owners, *item;
	int err = pod_array(metadata, "ownerReferences", &owners, f);

	cJSON_ArrayForEach (item, owners) {
		if (err || !cJSON_IsTrue(json_get(item, "controller")) || pod->workload ||
		    pod_is_odd(json_get(item, "kind"), POD_MAX_WORD) ||
		    pod_is_odd(json_get(item, "name"), POD_MAX_WORD))
			continue;
		err = pod_copy(item, "kind", POD_MAX_WORD, &pod->workload_kind, f);
		if (!err)
			err = pod_copy(item, "name", POD_MAX_WORD, &pod->workload, f);
		if (!err && (!pod->workload_kind || !pod->workload))
			err = fault_set(f, EINVAL, "an owner without \"kind\" or \"name\"");
	}
	if (!err && pod->workload)
		name_deployment(pod);
	return err;
}

static int read_metadata(const cJSON *metadata, struct pod *pod, struct fault *f)
{
	const char *created = NULL;
	struct fault why = {0};
	int err = pod_identity(metadata, pod, f);

	if (!err)
		err = json_within("labels",
				  labels_read(json_get(metadata, "labels"), &pod->labels, &why),
				  &why, f);
	if (!err)
		err = json_within("annotations", read_annotations(metadata, pod, &why), &why, f);
	if (!err)
		err = read_owner(metadata, pod, f);
	if (!err)
		err = pod_text(metadata, "creationTimestamp", 64, &created, f);
	if (!err && created && moment_parse(created, 0, &pod->created, &why))
		err = json_within("creationTimestamp", -EINVAL, &why, f);
	pod->terminating = cJSON_IsString(json_get(metadata, "deletionTimestamp"));
	return err;
}

static int add_ip(const char *text, struct pod *pod, struct fault *f)
{
	struct cidr ip = {.address = {[10] = 0xff, [11] = 0xff}, .len = 128};

	if (inet_pton(AF_INET, text, ip.address + 12) != 1 &&
	    inet_pton(AF_INET6, text, ip.address) != 1)
		return fault_set(f, EINVAL, "\"%.64s\" is no address of a pod", text);
	for (size_t i = 0; i < pod->n_ips; i++)
		if (!memcmp(&pod->ips[i], &ip, sizeof(ip)))
			return 0;
	pod->ips[pod->n_ips++] = ip;
	return 0;
}

static int read_ips(const cJSON *status, struct pod *pod, struct fault *f)
{
	const cJSON *array, *item;
	const char *text;
	int err = pod_array(status, "podIPs", &array, f);

	if (err)
		return err;
	pod->ips = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*pod->ips));
	if (!pod->ips)
		return pod_no_memory(f);
	cJSON_ArrayForEach (item, array) {
		err = pod_text(item, "ip", INET6_ADDRSTRLEN, &text, f);
		if (!err && text)
			err = add_ip(text, pod, f);
		if (err)
			return err;
	}
	err = pod_text(status, "podIP", INET6_ADDRSTRLEN, &text, f);
	return err || !text ? err : add_ip(text, pod, f);
}

static int add_containers(const cJSON *array, struct pod *pod, size_t *room, struct fault *f)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, array) {
		const char *id, *scheme;
		int err = pod_text(item, "containerID", MAX_ID, &id, f);

		if (err)
			return err;
		scheme = id ? strstr(id, "://") : NULL;
		if (scheme)
			id = scheme + strlen("://");
		if (!id || !*id)
			continue; /* not made yet */
		if (array_grow(&pod->containers, pod->n_containers, room, sizeof(char *)))
			return pod_no_memory(f);
		pod->containers[pod->n_containers] = strdup(id);
		if (!pod->containers[pod->n_containers])
			return pod_no_memory(f);
		pod->n_containers++;
	}
	return 0;
}

static int read_status(const cJSON *status, struct pod *pod, struct fault *f)
{
	static const char *const lists[] = {"initContainerStatuses", "containerStatuses",
					    "ephemeralContainerStatuses"};
	const char *phase = NULL;
	const cJSON *array;
	size_t room = 0;
	int err = pod_text(status, "phase", POD_MAX_WORD, &phase, f);

	pod->ended = phase && (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"));
	if (!err)
		err = read_ips(status, pod, f);
	for (size_t i = 0; !err && i < ARRAY_SIZE(lists); i++) {
		err = pod_array(status, lists[i], &array, f);
		if (!err)
			err = add_containers(array, pod, &room, f);
	}
	return err;
}

static int read_spec(const cJSON *spec, struct pod *pod, struct fault *f)
{
	int err = pod_copy(spec, "nodeName", POD_MAX_WORD, &pod->node, f);

	if (!err)
		err = pod_bool(spec, "hostNetwork", &pod->host_network, f);
	return err ? err : pod_probes_read(spec, pod, f);
}

typedef int read_part(const cJSON *part, struct pod *pod, struct fault *f);

static int read_member(const cJSON *object, const char *name, read_part *read, struct pod *pod,
		       struct fault *f)
{
	const cJSON *part;
	struct fault why = {0};
	int err = pod_object(object, name, &part, f);

	return err ? err : json_within(name, read(part, pod, &why), &why, f);
}

/* Of which pod a fault is. */
static int name_pod(const cJSON *object, int err, const struct fault *why, struct fault *f)
{
	const cJSON *metadata = json_get(object, "metadata");
	const char *namespace =
		json_string_value(json_get(metadata, "namespace"), 1, POD_MAX_NAMESPACE);
	const char *name = json_string_value(json_get(metadata, "name"), 1, POD_MAX_NAME);

	return fault_set(f, -err, "pod \"%s/%s\": %s", namespace ? namespace : "?",
			 name ? name : "?", why->text);
}

int pod_read(const cJSON *object, struct pod *out, struct fault *f)
{
	_cleanup_(pod_free) struct pod pod = {0};
	struct fault why = {0};
	int err = read_member(object, "metadata", read_metadata, &pod, &why);

	if (!err)
		err = set_uid(object, &pod, &why);
	if (!err)
		err = read_member(object, "status", read_status, &pod, &why);
	if (!err) /* probes know the pod's addresses */
		err = read_member(object, "spec", read_spec, &pod, &why);
	if (err)
		return name_pod(object, err, &why, f);
	*out = pod;
	pod = (struct pod){0};
	return 0;
}

bool pod_is_other(const struct pod *a, const struct pod *b)
{
	return strcmp(a->namespace, b->namespace) != 0 || strcmp(a->name, b->name) != 0;
}

void pod_free(struct pod *pod)
{
	free(pod->uid);
	free(pod->namespace);
	free(pod->name);
	free(pod->node);
	free(pod->workload_kind);
	free(pod->workload);
	labels_free(&pod->labels);
	labels_free(&pod->annotations);
	free(pod->ips);
	free(pod->probes);
	json_free_strings(pod->containers, pod->n_containers);
	*pod = (struct pod){0};
}

void pod_gate_name(const struct pod *pod, char out[POD_GATE_NAME_SIZE])
{
	size_t space = strlen(pod->namespace), name = strlen(pod->name);
	size_t keep = name < GATE_MIN_NAME ? name : GATE_MIN_NAME;

	if (space > GATE_MAX_FRONT - 1 - keep)
		space = GATE_MAX_FRONT - 1 - keep;
	if (name > GATE_MAX_FRONT - 1 - space)
		name = GATE_MAX_FRONT - 1 - space;
	snprintf(out, POD_GATE_NAME_SIZE, "%.*s.%.*s.%.8s", (int)space, pod->namespace, (int)name,
		 pod->name, pod->uid);
	for (size_t n = strlen(out); n && !isalnum((unsigned char)out[n - 1]); n--)
		out[n - 1] = '\0';
}
