/* SPDX-License-Identifier: MIT */
/* reminder.h - when to say that a license ends: daily, hourly on the last day. Pure. */
#ifndef PORTLIC_REMINDER_H
#define PORTLIC_REMINDER_H

#include "lifecycle.h"

/* The last one that was said; zero: none. */
struct reminder {
	int64_t end;   /* that it counted to: exp, the end of its grace, the deadline */
	int64_t begin; /* of the day or hour before `end` that it was for */
};

/*
 * The reminder that is due for a license as it was judged at now, so that one that comes late is said
 * once all the same, and one that was slept through isn't made up for. false: none, *next is as last.
 */
bool reminder_due(const struct license_view *view, const struct reminder *last, int64_t now,
		  struct reminder *next);

#endif
