/* SPDX-License-Identifier: MIT */
/*
 * notify.h - state changes reach the operator's own systems: an executable or a webhook an event.
 *
 * Each target has a queue of its own, is given its events in order, one at a time, and again after a
 * pause if it failed. Nothing waits for it.
 */
#ifndef PORTLIC_AGENT_NOTIFY_H
#define PORTLIC_AGENT_NOTIFY_H

#include <stdbool.h>
#include <uv.h>

#include "notify_target.h"

#define NOTIFY_QUEUE 256 /* events that wait for one target; the oldest make room */

struct agent;
struct spawn;
struct transfer;

/* One event for one target. */
struct note {
	char *event; /* its name */
	char *json;  /* all of it */
	unsigned int tries;
};

struct notifier {
	struct agent *agent;
	const struct notify_target *target;
	struct note *current;		  /* under way, or to be tried again */
	struct note *queue[NOTIFY_QUEUE]; /* a ring */
	size_t first, n;
	struct transfer *transfer; /* one of these two runs, or neither */
	struct spawn *spawn;
	uint64_t next_ns;      /* boot clock: not before */
	unsigned int failures; /* in a row */
	struct fault why;      /* of the last failure, "" after a success */
	bool told_lost;	       /* since the last success */
	uint64_t delivered, failed, lost;
};

struct notify {
	struct notifier *list;
	size_t n;
	uv_timer_t timer;
	bool on;
	bool changed; /* what waits is another than what is on disk */
};

/* Hears of every event from now on. */
void notify_start(struct agent *agent);
void notify_stop(struct agent *agent); /* what wasn't delivered is written down */

/* Once a second: what waits is written down, for a kill or a power cut. */
void notify_tick(struct agent *agent);

#endif
