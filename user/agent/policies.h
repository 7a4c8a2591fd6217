/* SPDX-License-Identifier: MIT */
/* policies.h - the policy directory, and which policy holds for a gate. */
#ifndef PORTLIC_AGENT_POLICIES_H
#define PORTLIC_AGENT_POLICIES_H

#include "policy.h"
#include "sources.h"

#define POLICIES_PORTPOLICY "portpolicy:" /* and the name of one: what comes from Kubernetes */

struct policies {
	struct source source; /* values: struct policy */
};

struct trust;

int policies_open(struct policies *policies, const char *dir, const char *state_dir,
		  struct fault *f);
void policies_close(struct policies *policies);

/* true: a policy came, went or changed. trust_changed: reserved ports may have. */
bool policies_scan(struct policies *policies, const struct trust *trust, bool trust_changed);

/* Writes a file into the directory, whole or not at all; in force with the next scan. */
int policies_write(const struct policies *policies, const char *file, const void *bytes, size_t len,
		   struct fault *f);

/* Removes a file and forgets it at once, without a hold. -ENOENT; -EPERM: it isn't of the directory; else -errno. */
int policies_remove(struct policies *policies, const char *file, struct fault *f);

/*
 * The first policy in order of file names that matches the gate, else the first that its pod asks for, NULL:
 * none. *also, unless NULL:
 * another one that matches and has no effect, or NULL.
 */
const struct policy *policies_find(const struct policies *policies,
				   const struct policy_subject *subject,
				   const struct policy **also);

#endif
