/* SPDX-License-Identifier: MIT */
/* test_effective.c - effective time under a fake clock: steps, boots, suspend, tokens, resets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "effective.h"

#define S 1000000000LL
#define YEAR (365 * 86400LL)
#define T0 1800000000LL

/* A machine: its clocks, and the agent on it. */
static int64_t wall, boot; /* ns */
static bool synchronised;
static struct effective e;

static struct clock_look look(void)
{
	return (struct clock_look){wall, boot, synchronised};
}

static void passes(int64_t seconds)
{
	wall += seconds * S;
	boot += seconds * S;
}

static bool looks(void)
{
	const struct clock_look l = look();

	return effective_look(&e, &l);
}

static int64_t now(void)
{
	return effective_at(&e, boot);
}

static int64_t mark(void)
{
	return effective_mark_at(&e, boot);
}

static void start(const struct effective *before, bool same_boot)
{
	const struct clock_look l = look();

	effective_start(&e, before, same_boot, &l);
}

/* Up for 1000 s, first start of an agent. */
static void begin(bool sync)
{
	wall = T0 * S + 250000000;
	boot = 1000 * S;
	synchronised = sync;
	start(NULL, false);
}

static void restart(void)
{
	const struct effective before = effective_snapshot(&e, boot);

	start(&before, true);
}

static void reboot(int64_t wall_step_s)
{
	const struct effective before = effective_snapshot(&e, boot);

	boot = 7 * S;
	wall += wall_step_s * S;
	start(&before, false);
}

static void first_start(void **state)
{
	begin(false);
	assert_int_equal(now(), T0);
	assert_true(mark() == EFFECTIVE_UNKNOWN); /* a bad RTC must not poison it */
	assert_false(e.suspect || e.synchronised);
	begin(true);
	assert_int_equal(now(), T0);
	assert_int_equal(mark(), T0);
	assert_true(e.synchronised);
	assert_false(e.suspect);
}

static void time_passes(void **state)
{
	begin(true);
	boot += 10 * S + 749999999; /* the second began 0.25 s ago */
	assert_int_equal(now(), T0 + 10);
	boot += 1;
	assert_int_equal(now(), T0 + 11);
	assert_int_equal(effective_at(&e, 1000 * S - 250000001), T0 - 1);
	assert_int_equal(effective_at(&e, 0), T0 - 1000);
}

/* The boot clock counts what the machine slept, and the wall clock is read from the RTC. */
static void suspend_counts(void **state)
{
	begin(false);
	boot += 86400 * S;
	wall += 86400 * S;
	assert_false(looks());
	assert_int_equal(now(), T0 + 86400);
	assert_int_equal(e.apart_s, 0);
}

