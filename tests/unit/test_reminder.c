/* SPDX-License-Identifier: MIT */
/* test_reminder.c - daily, hourly on the last day, each once, also when a tick comes late. */
#include "reminder.h"
#include "token.h"

#define HOUR 3600LL
#define DAY (24 * HOUR)
#define END (NOW + 100 * DAY)

static struct license lic;
static struct license_view view;
static struct reminder last;

static bool due(int64_t now)
{
	struct reminder next;
	bool is = reminder_due(&view, &last, now, &next);

	last = next;
	return is;
}

/* How many are said when somebody looks every `step` seconds. */
static int count(int64_t from, int64_t until, int64_t step)
{
	int n = 0;

	for (int64_t t = from; t < until; t += step)
		n += due(t);
	return n;
}

static void daily_then_hourly(void **state)
{
	const int64_t steps[] = {1, 7, 61, 1799, 3599};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		last = (struct reminder){0};
		/* 13 days and 23 hours, 13 days, ... 2 days: 13; then 24 of an hour each */
		assert_int_equal(count(END - 14 * DAY + 1, END - DAY, steps[i]), 13);
		assert_int_equal(count(END - DAY, END, steps[i]), 24);
		assert_false(due(END));
		assert_false(due(END + DAY));
	}
}

/* At its very second, and not again before the next. */
static void exactly(void **state)
{
	assert_true(due(END - 3 * DAY - 100)); /* the first at once */
	assert_false(due(END - 3 * DAY - 1));
	assert_true(due(END - 3 * DAY));
	assert_false(due(END - 3 * DAY));
	assert_false(due(END - 2 * DAY - 1));
	assert_true(due(END - 2 * DAY));
	assert_false(due(END - DAY - 1));
	assert_true(due(END - DAY));
	assert_false(due(END - 23 * HOUR - 1));
	assert_true(due(END - 23 * HOUR));
	assert_true(due(END - HOUR));
	assert_false(due(END - 1));
}

/* An agent that was away for days says one, not all that it missed. */
static void late(void **state)
{
	assert_true(due(END - 10 * DAY));
	assert_true(due(END - 4 * DAY + 5000));
	assert_false(due(END - 4 * DAY + 5001));
	assert_true(due(END - 10 * HOUR + 17));
	assert_false(due(END - 10 * HOUR + 18));
}

/* A restart remembers `last`; nothing is said twice. */
static void over_a_restart(void **state)
{
	struct reminder kept;

	assert_true(due(END - 5 * DAY + 10));
	kept = last;
	last = (struct reminder){.end = kept.end, .begin = kept.begin};
	assert_false(due(END - 5 * DAY + 20));
}

static void states(void **state)
{
	for (int s = 0; s < STATE_COUNT; s++) {
		last = (struct reminder){0};
		view.state = s;
		view.warn = s == STATE_ACTIVE;
		assert_int_equal(due(END - 100),
				 s == STATE_ACTIVE || s == STATE_GRACE || s == STATE_STALE);
		if (s == STATE_GRACE || s == STATE_STALE)
			assert_int_equal(last.end, END + 5000); /* counted to the deadline */
	}
	last = (struct reminder){0};
	view.state = STATE_ACTIVE;
	view.warn = false;
	assert_false(due(END - 100));
}

/* ACTIVE counts to exp; then the grace has a count of its own. */
static void into_grace(void **state)
{
	assert_true(due(END - 10));
	assert_false(due(END - 1));
	view.state = STATE_GRACE;
	view.warn = false;
	assert_true(due(END));
	assert_false(due(END + 1399));
	assert_true(due(END + 1400)); /* an hour before its end */
	assert_false(due(END + 5000));
}

static void renewed_needs_none(void **state)
{
	view.renewed = true;
	assert_false(due(END - 10));
}

static void never_ends(void **state)
{
	view.state = STATE_STALE;
	view.deadlines.new_until = LIFECYCLE_NEVER;
	assert_false(due(NOW));
	view.deadlines.new_until = END;
	assert_false(due(INT64_MIN));
	assert_true(due(0));
	assert_true(last.begin <= 0);
}

static int fresh(void **state)
{
	lic = (struct license){.exp = END, .grace_s = 5000};
	view = (struct license_view){.lic = &lic, .state = STATE_ACTIVE, .warn = true};
	view.deadlines.new_until = END + 5000;
	last = (struct reminder){0};
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(daily_then_hourly, fresh),
		cmocka_unit_test_setup(exactly, fresh),
		cmocka_unit_test_setup(late, fresh),
		cmocka_unit_test_setup(over_a_restart, fresh),
		cmocka_unit_test_setup(states, fresh),
		cmocka_unit_test_setup(into_grace, fresh),
		cmocka_unit_test_setup(renewed_needs_none, fresh),
		cmocka_unit_test_setup(never_ends, fresh),
	};

	return cmocka_run_group_tests_name("reminder", tests, NULL, NULL);
}
