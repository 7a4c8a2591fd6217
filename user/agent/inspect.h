/* SPDX-License-Identifier: MIT */
/* inspect.h - looks at the gates in the kernel: counters, attachments, listeners. */
#ifndef PORTLIC_AGENT_INSPECT_H
#define PORTLIC_AGENT_INSPECT_H

#include "fault.h"

struct agent;

enum inspect_what {
	INSPECT_COUNTERS = 1,
	INSPECT_ATTACHMENTS = 2,
	INSPECT_LISTENERS = 4,
	INSPECT_PEERS = 16,  /* of the last day */
	INSPECT_QUOTAS = 32, /* of all gates; also with counters */
	INSPECT_MARK = 8,    /* with listeners: marks the connections that the pod opened */
	INSPECT_AHEAD = 64,  /* somebody waits for it: ahead of the gates that wait to come up */
};

/*
 * Renews what the entries say (name NULL: of all gates), then calls done(arg) on the loop. A gate
 * that can't be looked at keeps what was seen last.
 */
void inspect_gates(struct agent *agent, const char *name, unsigned int what,
		   void (*done)(void *arg), void *arg);

#endif
