/* SPDX-License-Identifier: MIT */
/* pace.c - computes waiting times. */
#include "pace.h"

#define JITTER 10     /* a part in so many, to either side: a fleet spreads out */
#define AHEAD_PART 20 /* of what is left */

static int64_t at_least(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t pace_ahead(int64_t nbf, int64_t exp, int64_t end, int64_t now)
{
	int64_t life = exp - nbf;

	if (now < nbf + life / 3 * 2)
		return 0;
	if (now >= end)
		return PACE_LAPSED_S;
	return at_least((end - now) / AHEAD_PART, PACE_AHEAD_MIN_S);
}

int64_t pace_backoff(int64_t first_s, unsigned int failures, int64_t max_s)
{
	int64_t s = first_s;

	while (--failures && s < max_s)
		s *= 2;
	return at_most(s, max_s);
}

uint64_t pace_next_ms(const struct pace *pace, uint32_t random)
{
	int64_t s = pace->interval_s, spread, asked;

	if (pace->ahead_s)
		s = at_most(s, pace->ahead_s);
	if (pace->failures)
		s = pace_backoff(PACE_RETRY_S, pace->failures, s);
	spread = s * 1000 / JITTER;
	spread = random % (2 * spread + 1) - spread;
	s = s * 1000 + spread;
	asked = at_most(pace->retry_after_s, at_least(pace->interval_s, PACE_RETRY_AFTER_S)) * 1000;
	/* Who asks for a pause gets all of it. */
	if (asked > s)
		s = asked + random % (asked / JITTER + 1);
	return (uint64_t)s;
}

uint64_t pace_retry_ms(unsigned int failures, int64_t retry_after_s, uint32_t random)
{
	int64_t ms =
		pace_backoff(PACE_RETRY_FIRST_S, failures ? failures : 1, PACE_RETRY_LAST_S) * 1000;
	int64_t asked = at_most(retry_after_s, PACE_RETRY_AFTER_S) * 1000;

	ms = ms / 2 + random % (ms / 2 + 1);
	if (asked > ms)
		ms = asked + random % (asked / JITTER + 1);
	return (uint64_t)ms;
}
