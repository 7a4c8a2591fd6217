/* SPDX-License-Identifier: MIT */
/*
 * cgroup.h - what the path of a cgroup (v2) tells: the container or service that it is a part of. Pure.
 *
 *   /kubepods.slice/kubepods-pod<uid>.slice/cri-containerd-<id>.scope/inner   .../cri-containerd-<id>.scope
 *   /kubepods/burstable/pod<uid>/<id>                                         all of it
 *   /machine.slice/libpod-<id>.scope/container                                .../libpod-<id>.scope
 *   /system.slice/shop.service/worker                                         /system.slice/shop.service
 *   /system.slice/containerd.service                                          the same, a runtime
 *
 * An id is 64 hexadecimal digits, as all container runtimes have them.
 */
#ifndef PORTLIC_CGROUP_H
#define PORTLIC_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

struct cgroup_unit {
	size_t len;   /* of the path of the whole container or service */
	bool named;   /* by a container's id or systemd; else len is all of the path */
	bool runtime; /* a container runtime, or what it leaves beside a container */
};

/* runtimes: more of them, paths with the wildcards of a shell (fnmatch); a `*` doesn't match a slash. */
struct cgroup_unit cgroup_unit(const char *path, char *const *runtimes, size_t n_runtimes);

/* Does it lie in a container or a pod of Kubernetes? */
bool cgroup_is_contained(const char *path);

#endif
