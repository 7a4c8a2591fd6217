/* SPDX-License-Identifier: MIT */
/*
 * interim.h - what stands in for the lasting rules of a gate for a while: a broken glass, a change on
 * trial, an enforced rehearsal. Together they hold until the first of them ends; the agent compiles what is
 * left shortly before, and without an agent the lasting rules hold from then on.
 */
#ifndef PORTLIC_AGENT_INTERIM_H
#define PORTLIC_AGENT_INTERIM_H

#include "whatif.h"

struct interim {
	struct compile_interim
		rules; /* views and policy belong to whatif, or are the lasting ones */
	struct whatif whatif;
	enum plic_mode policy_mode;
};

/* in: the lasting rules. *any: there is one; then interim_free in the end. -ENOMEM. */
int interim_find(const struct agent *agent, const struct gate_entry *entry,
		 const struct compile_input *in, struct interim *out, bool *any);
void interim_free(struct interim *interim);

/* Once a second: hands over from what is about to end to what goes on. */
void interim_tick(struct agent *agent);

#endif
