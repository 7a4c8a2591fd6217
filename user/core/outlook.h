/* SPDX-License-Identifier: MIT */
/* outlook.h - which of the ends to come takes something away, renewals loaded ahead considered. Pure. */
#ifndef PORTLIC_OUTLOOK_H
#define PORTLIC_OUTLOOK_H

#include "lifecycle.h"

/* The end of one license; seconds since 1970 UTC, LIFECYCLE_NEVER where it has none. */
struct outlook {
	int64_t from;
	int64_t until; /* its lapse, its revocation, or the begin of what replaces it */
	bool gives;    /* in force, or loaded ahead */
	bool goes_on;  /* at `until` others give all its features and ports */
	bool loses; /* at `until` something goes: a feature, or a port that isn't left by `report` */
};

/* ACTIVE, GRACE and STALE: the features and ports of a license are given now. */
bool outlook_in_force(const struct license_view *view);

/* out: n of them, one for each view, which are judged. 0 or -ENOMEM. */
int outlook(const struct license_view *views, size_t n, struct outlook *out);

/* The soonest end that takes something away: its index, n if there is none. */
size_t outlook_next(const struct outlook *o, size_t n);

#endif
