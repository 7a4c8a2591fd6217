/* SPDX-License-Identifier: MIT */
/* pace.h - when to fetch again: interval, back-off, renew-ahead, jitter. Pure. */
#ifndef PORTLIC_PACE_H
#define PORTLIC_PACE_H

#include <stdint.h>

#define PACE_RETRY_S 10		/* after the first failure, doubled for each that follows */
#define PACE_AHEAD_MIN_S 60	/* near the end of a license no more often than this */
#define PACE_LAPSED_S 600	/* at least so often once the license has ended */
#define PACE_RETRY_AFTER_S 3600 /* a server that asks for more gets this or the interval */

struct pace {
	int64_t interval_s;
	unsigned int failures; /* in a row */
	int64_t retry_after_s; /* what the server asked for; 0: nothing */
	int64_t ahead_s;       /* as pace_ahead says */
};

/*
 * How often at least, by the life of the license that was fetched: 0: the interval will do. From two
 * thirds of its life on a twentieth of what is left. end: exp and grace; all in seconds.
 */
int64_t pace_ahead(int64_t nbf, int64_t exp, int64_t end, int64_t now);

/* Milliseconds until the next try, 10 % to either side by random, which is any number. */
uint64_t pace_next_ms(const struct pace *pace, uint32_t random);

/*
 * Milliseconds until a server that many talk to is asked again: 1 s after the first failure, doubled to 60 s;
 * of which half to all, by random, which is any number. retry_after_s is waited out, up to PACE_RETRY_AFTER_S,
 * and a tenth more by random.
 */
uint64_t pace_retry_ms(unsigned int failures, int64_t retry_after_s, uint32_t random);
#define PACE_RETRY_FIRST_S 1
#define PACE_RETRY_LAST_S 60

/* A back-off: first_s, doubled for each further failure, at most max_s. failures: 1 or more. */
int64_t pace_backoff(int64_t first_s, unsigned int failures, int64_t max_s);

#endif
