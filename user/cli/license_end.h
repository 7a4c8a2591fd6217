/* SPDX-License-Identifier: MIT */
/* license_end.h - when a license of the agent ends, and what happens then, in words. */
#ifndef PORTLIC_LICENSE_END_H
#define PORTLIC_LICENSE_END_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* In the order in which people want to see them. */
enum license_rank { RANK_ALIVE, RANK_ENDED, RANK_SUPERSEDED, RANK_REJECTED };

struct license_end {
	const cJSON *license; /* of GET /v1/licenses */
	enum license_rank rank;
	int64_t ends;	  /* exp, or the deadline if that comes first; INT64_MAX: no end */
	int64_t deadline; /* until when it admits new connections; INT64_MAX: for ever */
	int64_t next;	  /* of the two the one that is still to come */
};

struct license_end license_end_of(const cJSON *license);

/* For qsort: the soonest end first, then what has ended, what is superseded, what is rejected. */
int license_end_order(const void *a, const void *b);

/* What isn't as it should be, or good to know; "" if nothing. To be freed, NULL: out of memory. */
char *license_end_note(const struct license_end *end, int64_t now);

/* "next: acme ends in 12d (...), then ...", of n in order. To be freed, NULL: out of memory. */
char *license_end_summary(const struct license_end *ends, size_t n, int64_t now);

#endif