static void steps_while_running(void **state)
{
	static const struct {
		int64_t step;
		bool sync;
		int64_t t; /* after it, from where it was */
		bool moved, suspect;
	} cases[] = {
		{YEAR, true, YEAR, true, false}, {-YEAR, true, 0, false, true},
		{YEAR, false, 0, false, false},	 {-YEAR, false, 0, false, true},
		{300, true, 300, true, false},	 {-300, true, -300, true, false},
		{-301, true, 0, false, true},	 {-301, false, 0, false, true},
		{-300, false, 0, false, false},	 {301, false, 0, false, false},
		{1, true, 1, true, false},	 {-1, true, -1, true, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(true);
		passes(100);
		synchronised = cases[i].sync;
		wall += cases[i].step * S;
		if (looks() != cases[i].moved)
			fail_msg("case %zu: moved", i);
		if (e.suspect != cases[i].suspect)
			fail_msg("case %zu: suspect", i);
		assert_int_equal(now(), T0 + 100 + cases[i].t);
		assert_int_equal(e.apart_s, cases[i].step - cases[i].t);
		/* A restart changes nothing. */
		restart();
		if (e.suspect != cases[i].suspect)
			fail_msg("case %zu: suspect after a restart", i);
		assert_int_equal(now(), T0 + 100 + cases[i].t);
		/* Nor does time that passes. */
		passes(1000);
		looks();
		assert_int_equal(now(), T0 + 1100 + cases[i].t);
	}
}

static void small_steps_are_not_followed(void **state)
{
	begin(true);
	wall += S / 10;
	assert_false(looks());
	wall += 1;
	assert_true(looks());
}

/* Steps back that the slack lets through don't add up. */
static void creeping_back(void **state)
{
	begin(true);
	for (int i = 0; i < 50; i++) {
		wall -= 299 * S;
		looks();
		passes(10);
	}
	assert_true(e.suspect);
	assert_true(now() >= T0 + 500 - 300);
}

static void suspect_ends(void **state)
{
	begin(true);
	wall -= YEAR * S;
	looks();
	assert_true(e.suspect);
	wall += YEAR * S - 100 * S;
	assert_true(looks());
	assert_false(e.suspect);
	assert_int_equal(now(), T0 - 100);
}

/* One that was never synchronised goes by its RTC, and back when a good clock is there. */
static void a_bad_rtc_poisons_nothing(void **state)
{
	begin(false);
	wall += YEAR * S; /* the RTC was a year ahead */
	start(NULL, false);
	assert_int_equal(now(), T0 + YEAR);
	passes(3600);
	looks();
	assert_true(mark() == EFFECTIVE_UNKNOWN);
	wall -= YEAR * S;
	synchronised = true;
	assert_true(looks());
	assert_false(e.suspect);
	assert_int_equal(now(), T0 + 3600);
	assert_int_equal(mark(), T0 + 3600);
}

static void reboots(void **state)
{
	static const struct {
		bool sync;
		int64_t step, t; /* of the wall clock while it was down; t, from the mark */
		bool suspect;
	} cases[] = {
		{false, 60, 60, false},	    {true, 60, 60, false},     {false, YEAR, YEAR, false},
		{false, -300, -300, false}, {true, -300, -300, false}, {false, -301, 0, true},
		{true, -301, 0, true},	    {false, -YEAR, 0, true},   {true, -YEAR, 0, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(true);
		passes(100);
		looks();
		synchronised = cases[i].sync;
		reboot(cases[i].step);
		if (e.suspect != cases[i].suspect)
			fail_msg("case %zu: suspect", i);
		assert_int_equal(now(), T0 + 100 + cases[i].t);
		assert_true(mark() >= T0 + 100);
		assert_true(mark() <=
			    T0 + 100 + (cases[i].sync && cases[i].t > 0 ? cases[i].t : 0));
	}
}

/* The mark rises by boot time without a synchronised clock too. */
static void mark_rises_by_boot_time(void **state)
{
	begin(true);
	synchronised = false;
	passes(YEAR);
	looks();
	assert_int_equal(mark(), T0 + YEAR);
	reboot(-YEAR);
	assert_true(e.suspect);
	assert_int_equal(now(), T0 + YEAR);
	passes(50);
	assert_int_equal(mark(), T0 + YEAR + 50);
	wall += YEAR * S + 5 * YEAR * S; /* not by a clock that nobody synchronised */
	looks();
	assert_int_equal(mark(), T0 + YEAR + 50);
	assert_int_equal(now(), T0 + YEAR + 50);
	assert_false(e.suspect);
}

/* A snapshot that was put back: the boot clock of what was written lies ahead. */
static void boot_clock_behind_its_anchor(void **state)
{
	struct effective before;

	begin(true);
	passes(500);
	looks();
	before = effective_snapshot(&e, boot);
	boot = 20 * S;
	start(&before, true);
	assert_int_equal(now(), T0 + 500);
	assert_false(e.suspect);
	before.anchor.boot_ns = boot;
	before.mark.boot_ns = boot + 1;
	wall -= YEAR * S;
	start(&before, true);
	assert_true(e.suspect);
	assert_true(now() >= T0 + 500 - 300 && now() <= T0 + 500);
}

/* An anchor that was written down far behind the mark isn't taken. */
static void anchor_behind_its_mark(void **state)
{
	struct effective before;

	begin(true);
	before = e;
	before.anchor.second -= YEAR;
	synchronised = false;
	start(&before, true);
	assert_int_equal(now(), T0);
}

static void tokens(void **state)
{
	begin(false);
	assert_false(effective_issued(&e, T0 - 5000, boot));
	assert_int_equal(mark(), T0 - 5000);
	passes(10);
	assert_int_equal(mark(), T0 - 4990);
	assert_false(effective_issued(&e, T0 - 5000, boot)); /* the same once more */
	assert_int_equal(mark(), T0 - 4990);
	assert_false(effective_issued(&e, T0 - 9000, boot)); /* an older one */
	assert_int_equal(mark(), T0 - 4990);
	/* A vendor's clock that runs ahead a little: no alarm comes of it later. */
	assert_false(effective_issued(&e, T0 + 300, boot));
	assert_int_equal(now(), T0 + 10);
	assert_int_equal(mark(), T0 + 10);
	wall -= 299 * S;
	looks();
	assert_false(e.suspect);
}

static void token_while_suspect(void **state)
{
	begin(true);
	wall -= YEAR * S;
	looks();
	assert_true(e.suspect);
	assert_false(effective_issued(&e, T0 - 1000, boot)); /* it proves nothing */
	assert_int_equal(now(), T0);
	assert_true(effective_issued(&e, T0 + 5000, boot));
	assert_int_equal(now(), T0 + 5000);
	assert_int_equal(mark(), T0 + 5000);
	assert_true(e.suspect);
	passes(7);
	looks();
	assert_int_equal(now(), T0 + 5007);
}

/* State was lost: what kept tokens prove is the mark, and t isn't behind it. */
static void proven(void **state)
{
	begin(false);
	effective_proven(&e, T0 - 50, boot);
	looks();
	assert_int_equal(now(), T0);
	assert_int_equal(mark(), T0 - 50);
	effective_proven(&e, T0 + 300, boot);
	looks();
	assert_int_equal(now(), T0);
	assert_false(e.suspect);
	effective_proven(&e, T0 + YEAR, boot);
	looks();
	assert_int_equal(now(), T0 + YEAR);
	assert_true(e.suspect);
}

static void resets(void **state)
{
	const int64_t to[] = {-YEAR, YEAR, 0, -299};

	for (int sync = 0; sync < 2; sync++)
		for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
			struct clock_look l;

			begin(true);
			synchronised = sync;
			wall += to[i] * S;
			looks();
			l = look();
			effective_reset(&e, &l);
			assert_int_equal(now(), T0 + to[i]);
			assert_int_equal(mark(), T0 + to[i]);
			assert_int_equal(e.apart_s, 0);
			assert_false(e.suspect);
			restart();
			assert_int_equal(now(), T0 + to[i]);
			reboot(0);
			assert_int_equal(now(), T0 + to[i]);
			assert_false(e.suspect);
		}
}

/* A second that began before the machine did. */
static void just_booted(void **state)
{
	wall = T0 * S + 900000000;
	boot = 100000000;
	synchronised = false;
	start(NULL, false);
	assert_true(e.anchor.boot_ns >= 0);
	assert_int_equal(now(), T0);
	assert_int_equal(effective_at(&e, boot + 100000000), T0 + 1);
}

/* Any value of any clock: t never leaves int64, and nothing overflows (the sanitized run sees it). */
static void any_values(void **state)
{
	static const int64_t values[] = {INT64_MIN, INT64_MIN + 1, -S,	     -1, 0, 1, S - 1, S,
					 T0 * S,    INT64_MAX - 1, INT64_MAX};
	const size_t n = sizeof(values) / sizeof(values[0]);

	for (size_t i = 0; i < n * n * n * n; i++) {
		const int64_t a = values[i % n], b = values[i / n % n], c = values[i / n / n % n],
			      d = values[i / n / n / n];
		const struct effective before = {.anchor = {a, b}, .mark = {c, d}};
		struct clock_look l = {a, b, i & 1};

		effective_start(&e, i & 2 ? &before : NULL, i & 4, &l);
		l = (struct clock_look){c, d, !(i & 1)};
		effective_look(&e, &l);
		effective_issued(&e, a, d);
		effective_proven(&e, b, c);
		effective_at(&e, c);
		effective_reset(&e, &l);
		effective_mark_at(&e, a);
		assert_true(e.anchor.boot_ns >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_start),
		cmocka_unit_test(time_passes),
		cmocka_unit_test(suspend_counts),
		cmocka_unit_test(steps_while_running),
		cmocka_unit_test(small_steps_are_not_followed),
		cmocka_unit_test(creeping_back),
		cmocka_unit_test(suspect_ends),
		cmocka_unit_test(a_bad_rtc_poisons_nothing),
		cmocka_unit_test(reboots),
		cmocka_unit_test(mark_rises_by_boot_time),
		cmocka_unit_test(boot_clock_behind_its_anchor),
		cmocka_unit_test(anchor_behind_its_mark),
		cmocka_unit_test(tokens),
		cmocka_unit_test(token_while_suspect),
		cmocka_unit_test(proven),
		cmocka_unit_test(resets),
		cmocka_unit_test(just_booted),
		cmocka_unit_test(any_values),
	};

	return cmocka_run_group_tests_name("effective", tests, NULL, NULL);
}
