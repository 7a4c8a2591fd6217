/* SPDX-License-Identifier: MIT */
/* observe.c - takes events off the ring, names what is only a number in them, keeps the last. */
#include "observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "events.h"
#include "log.h"

#define READ_EVERY_MS 100 /* who waits is told no more often */

struct observe_waiter {
	struct observe_waiter *next;
	uint64_t until_ns, seq;
	void (*done)(void *arg);
	void *arg;
};

static const struct gate_entry *gate_of(const struct agent *agent, uint32_t id)
{
	for (size_t i = 0; i < agent->gates.n_entries; i++)
		if (agent->gates.entries[i]->gate && agent->gates.entries[i]->id == id)
			return agent->gates.entries[i];
	return NULL;
}

static const char *lid_of(const struct gate_entry *entry, uint32_t license)
{
	const struct roster *roster = entry->rules ? entry->rules->roster : NULL;

	return roster && license && license <= roster->n ? roster->licenses[license - 1].lid : "";
}

static void take(const struct plic_event *event, void *arg)
{
	struct agent *agent = arg;
	struct observe *observe = &agent->observe;
	const struct gate_entry *entry = gate_of(agent, event->gate);
	struct observed *kept = &observe->kept[(observe->last + 1) % OBSERVE_KEPT];

	if (!entry) /* it has just been taken down */
		return;
	*kept = (struct observed){.seq = ++observe->last, .event = *event};
	snprintf(kept->gate, sizeof(kept->gate), "%s", entry->name);
	snprintf(kept->lid, sizeof(kept->lid), "%s", lid_of(entry, event->license));
}

/* all: whatever they wait for. */
static void wake(struct agent *agent, bool all)
{
	struct observe_waiter **at = &agent->observe.waiters;
	uint64_t now_ns = clock_boot_ns();

	while (*at) {
		struct observe_waiter *waiter = *at;

		if (!all && waiter->seq == agent->observe.last && now_ns < waiter->until_ns) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		waiter->done(waiter->arg);
		free(waiter);
	}
}

static void on_events(uv_poll_t *poll, int status, int events)
{
	struct agent *agent = poll->data;

	events_read(agent->observe.events);
}

static void on_timer(uv_timer_t *timer)
{
	struct agent *agent = timer->data;

	wake(agent, false);
	if (!agent->observe.waiters)
		uv_timer_stop(timer);
}

void observe_start(struct agent *agent)
{
	struct observe *observe = &agent->observe;
	struct fault f = {0};

	observe->kept = calloc(OBSERVE_KEPT, sizeof(*observe->kept));
	if (!observe->kept || events_open(agent->node, take, agent, &observe->events, &f)) {
		log_event(LOG_ERROR, "no_events", LOG_NO_FIELDS, "%s",
			  f.text[0] ? f.text : "out of memory");
		return;
	}
	uv_poll_init(&agent->loop, &observe->poll, events_fd(observe->events));
	uv_timer_init(&agent->loop, &observe->timer);
	observe->poll.data = observe->timer.data = agent;
	uv_poll_start(&observe->poll, UV_READABLE, on_events);
}

static void on_closed(uv_handle_t *handle)
{
	struct agent *agent = handle->data;

	events_close(agent->observe.events);
	free(agent->observe.kept);
	agent->observe.events = NULL;
	agent->observe.kept = NULL;
}

void observe_stop(struct agent *agent)
{
	struct observe *observe = &agent->observe;

	wake(agent, true);
	if (!observe->events)
		return;
	uv_close((uv_handle_t *)&observe->timer, NULL);
	uv_poll_stop(&observe->poll);
	uv_close((uv_handle_t *)&observe->poll, on_closed);
}

uint64_t observe_lost(const struct agent *agent)
{
	uint64_t lost = agent->gates.events_lost;

	for (size_t i = 0; i < agent->gates.n_entries; i++)
		lost += agent->gates.entries[i]->events_lost +
			agent->gates.entries[i]->counters.events_lost;
	return lost;
}

void observe_wait(struct agent *agent, uint64_t ms, void (*done)(void *arg), void *arg)
{
	struct observe_waiter *waiter =
		agent->observe.events && !agent->stopping ? malloc(sizeof(*waiter)) : NULL;

	if (!waiter)
		return done(arg);
	*waiter = (struct observe_waiter){.next = agent->observe.waiters,
					  .until_ns = clock_boot_ns() + ms * 1000000,
					  .seq = agent->observe.last,
					  .done = done,
					  .arg = arg};
	agent->observe.waiters = waiter;
	uv_timer_start(&agent->observe.timer, on_timer, READ_EVERY_MS, READ_EVERY_MS);
}
