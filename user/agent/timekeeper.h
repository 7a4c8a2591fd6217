/* SPDX-License-Identifier: MIT */
/* timekeeper.h - keeps the agent's clock: looks when the wall clock was set, tells what it finds. */
#ifndef PORTLIC_AGENT_TIMEKEEPER_H
#define PORTLIC_AGENT_TIMEKEEPER_H

#include <stdbool.h>
#include <uv.h>

struct agent;

struct timekeeper {
	uv_poll_t poll;
	int fd; /* a timer that the kernel cancels when the wall clock is set; -1: none */
	void (*stepped)(struct agent *agent);
};

/* From where the last agent stopped; the trust store was read. */
void timekeeper_start(struct agent *agent);

/* Calls stepped as soon as somebody sets the wall clock, or the machine wakes up. */
void timekeeper_watch(struct agent *agent, void (*stepped)(struct agent *agent));
void timekeeper_stop(struct agent *agent);

/* true: effective time moved. */
bool timekeeper_look(struct agent *agent);

/* Tokens were accepted: their time of issue is proven. true: effective time moved. */
bool timekeeper_learn(struct agent *agent);

/* `portlic clock reset`. */
void timekeeper_reset(struct agent *agent);

#endif
