/* SPDX-License-Identifier: MIT */
/* pod.h - what portlic has to know of a pod, out of the API's object. Pure. */
#ifndef PORTLIC_POD_H
#define PORTLIC_POD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cidr.h"
#include "fault.h"
#include "json.h"
#include "selector.h"

#define POD_UID_MAX 63
#define POD_ANNOTATIONS "portlic.dev/" /* only those with this prefix are kept */

struct pod {
	char *uid, *namespace, *name;
	char *node; /* spec.nodeName; NULL: not scheduled yet */
	char *workload_kind,
		*workload; /* its controller, a Deployment for its ReplicaSet; NULL: none */
	struct labels labels, annotations; /* annotations: those of POD_ANNOTATIONS */
	bool host_network;
	bool terminating; /* has a deletionTimestamp */
	bool ended;	  /* phase Succeeded or Failed: its containers are gone for good */
	struct cidr *ips; /* status.podIPs, or podIP; each whole (len 128) */
	size_t n_ips;
	uint16_t *
		probes; /* TCP ports the kubelet asks: probes and lifecycle hooks of all containers; sorted */
	size_t n_probes;
	char **containers; /* ids of status.*containerStatuses, without "containerd://" */
	size_t n_containers;
	int64_t created; /* seconds since 1970 UTC, 0: not said */
};

/*
 * A Pod of v1. Unknown members are none of ours, and what is null or absent is empty (a BOOKMARK's containers
 * are null). Named ports of probes are looked up in the container's ports. -EINVAL: without uid, namespace or
 * name, or of the wrong types; -ENOMEM.
 */
int pod_read(const cJSON *object, struct pod *out, struct fault *f);

/*
 * The UID that pod_read() gives to the Pod, NULL: it has none. A static pod's is written by whoever makes its
 * mirror, and may be another pod's.
 */
const char *pod_uid(const cJSON *object);

/* Of two with one UID: not the same pod, for a pod keeps its names. */
bool pod_is_other(const struct pod *a, const struct pod *b);

/* What has to outlive a restart without the API server: identity, labels, annotations, probes, host_network. */
cJSON *pod_json(const struct pod *pod);
int pod_json_read(const cJSON *object, struct pod *out, struct fault *f); /* what pod_json wrote */
void pod_free(struct pod *pod);

/*
 * The name of its gate, "NAMESPACE.NAME.UID8": UID8 is the UID's first 8 characters, and the rest is cut so
 * that all of it is 63 characters at most and a good gate name (gate_name_ok). Two pods of one name have two.
 */
#define POD_GATE_NAME_SIZE 64
void pod_gate_name(const struct pod *pod, char out[POD_GATE_NAME_SIZE]);

/* The UID (with dashes, however the path spells it) and the container in the path of a cgroup, v1 or v2. */
struct pod_cgroup {
	char uid[POD_UID_MAX + 1];
	char container[65]; /* 64 hexadecimal digits, "" for the cgroup of the pod itself */
	size_t pod_len;	    /* of the path down to the pod's own cgroup */
};

/*
 * /kubepods/besteffort/pod<uid>/<id>, /kubepods.slice/…/kubepods-pod<uid with _>.slice/cri-containerd-<id>.scope,
 * crio-<id>.scope, with anything in front of kubepods and behind the container. Static pods have a UID of 32
 * hexadecimal digits. false: it is no pod's.
 */
bool pod_cgroup_parse(const char *path, struct pod_cgroup *out);

#endif
