/* SPDX-License-Identifier: MIT */
/* podwish.h - what the annotations of a pod and of its namespace ask of its gate. Pure. */
#ifndef PORTLIC_PODWISH_H
#define PORTLIC_PODWISH_H

#include <stdbool.h>

#include "fault.h"
#include "policy.h"

struct pod_wish {
	int mode, namespace_mode;	       /* enum plic_mode, -1: it doesn't say */
	const char *policy, *namespace_policy; /* names, NULL: it doesn't say */
	bool asks; /* for a gate, whatever policies match: a mode but off, or a policy, of one of both */
	struct fault bad, namespace_bad; /* what is no good in them, "" if all is */
};

/*
 * annotations: NULL is none. A value that is no good counts for the strictest that there is, and is told in
 * *bad. system: a pod of a namespace that is gated by name alone; its annotations ask for nothing.
 */
void pod_wish_read(const struct labels *annotations, const struct labels *namespace_annotations,
		   bool system, struct pod_wish *out);

/*
 * The policy that is asked for by name, NULL: none. The pod's own choice counts only where it has a gate by its own
 * wish alone: one that its namespace gates can't open ports for itself with a policy that is meant for others.
 */
const char *pod_wish_policy(const struct pod_wish *wish);

/*
 * The mode in the place of that of `policy` (NULL: none matches): the namespace's annotation, and what makes
 * that stricter of the pod's own. Where the pod's annotation alone asks for the gate, it says the mode.
 */
enum plic_mode pod_wish_mode(const struct pod_wish *wish, const struct policy *policy);

#endif
