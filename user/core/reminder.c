/* SPDX-License-Identifier: MIT */
/* reminder.c - cuts the time before an end into days and hours. */
#include "reminder.h"

#define HOUR_S 3600LL
#define DAY_S (24 * HOUR_S)

/* What a license counts to; LIFECYCLE_NEVER: it needs no reminder. */
static int64_t end_of(const struct license_view *view)
{
	if (view->renewed)
		return LIFECYCLE_NEVER;
	switch (view->state) {
	case STATE_ACTIVE:
		return view->warn ? view->lic->exp : LIFECYCLE_NEVER;
	case STATE_GRACE:
	case STATE_STALE:
		return view->deadlines.new_until;
	default:
		return LIFECYCLE_NEVER;
	}
}

bool reminder_due(const struct license_view *view, const struct reminder *last, int64_t now,
		  struct reminder *next)
{
	int64_t end = end_of(view), left, step;

	*next = *last;
	if (end == LIFECYCLE_NEVER || now >= end || __builtin_sub_overflow(end, now, &left))
		return false;
	step = left > DAY_S ? DAY_S : HOUR_S;
	next->end = end;
	next->begin = now - (step - 1 - (left - 1) % step);
	return next->end != last->end || next->begin != last->begin;
}
