/* SPDX-License-Identifier: MIT */
/* test_flood.c - when the shield goes up, and when it comes off again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flood.h"

#define REFUSALS 2000
#define S 1000000000ULL

struct world {
	struct flood flood;
	uint64_t now, denied, shielded;
	bool up;
};

/* A second in which wire denied so many packets and the shield so many besides. */
static enum flood_advice second(struct world *w, uint64_t wire, uint64_t shield)
{
	enum flood_advice advice;

	w->now += S;
	w->denied += wire + shield;
	w->shielded += shield;
	advice = flood_look(&w->flood, w->up, w->denied, w->shielded, REFUSALS, w->now);
	if (advice != FLOOD_STAY)
		w->up = advice == FLOOD_RAISE;
	return advice;
}

static struct world begin(void)
{
	/* What was denied long before is no flood now. */
	struct world w = {.now = 5 * S, .denied = 1000000};

	assert_int_equal(second(&w, 0, 0), FLOOD_STAY);
	return w;
}

static void test_raise(void **state)
{
	const uint64_t most = FLOOD_PACKETS_PER_S + REFUSALS;
	struct world w = begin();

	for (int i = 0; i < 20; i++)
		assert_int_equal(second(&w, most, 0), FLOOD_STAY);
	assert_int_equal(second(&w, most + 1, 0), FLOOD_STAY);
	assert_int_equal(second(&w, most, 0), FLOOD_STAY); /* not in a row */
	assert_int_equal(second(&w, most + 1, 0), FLOOD_STAY);
	assert_int_equal(second(&w, most + 1, 0), FLOOD_RAISE);
}

static void test_lower(void **state)
{
	struct world w = begin();

	w.up = true;
	for (int i = 0; i < 30; i++)
		assert_int_equal(second(&w, REFUSALS, 100000), FLOOD_STAY);
	for (int i = 0; i < 30; i++)
		assert_int_equal(second(&w, REFUSALS, FLOOD_CALM_PER_S), FLOOD_STAY);
	for (int i = 1; i < FLOOD_LOWER_LOOKS; i++)
		assert_int_equal(second(&w, 0, FLOOD_CALM_PER_S - 1), FLOOD_STAY);
	assert_int_equal(second(&w, 0, FLOOD_CALM_PER_S), FLOOD_STAY); /* it is back */
	for (int i = 1; i < FLOOD_LOWER_LOOKS; i++)
		assert_int_equal(second(&w, 0, 0), FLOOD_STAY);
	assert_int_equal(second(&w, 0, 0), FLOOD_LOWER);
	/* And up again at once with the next one. */
	assert_int_equal(second(&w, 100000, 0), FLOOD_STAY);
	assert_int_equal(second(&w, 100000, 0), FLOOD_RAISE);
}

/* Over lo, or past the driver: the shield sees none of it, and bulk traffic would pay for nothing. */
static void test_past_the_shield(void **state)
{
	struct world w = begin();

	second(&w, 100000, 0);
	assert_int_equal(second(&w, 100000, 0), FLOOD_RAISE);
	for (int i = 1; i < FLOOD_LOWER_LOOKS; i++)
		assert_int_equal(second(&w, 100000, 10), FLOOD_STAY);
	assert_int_equal(second(&w, 100000, 10), FLOOD_GIVE_UP);
	for (uint64_t s = 1; s < FLOOD_HOLD_OFF_NS / S; s++)
		assert_int_equal(second(&w, 100000, 0), FLOOD_STAY);
	assert_int_equal(second(&w, 100000, 0), FLOOD_RAISE);
}

static void test_hold_off(void **state)
{
	struct world w = begin();

	second(&w, 100000, 0);
	assert_int_equal(second(&w, 100000, 0), FLOOD_RAISE);
	w.up = false; /* no driver */
	flood_hold_off(&w.flood, w.now);
	for (uint64_t s = 1; s < FLOOD_HOLD_OFF_NS / S; s++)
		assert_int_equal(second(&w, 100000, 0), FLOOD_STAY);
	assert_int_equal(second(&w, 100000, 0), FLOOD_RAISE);
}

/* Rates, not counts: a look that comes late, and one that comes too soon. */
static void test_uneven_looks(void **state)
{
	struct world w = begin();

	for (int i = 0; i < 5; i++) {
		w.now += 9 * S;
		assert_int_equal(second(&w, 200000, 0), FLOOD_STAY);
	}
	second(&w, 100000, 0);
	w.denied += 100000;
	assert_int_equal(flood_look(&w.flood, false, w.denied, 0, REFUSALS, w.now + S / 10),
			 FLOOD_STAY);
	assert_int_equal(second(&w, 0, 0), FLOOD_RAISE);
}

static void test_counters_begin_anew(void **state)
{
	struct world w = begin();

	second(&w, 100000, 0);
	w.denied = 0;
	assert_int_equal(second(&w, 100000, 0), FLOOD_STAY);
	assert_int_equal(second(&w, 100000, 0), FLOOD_RAISE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raise),		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_past_the_shield), cmocka_unit_test(test_hold_off),
		cmocka_unit_test(test_uneven_looks),	cmocka_unit_test(test_counters_begin_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
