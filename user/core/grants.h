/* SPDX-License-Identifier: MIT */
/* grants.h - from the times of licenses to the few grants of a kernel rule. Pure. */
#ifndef PORTLIC_GRANTS_H
#define PORTLIC_GRANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "compile.h"

/* One grant on its way into a rule. */
struct candidate {
	struct plic_grant grant;
	__u32 rank;		 /* decides between equal times, whatever the order of files */
	const char *name;	 /* of the port in its license, "" if none */
	struct plic_limit limit; /* all zero: none */
};

/*
 * What a license gives to each of its ports; brownout: its grace in steps, too. false: nothing
 * (REJECTED, SUPERSEDED).
 */
bool grant_of_license(const struct license_view *view, __u32 number, const struct time_base *base,
		      bool brownout, struct plic_grant *out);
struct plic_grant grant_of_open(const struct policy_open *open, const char *namespace);
struct plic_grant grant_of_tombstone(const struct tombstone *t);

/* New flows are admitted at now_ns. */
static inline bool grant_admits(const struct plic_grant *g, __u64 now_ns)
{
	return g->from_ns <= now_ns && now_ns < g->new_until_ns;
}

/*
 * Orders c (the one that ends last first), drops doubles, and if more than PLIC_MAX_GRANTS are left
 * merges overlapping times of one lapse; of those the ones that begin first stay. Returns the number
 * left, at most PLIC_MAX_GRANTS. What is the same but for its limits keeps the larger ones.
 */
size_t grants_reduce(struct candidate *c, size_t n);

#endif
