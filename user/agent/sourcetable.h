/* SPDX-License-Identifier: MIT */
/*
 * sourcetable.h - the networks that policies name, each set once, as long as rules in force or on their way
 * name it: policies may be gone by then. A set stays where it is in memory, so that jobs may read it.
 */
#ifndef PORTLIC_AGENT_SOURCETABLE_H
#define PORTLIC_AGENT_SOURCETABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "compile.h"
#include "sourceset.h"

struct agent;

struct source_table {
	struct source_set **sets;
	size_t n;
	bool cleared; /* what an earlier agent left in the kernel is gone */
};

/* Takes the sets of a policy (NULL: none) in. -EEXIST: two sets have one digest; -ENOMEM. */
int source_table_take(struct source_table *table, const struct policy *policy, struct fault *f);

/* Those that rules name, in a new array. */
int source_table_named(const struct source_table *table, const struct compiled *c,
		       const struct source_set ***out, size_t *n);

/* Drops what no rules name any more, here and in the kernel; puts it off while rules are on their way. */
void source_table_sweep(struct agent *agent);

void source_table_free(struct source_table *table);

#endif
