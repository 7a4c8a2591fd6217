/* SPDX-License-Identifier: MIT */
/* clock.h - the clocks of the kernel, and effective time as effective.h makes it of them. */
#ifndef PORTLIC_AGENT_CLOCK_H
#define PORTLIC_AGENT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "compile.h"
#include "history.h"

struct clock {
	struct effective effective;
	char boot[HISTORY_BOOT_LEN]; /* id of this boot of the machine, "" if it can't be read */
};

uint64_t clock_boot_ns(void);

/* before: what was known when an agent stopped last; of this boot it says where t is. */
void clock_start(struct clock *clock, const struct history *before);

/* Looks at the kernel's clocks. true: t moved, so deadlines have to be computed again. */
bool clock_follow(struct clock *clock);

/* A token was accepted that was issued at iat. true: as clock_follow. */
bool clock_issued(struct clock *clock, int64_t iat);

/* State was lost, but kept tokens prove this time. */
void clock_proven(struct clock *clock, int64_t second);

/* By the operator's word the wall clock is right. */
void clock_reset(struct clock *clock);

/* Writes down what another agent has to know of it. */
void clock_save(const struct clock *clock, struct history *history);

int64_t clock_now(const struct clock *clock); /* effective time, seconds since 1970 UTC */
int64_t clock_wall(void);		      /* what `date` shows */

/*
 * The present second for compile_gate. It begins at most a second ago, so that the boot time of a
 * deadline doesn't depend on when it is computed.
 */
struct time_base clock_base(const struct clock *clock);

/* Effective time at a moment of the boot clock; seconds since 1970 UTC. */
int64_t clock_at(const struct clock *clock, uint64_t boot_ns);

#endif
