/* SPDX-License-Identifier: MIT */
/* lifecycle.h - in which state a license is at a time, and when its rights begin and end. Pure. */
#ifndef PORTLIC_LIFECYCLE_H
#define PORTLIC_LIFECYCLE_H

#include "license.h"

#define LIFECYCLE_NEVER INT64_MAX
#define LIFECYCLE_SLACK_S 300 /* PENDING until nbf - 300 s; iat may lie 300 s ahead */

#define LICENSE_STATES(X)                                                                          \
	X(REJECTED, "rejected")                                                                    \
	X(PENDING, "pending")                                                                      \
	X(ACTIVE, "active")                                                                        \
	X(GRACE, "grace")                                                                          \
	X(LAPSED, "lapsed")                                                                        \
	X(STALE, "stale")                                                                          \
	X(SUPERSEDED, "superseded")                                                                \
	X(REVOKED, "revoked")

enum license_state {
#define LICENSE_STATE_ENUM(name, word) STATE_##name,
	LICENSE_STATES(LICENSE_STATE_ENUM)
#undef LICENSE_STATE_ENUM
		STATE_COUNT,
};

const char *license_state_word(enum license_state state);  /* "active": metrics, API of the agent */
const char *license_state_upper(enum license_state state); /* "ACTIVE": license verify */

/* When the rights of a license begin and end; seconds since 1970 UTC, LIFECYCLE_NEVER saturates. */
struct deadlines {
	int64_t from;
	int64_t new_until; /* min(exp + grace, revocation at, newest list + rl_max_age + grace) */
	int64_t cut_at;	   /* new_until + drain; report: LIFECYCLE_NEVER */
};

struct revocations; /* revocation.h; NULL where no list is known */

/* One license among those of a node. in: lic; out: the rest. */
struct license_view {
	const struct license *lic;
	enum license_state state;
	bool warn;	       /* ACTIVE, and the end is near */
	bool renewed;	       /* a higher rank is loaded ahead that begins before this one ends */
	enum plic_lapse lapse; /* the license's; a revocation makes REPORT a BLOCK_NEW */
	bool equivocation;     /* another file has the same (iss, lid, seq) and other bytes */
	struct deadlines deadlines;
};

/* Order within a line (iss, lid): seq, then iat, then SHA-256; 0: the same bytes. */
int license_compare_rank(const struct license *a, const struct license *b);
bool license_same_line(const struct license *a, const struct license *b);

/*
 * It replaces lower ones from when it begins, for good, unless it is itself revoked by jti, or never
 * had the revocation list that its rl_max_age asks for.
 */
bool lifecycle_replaces(const struct license *lic, const struct revocations *revocations,
			int64_t now);

/*
 * Judges n licenses together at effective time now, supersession among them included. What was in
 * force before is lines.h's.
 */
void lifecycle_judge(struct license_view *views, size_t n, const struct revocations *revocations,
		     int64_t now);

#endif
