/* SPDX-License-Identifier: MIT */
/* effective.c - moves the anchor and the mark. */
#include "effective.h"

#define NS_PER_S 1000000000LL
#define STEP_NS (NS_PER_S / 10) /* below it, following would only make rules flutter */

static int64_t saturate(__int128 value)
{
	return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

static __int128 floor_div(__int128 a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t minus(int64_t a, int64_t b)
{
	return saturate((__int128)a - b);
}

static int64_t second_at(const struct moment *m, int64_t boot_ns)
{
	if (m->second == EFFECTIVE_UNKNOWN)
		return EFFECTIVE_UNKNOWN;
	return saturate(m->second + floor_div((__int128)boot_ns - m->boot_ns, NS_PER_S));
}

/* The present second of the wall clock. Where it began before the boot, the next one that didn't. */
static struct moment wall_moment(const struct clock_look *look)
{
	__int128 second = floor_div(look->wall_ns, NS_PER_S);
	__int128 began = look->boot_ns - (look->wall_ns - second * NS_PER_S);

	if (began < 0) {
		__int128 late = -floor_div(began, NS_PER_S);

		began += late * NS_PER_S;
		second += late;
	}
	return (struct moment){.second = saturate(second), .boot_ns = saturate(began)};
}

/* The second that m is in at boot_ns, as a moment of its own. */
static struct moment moment_at(const struct moment *m, int64_t boot_ns)
{
	int64_t second = second_at(m, boot_ns);
	__int128 began = m->boot_ns + ((__int128)second - m->second) * NS_PER_S;

	if (second == EFFECTIVE_UNKNOWN || began < 0 || began > INT64_MAX)
		return *m;
	return (struct moment){.second = second, .boot_ns = (int64_t)began};
}

/* How much later a puts the same second than b, in ns of the boot clock. */
static __int128 apart_ns(const struct moment *a, const struct moment *b)
{
	return (__int128)a->boot_ns - b->boot_ns - ((__int128)a->second - b->second) * NS_PER_S;
}

static bool later(const struct moment *a, const struct moment *b)
{
	return b->second == EFFECTIVE_UNKNOWN || apart_ns(a, b) < 0;
}

static bool behind_mark(const struct effective *e, const struct moment *wall)
{
	return e->mark.second != EFFECTIVE_UNKNOWN &&
	       apart_ns(wall, &e->mark) > EFFECTIVE_SLACK_S * (__int128)NS_PER_S;
}

bool effective_look(struct effective *e, const struct clock_look *look)
{
	struct moment wall = wall_moment(look);
	__int128 apart = apart_ns(&wall, &e->anchor);
	bool moved = false;

	e->synchronised = look->synchronised;
	e->suspect = behind_mark(e, &wall);
	if (e->synchronised && !e->suspect) {
		moved = apart > STEP_NS || apart < -STEP_NS;
		if (moved)
			e->anchor = wall;
		if (later(&e->anchor, &e->mark))
			e->mark = e->anchor;
	}
	e->apart_s =
		minus(saturate(floor_div(look->wall_ns, NS_PER_S)), effective_at(e, look->boot_ns));
	return moved;
}

/* Where t begins: in the boot that the anchor is of, by the wall clock, or by the mark. */
static struct moment first_anchor(const struct effective *e, const struct effective *before,
				  bool same_boot, const struct clock_look *look)
{
	struct moment wall = wall_moment(look);

	if (same_boot)
		return before->anchor;
	return behind_mark(e, &wall) ? e->mark : wall;
}

void effective_start(struct effective *e, const struct effective *before, bool same_boot,
		     const struct clock_look *look)
{
	*e = (struct effective){.mark = {.second = EFFECTIVE_UNKNOWN}};
	/* A boot clock never goes back: what lies ahead of it is of another boot. */
	same_boot = before && same_boot && before->anchor.boot_ns <= look->boot_ns &&
		    before->mark.boot_ns <= look->boot_ns;
	if (before)
		e->mark = before->mark;
	if (!same_boot)
		e->mark.boot_ns = look->boot_ns;
	e->anchor = first_anchor(e, before, same_boot, look);
	/* t isn't behind the mark by more than the slack, whatever was written down. */
	if (behind_mark(e, &e->anchor))
		e->anchor = e->mark;
	effective_look(e, look);
}

bool effective_issued(struct effective *e, int64_t iat, int64_t boot_ns)
{
	const struct moment issued = {.second = iat, .boot_ns = boot_ns};
	bool moves = e->suspect && later(&issued, &e->anchor);

	if (moves)
		e->anchor = issued;
	if (later(&issued, &e->anchor)) {
		if (later(&e->anchor, &e->mark))
			e->mark = moment_at(&e->anchor, boot_ns);
	} else if (later(&issued, &e->mark)) {
		e->mark = issued;
	}
	return moves;
}

void effective_proven(struct effective *e, int64_t second, int64_t boot_ns)
{
	const struct moment proven = {.second = second, .boot_ns = boot_ns};

	if (later(&proven, &e->mark))
		e->mark = proven;
	if (behind_mark(e, &e->anchor))
		e->anchor = e->mark;
}

void effective_reset(struct effective *e, const struct clock_look *look)
{
	e->anchor = e->mark = wall_moment(look);
	effective_look(e, look);
}

struct effective effective_snapshot(const struct effective *e, int64_t boot_ns)
{
	struct effective copy = *e;

	copy.mark = moment_at(&e->mark, boot_ns);
	return copy;
}

int64_t effective_at(const struct effective *e, int64_t boot_ns)
{
	return second_at(&e->anchor, boot_ns);
}

int64_t effective_mark_at(const struct effective *e, int64_t boot_ns)
{
	return second_at(&e->mark, boot_ns);
}
