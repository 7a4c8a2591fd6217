/* SPDX-License-Identifier: MIT */
/* place.h - what a gate stands before: a network namespace or a cgroup. */
#ifndef PORTLIC_AGENT_PLACE_H
#define PORTLIC_AGENT_PLACE_H

#include <stdint.h>

#include "fault.h"

struct agent;
struct gate_entry;

struct place {
	const char *netns, *cgroup; /* absolute paths, one of them NULL */
};
struct place place_of(const struct gate_entry *entry);

const char *place_word(const struct place *place); /* "netns", "cgroup" */
const char *place_path(const struct place *place);

/* The namespace's inode or the cgroup's id, by which it is told from others. -ENOENT: it isn't there. */
int place_id(const struct place *place, uint64_t *id, struct fault *f);

/* Would a gate there cut the node off, or the agent itself? -EINVAL with the reason. */
int place_check(const struct agent *agent, const struct place *place, uint64_t id, struct fault *f);

#endif
