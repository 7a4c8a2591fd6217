/* SPDX-License-Identifier: MIT */
/*
 * cuts.h - ends the connections that stand on ports whose right is over.
 *
 * The gate drops their packets by itself, at the moment that stands in its rules; here their sockets go,
 * so that the peer learns at once and nothing idle is left behind. Looked for once a second, at the
 * boundary itself, and where an inspection sees something stand.
 */
#ifndef PORTLIC_AGENT_CUTS_H
#define PORTLIC_AGENT_CUTS_H

#include <stdbool.h>
#include <uv.h>

struct agent;

struct cuts {
	uv_timer_t timer; /* the next boundary */
	bool waiting;	  /* for rules that are being applied */
	bool inspected;	  /* since the last look */
	bool unsupported; /* the kernel can't end sockets, and that was told */
};

void cuts_start(struct agent *agent);
void cuts_stop(struct agent *agent);

/* Ends what stands on ports that have come to their cut since the last look. */
void cuts_check(struct agent *agent);

/* The same after an inspection of what stands; arg: the agent. */
void cuts_inspected(void *arg);

#endif
