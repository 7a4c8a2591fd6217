/* SPDX-License-Identifier: MIT */
/* observe.h - the last events of all gates, in memory, and who waits for the next. */
#ifndef PORTLIC_AGENT_OBSERVE_H
#define PORTLIC_AGENT_OBSERVE_H

#include <stdint.h>
#include <uv.h>

#include "gates.h"
#include "portlic.h"

#define OBSERVE_KEPT 4096 /* events */
#define OBSERVE_LID 129

struct agent;
struct events;
struct http_request;

struct observed {
	uint64_t seq; /* from 1, in the order in which they were read */
	struct plic_event event;
	char gate[GATE_NAME_MAX + 1];
	char lid[OBSERVE_LID]; /* "" if no license stands behind it */
};

struct observe {
	struct events *events; /* NULL: not yet */
	struct observed *kept; /* [seq % OBSERVE_KEPT] */
	uint64_t last;	       /* seq of the newest, 0: none yet */
	uv_poll_t poll;
	uv_timer_t timer;
	struct observe_waiter *waiters;
};

/* Once the gates are known. Without events everything else goes on: logged. */
void observe_start(struct agent *agent);
void observe_stop(struct agent *agent);

/* Events that the rate limit or a full ring left out, since the agent started or the gates came. */
uint64_t observe_lost(const struct agent *agent);

/* Calls done(arg) at the next event, when the time (milliseconds) is over, or when the agent stops. */
void observe_wait(struct agent *agent, uint64_t ms, void (*done)(void *arg), void *arg);

#endif
