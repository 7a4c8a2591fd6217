/* SPDX-License-Identifier: MIT */
/*
 * sourcetable.h - the networks and pods that policies name, each set once, as long as rules in force or on
 * their way name it: policies may be gone by then. A set stays where it is in memory, so that jobs may read
 * it. The addresses of pods are kubepeers.h's.
 */
#ifndef PORTLIC_AGENT_SOURCETABLE_H
#define PORTLIC_AGENT_SOURCETABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "compile.h"
#include "sourceset.h"

struct agent;

struct source_item {
	struct source_set set; /* its networks, under the id that rules name */
	char *pods;	       /* which pods are in it, in words */
};

struct source_table {
	struct source_item **items;
	size_t n;
	bool cleared; /* what an earlier agent left in the kernel is gone */
};

/*
 * Takes the sets of a policy (NULL: none) in, as they are at a gate of this namespace (NULL: of none).
 * -EEXIST: two sets have one digest; -ENOMEM.
 */
int source_table_take(struct agent *agent, const struct policy *policy, const char *namespace,
		      struct fault *f);

/* What the networks of a set say of just that address. */
enum source_under source_table_under(const struct source_table *table, uint32_t id,
				     const uint8_t address[16]);

/* Those that rules name, in a new array. */
int source_table_named(const struct source_table *table, const struct compiled *c,
		       const struct source_set ***out, size_t *n);

/* Drops what no rules name any more, here and in the kernel; puts it off while rules are on their way. */
void source_table_sweep(struct agent *agent);

void source_table_free(struct source_table *table);

#endif
