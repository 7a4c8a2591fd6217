/* SPDX-License-Identifier: MIT */
/*
 * kubelet.h - how a node tells the kubelet's probes from all else that has its addresses: by a program on the
 * kubelet's cgroup, or where that can't be had by a budget (enum plic_told).
 */
#ifndef PORTLIC_KUBELET_H
#define PORTLIC_KUBELET_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"

struct node;

#define KUBELET_NAME "kubelet" /* of its process */

struct kubelet_place {
	char *path; /* of its cgroup, absolute */
	uint64_t id;
};

/*
 * Where the kubelet is: in the cgroup `named`, a path in the hierarchy ("/system.slice/kubelet.service"), or NULL:
 * where root's process called "kubelet" is in this process's network namespace, which is the node's, outside of all
 * containers.
 * -ENOENT: there is none now. -EOPNOTSUPP: its cgroup says nothing of who is in it (the top of the hierarchy,
 * cgroup v1), -EBUSY: others are in it too, -ENOTUNIQ: there are several; each with a fault that says so.
 */
int kubelet_find(const char *named, struct kubelet_place *out, struct fault *f);
void kubelet_place_free(struct kubelet_place *place);

/* Stands another cgroup there now? A service that is restarted gets a new one of the same path. */
bool kubelet_is_anew(const struct kubelet_place *place);

/* Puts the program on that cgroup, pinned, unless it is there already, and says so to the gates. */
int kubelet_follow(struct node *node, const struct kubelet_place *place, struct fault *f);

/* Nothing tells: node source with a budget (guess), or there is no kubelet at all. The program goes. */
int kubelet_leave(struct node *node, bool guess, struct fault *f);

/*
 * To be called while kubelet_follow() holds, every few seconds: see PLIC_KUBELET_LOST_NS. -ENOENT: the program
 * isn't there any more.
 */
int kubelet_seen(struct node *node, const struct kubelet_place *place, struct fault *f);

#endif
