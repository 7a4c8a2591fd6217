/* SPDX-License-Identifier: MIT */
/* policies.h - the policy directory, and which policy holds for a gate. */
#ifndef PORTLIC_AGENT_POLICIES_H
#define PORTLIC_AGENT_POLICIES_H

#include "policy.h"
#include "sources.h"

struct policies {
	struct source source; /* values: struct policy */
};

struct trust;

int policies_open(struct policies *policies, const char *dir, const char *state_dir,
		  struct fault *f);
void policies_close(struct policies *policies);

/* true: a policy came, went or changed. trust_changed: reserved ports may have. */
bool policies_scan(struct policies *policies, const struct trust *trust, bool trust_changed);

/*
 * The first policy in order of file names that matches the gate, NULL: none. *also, unless NULL:
 * another one that matches and has no effect, or NULL.
 */
const struct policy *policies_find(const struct policies *policies, const char *gate,
				   const struct policy **also);

#endif
