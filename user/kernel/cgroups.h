/* SPDX-License-Identifier: MIT */
/*
 * cgroups.h - which cgroup (v2) is a container of which gate, a container runtime, or of the node, as the
 * programs ask it of plic_cgroups. A container or service belongs to the namespace that its oldest process
 * is in: a shell of the node that entered a pod stays one of the node.
 */
#ifndef PORTLIC_CGROUPS_H
#define PORTLIC_CGROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

struct node;

/* HYBRID: beside the hierarchies of v1, where a runtime may leave its containers in its own cgroup. */
enum cgroups_support { CGROUPS_NONE, CGROUPS_HYBRID, CGROUPS_WHOLE };
enum cgroups_support cgroups_support(void);

struct gate_place {
	uint64_t netns; /* inode */
	uint32_t id;	/* gate id */
};

/*
 * Looks at all processes of the node and writes what their cgroups are. gates: all, those too that stand
 * without us. runtimes: see cgroup_unit(). -EOPNOTSUPP: there is no cgroup v2, or the agent sees only its own
 * part of it; then all stay unknown.
 */
int cgroups_scan(struct node *node, const struct gate_place *gates, size_t n_gates,
		 char *const *runtimes, size_t n_runtimes, struct fault *f);

/* The cgroup that stands in plic_cgroups for this one: that of the whole container, else id itself. */
uint64_t cgroups_whole(const struct node *node, uint64_t id);

/*
 * Somebody that the last scan didn't know sends or listens in a gate, or more than one listens on a port:
 * true once. *gate: its id; of several gates one is told, the others tell again.
 */
bool cgroups_stranger(struct node *node, uint32_t *gate);

struct cgroup_table; /* what the last scan found, the node's */
void cgroup_table_free(struct cgroup_table *table);

#endif
