/* SPDX-License-Identifier: MIT */
/*
 * effective.h - effective time: what a node takes for "now" (LICENSE-FORMAT §5, "Clock"). Pure.
 *
 * t = anchor + boot time elapsed. The wall clock moves the anchor only while the kernel calls it
 * synchronised, and never behind the mark: the latest time that is proven, by a synchronised clock, by
 * boot time elapsed, or by a vendor who issued a token then.
 */
#ifndef PORTLIC_EFFECTIVE_H
#define PORTLIC_EFFECTIVE_H

#include <stdbool.h>
#include <stdint.h>

#define EFFECTIVE_SLACK_S 300 /* what clocks may be apart without an alarm */
#define EFFECTIVE_UNKNOWN INT64_MIN

/* A whole second of UTC, and the moment of the boot clock at which it began, never negative. */
struct moment {
	int64_t second; /* since 1970; EFFECTIVE_UNKNOWN: nothing is proven */
	int64_t boot_ns;
};

/* What the clocks of the kernel show. */
struct clock_look {
	int64_t wall_ns; /* since 1970 */
	int64_t boot_ns;
	bool synchronised; /* STA_UNSYNC is clear */
};

struct effective {
	struct moment anchor; /* t */
	struct moment mark;
	bool synchronised; /* at the last look */
	bool suspect;	   /* the wall clock is behind the mark by more than the slack */
	int64_t apart_s;   /* wall clock - t at the last look */
};

/*
 * The first look of an agent. before: a snapshot of an earlier one, NULL: none. same_boot: in this
 * boot of the machine, so that its anchor holds; else only its mark does.
 */
void effective_start(struct effective *e, const struct effective *before, bool same_boot,
		     const struct clock_look *look);

/* Another look. true: t was moved, so deadlines have to be computed again. */
bool effective_look(struct effective *e, const struct clock_look *look);

/*
 * A token that was issued at iat was accepted. While the clock is suspect the vendor's word is the
 * better one; else a clock of his that runs ahead moves nothing. true: t was moved.
 */
bool effective_issued(struct effective *e, int64_t iat, int64_t boot_ns);

/* This time was proven before, though nobody wrote it down. Look again. */
void effective_proven(struct effective *e, int64_t second, int64_t boot_ns);

/* The operator says that the wall clock is right. */
void effective_reset(struct effective *e, const struct clock_look *look);

/* For writing down: the mark as far as it has risen, which is all that another boot knows of it. */
struct effective effective_snapshot(const struct effective *e, int64_t boot_ns);

/* Seconds since 1970 UTC at a moment of the boot clock; saturates. */
int64_t effective_at(const struct effective *e, int64_t boot_ns);
int64_t effective_mark_at(const struct effective *e, int64_t boot_ns);

#endif
