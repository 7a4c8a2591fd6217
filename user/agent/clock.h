/* SPDX-License-Identifier: MIT */
/*
 * clock.h - effective time: what the agent takes for "now".
 *
 * Anchored at the start to the wall clock; afterwards t = anchor + boot time elapsed. The wall clock
 * moves the anchor only while the kernel calls it synchronised (LICENSE-FORMAT §5).
 */
#ifndef PORTLIC_AGENT_CLOCK_H
#define PORTLIC_AGENT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "compile.h"

struct clock {
	int64_t wall_s;	   /* a whole second of UTC ... */
	uint64_t boot_ns;  /* ... began at this moment of the boot clock */
	bool synchronised; /* by the kernel's word at the last look */
};

uint64_t clock_boot_ns(void);
void clock_start(struct clock *clock);

/* Looks at the kernel's clock. true: the anchor moved, so deadlines have to be computed again. */
bool clock_follow(struct clock *clock);

int64_t clock_now(const struct clock *clock); /* effective time, seconds since 1970 UTC */

/*
 * The present second for compile_gate. It begins at most a second ago, so that the boot time of a
 * deadline doesn't depend on when it is computed.
 */
struct time_base clock_base(const struct clock *clock);

/* Effective time at a moment of the boot clock; seconds since 1970 UTC. */
int64_t clock_at(const struct clock *clock, uint64_t boot_ns);

#endif
