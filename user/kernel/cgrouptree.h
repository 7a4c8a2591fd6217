/* SPDX-License-Identifier: MIT */
/* cgrouptree.h - control groups of version 2: finding them, and the processes at and below one. */
#ifndef PORTLIC_CGROUPTREE_H
#define PORTLIC_CGROUPTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "fault.h"

/*
 * The absolute path of a cgroup, which is named so or below the root of the hierarchy ("system.slice/x"),
 * as a new string. -EOPNOTSUPP: this host has no cgroups of version 2.
 */
int cgroup_resolve(const char *name, char **path, struct fault *f);

/*
 * The id of the cgroup at an absolute path: no other one ever has it, not even one of the same name
 * (a 64-bit kernel's inode number). -ENOENT; -EINVAL: not a cgroup of version 2.
 */
int cgroup_id(const char *path, uint64_t *id, struct fault *f);
bool cgroup_is_root(const char *path);

/* A path of the cgroup with this id. -ESTALE: it is no more. */
int cgroup_find(uint64_t id, char *path, size_t len);

/* Is the calling process in the cgroup or below it? */
bool cgroup_holds_us(const char *path);

/* A cgroup and all below it, at one moment. */
struct cgroup_tree {
	uint64_t *ids; /* sorted */
	size_t n_ids;
	struct cgroup_netns { /* network namespaces of the processes, each once */
		uint64_t inode;
		char path[48]; /* in /proc */
	} * netns;
	size_t n_netns;
};
int cgroup_read(const char *path, struct cgroup_tree *out, struct fault *f);
bool cgroup_has(const struct cgroup_tree *tree, uint64_t id);
void cgroup_tree_free(struct cgroup_tree *tree);
#define _cgroup_tree_ _cleanup_(cgroup_tree_free)

#endif
