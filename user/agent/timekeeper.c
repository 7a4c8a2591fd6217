/* SPDX-License-Identifier: MIT */
/* timekeeper.c - a timer on the wall clock, and the events of the clock. */
#include "timekeeper.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent.h"
#include "log.h"
#include "stamp.h"

/* The wall clock can't be set so far ahead (KTIME_SEC_MAX): only its cancellation is waited for. */
#define TIMER_NEVER_S 9223372036LL

/* In words, where the wall clock is and where effective time. */
static void tell_suspect(const struct agent *agent, const char *event)
{
	char wall[STAMP_LEN], now[STAMP_LEN];

	stamp_format(clock_wall(), wall);
	stamp_format(clock_now(&agent->clock), now);
	log_event(LOG_ERROR, event, LOG_FIELDS("wall", wall, "effective", now),
		  "the wall clock is behind what is proven: licenses go on by effective time and "
		  "nothing is extended; set the clock, or `portlic clock reset` if it is right");
}

static void follow_suspicion(struct agent *agent)
{
	bool suspect = agent->clock.effective.suspect;

	if (agent->licenses.clock_suspect == suspect)
		return;
	agent->licenses.clock_suspect = suspect;
	agent->memory.changed = true;
	if (suspect)
		tell_suspect(agent, "clock_suspect");
	else
		log_event(LOG_INFO, "clock_trusted", LOG_NO_FIELDS,
			  "the wall clock is where it should be again");
}

void timekeeper_start(struct agent *agent)
{
	const struct history *before = &agent->memory.history;

	clock_start(&agent->clock, before);
	if (agent->memory.lost.text[0])
		clock_proven(&agent->clock,
			     licenses_kept_iat(&agent->licenses, agent->vendors.trust));
	agent->licenses.clock_suspect = agent->clock.effective.suspect;
	if (!agent->clock.effective.suspect)
		return;
	/* No news if the last agent has told it. */
	tell_suspect(agent, before->clock.suspect ? "clock_resumed" : "clock_suspect");
	agent->memory.changed = true;
}

bool timekeeper_look(struct agent *agent)
{
	bool moved = clock_follow(&agent->clock);

	if (moved)
		log_event(LOG_WARN, "clock_moved", LOG_NO_FIELDS,
			  "effective time follows the synchronised clock");
	agent->memory.changed |= moved;
	follow_suspicion(agent);
	return moved;
}

bool timekeeper_learn(struct agent *agent)
{
	int64_t iat = licenses_accepted(&agent->licenses);
	bool moved;

	if (!iat)
		return false;
	moved = clock_issued(&agent->clock, iat);
	if (moved)
		log_event(LOG_WARN, "clock_moved", LOG_NO_FIELDS,
			  "effective time follows a token that was issued later");
	agent->memory.changed |= moved;
	moved |= clock_follow(&agent->clock); /* the wall clock may be behind the mark now */
	follow_suspicion(agent);
	return moved;
}

void timekeeper_reset(struct agent *agent)
{
	struct clock_reset *reset = &agent->memory.history.reset;
	char before[STAMP_LEN], after[STAMP_LEN];

	reset->before = clock_now(&agent->clock);
	clock_reset(&agent->clock);
	reset->after = clock_now(&agent->clock);
	reset->count++;
	stamp_format(reset->before, before);
	stamp_format(reset->after, after);
	log_event(LOG_WARN, "clock_reset", LOG_FIELDS("before", before, "after", after),
		  "on request, effective time is the wall clock's");
	follow_suspicion(agent);
	memory_save(agent);
}

static void arm(struct timekeeper *keeper)
{
	const struct itimerspec never = {.it_value.tv_sec = TIMER_NEVER_S};

	timerfd_settime(keeper->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void on_set(uv_poll_t *poll, int status, int events)
{
	struct agent *agent = poll->data;
	uint64_t expired;

	if (read(agent->timekeeper.fd, &expired, sizeof(expired)) >= 0 || errno != ECANCELED)
		return;
	arm(&agent->timekeeper);
	log_event(LOG_INFO, "clock_stepped", LOG_NO_FIELDS,
		  "the wall clock was set, or the machine woke up");
	agent->timekeeper.stepped(agent);
}

void timekeeper_watch(struct agent *agent, void (*stepped)(struct agent *agent))
{
	struct timekeeper *keeper = &agent->timekeeper;

	keeper->stepped = stepped;
	keeper->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (keeper->fd < 0 || uv_poll_init(&agent->loop, &keeper->poll, keeper->fd)) {
		log_event(LOG_WARN, "clock_unwatched", LOG_NO_FIELDS,
			  "a step of the wall clock is seen a second late: %s", strerror(errno));
		if (keeper->fd >= 0)
			close(keeper->fd);
		keeper->fd = -1;
		return;
	}
	keeper->poll.data = agent;
	arm(keeper);
	uv_poll_start(&keeper->poll, UV_READABLE, on_set);
}

static void on_closed(uv_handle_t *handle)
{
	struct agent *agent = handle->data;

	close(agent->timekeeper.fd);
}

void timekeeper_stop(struct agent *agent)
{
	if (agent->timekeeper.fd >= 0)
		uv_close((uv_handle_t *)&agent->timekeeper.poll, on_closed);
}
