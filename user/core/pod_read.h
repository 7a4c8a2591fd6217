/* SPDX-License-Identifier: MIT */
/* pod_read.h - what the readers of a pod share (their own; use pod.h). */
#ifndef PORTLIC_POD_READ_H
#define PORTLIC_POD_READ_H

#include "pod.h"

#define POD_MAX_NAMESPACE 63
#define POD_MAX_NAME 253
#define POD_MAX_WORD 253 /* node, kind and name of an owner */

/* Adds pod->probes out of a PodSpec; pod has its addresses and host_network. -EINVAL, -ENOMEM. */
int pod_probes_read(const cJSON *spec, struct pod *pod, struct fault *f);

int pod_probes_add(struct pod *pod, size_t *room, int64_t port); /* -ENOMEM */
void pod_probes_order(struct pod *pod);				 /* sorts, and takes each once */
int64_t pod_port(const cJSON *item);				 /* 0: it is no number of a port */

/* Absent and null: *out is NULL. Of another type: -EINVAL. */
int pod_object(const cJSON *object, const char *name, const cJSON **out, struct fault *f);
int pod_array(const cJSON *object, const char *name, const cJSON **out, struct fault *f);
int pod_bool(const cJSON *object, const char *name, bool *out, struct fault *f); /* false */
/* The same for text without control characters; "" is NULL, too. */
int pod_text(const cJSON *object, const char *name, size_t max, const char **out, struct fault *f);
int pod_copy(const cJSON *object, const char *name, size_t max, char **out, struct fault *f);

/*
 * Text that pod_text() refuses. Whoever makes a pod may write what they like where the API server checks nothing:
 * that has to leave out the member, for a pod that can't be read has no gate.
 */
bool pod_is_odd(const cJSON *item, size_t max);

/* uid, namespace and name: have to be there, and may stand in paths and names of files. */
int pod_identity(const cJSON *object, struct pod *pod, struct fault *f);

int pod_no_memory(struct fault *f);

#endif
