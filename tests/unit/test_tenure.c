/* SPDX-License-Identifier: MIT */
/* test_tenure.c - a node's Lease: when it is renewed, until when it holds, and what is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure.h"

#define S 1000000000ULL

static struct tenure t;

static void asks(enum tenure_step step, uint64_t at_s)
{
	assert_int_equal(tenure_next(&t, true, at_s * S), step);
	if (step != TENURE_WAIT)
		tenure_sent(&t, step, at_s * S);
}

static void hears(enum outcome answer, uint64_t at_s)
{
	tenure_answered(&t, answer, at_s * S, 0);
}

/* Reads what is there and replaces it, at once. */
static void renews(uint64_t at_s)
{
	asks(TENURE_GET, at_s);
	hears(OUTCOME_DONE, at_s);
	asks(TENURE_WRITE, at_s);
	hears(OUTCOME_DONE, at_s);
}

static void test_life(void **state)
{
	tenure_begin(&t, 3600, 0, 100 * S);
	assert_false(tenure_holds(&t, 100 * S));
	assert_int_equal(tenure_next(&t, false, 100 * S), TENURE_WAIT);
	asks(TENURE_GET, 100);
	asks(TENURE_WAIT, 101);
	hears(OUTCOME_MISSING, 102);
	asks(TENURE_CREATE, 102);
	assert_false(tenure_holds(&t, 103 * S));
	hears(OUTCOME_DONE, 104);
	/* It counts from when the request was sent. */
	assert_int_equal(t.until_ns, (102 + 3600) * S);
	assert_int_equal(t.epoch, 1);
	asks(TENURE_WAIT, 161);
	asks(TENURE_WRITE, 162);
	hears(OUTCOME_DONE, 163);
	assert_int_equal(t.until_ns, (162 + 3600) * S);
	/* Nobody needs it any more: it lies still, and is renewed at once when somebody does. */
	assert_int_equal(tenure_next(&t, false, 3000 * S), TENURE_WAIT);
	asks(TENURE_WRITE, 3000);
	assert_int_equal(t.epoch, 1);
}

static void test_hold(void **state)
{
	static const struct {
		uint32_t hold_s, renew_s;
	} cases[] = {{30, 5}, {50, 5}, {300, 30}, {3600, 60}, {86400, 60}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		tenure_begin(&t, cases[i].hold_s, 0, 10 * S);
		renews(10);
		asks(TENURE_WAIT, 10 + cases[i].renew_s - 1);
		asks(TENURE_WRITE, 10 + cases[i].renew_s);
	}
}

/* An answer that is late revives nothing, but begins something new. */
static void test_late(void **state)
{
	tenure_begin(&t, 30, 0, 10 * S);
	renews(10);
	asks(TENURE_WRITE, 38);
	assert_true(tenure_holds(&t, 39 * S));
	assert_false(tenure_holds(&t, 40 * S));
	hears(OUTCOME_DONE, 41);
	assert_true(tenure_holds(&t, 41 * S));
	assert_int_equal(t.until_ns, 68 * S);
	assert_int_equal(t.epoch, 2);
	/* In time it goes on. */
	asks(TENURE_WRITE, 66);
	hears(OUTCOME_DONE, 67);
	assert_int_equal(t.epoch, 2);
	assert_int_equal(t.until_ns, 96 * S);
}

static void test_failures(void **state)
{
	tenure_begin(&t, 3600, 0, 10 * S);
	asks(TENURE_GET, 10);
	hears(OUTCOME_DONE, 10);
	asks(TENURE_WRITE, 10);
	hears(OUTCOME_CONFLICT, 10);
	/* Another version is there: it is looked at at once. */
	asks(TENURE_GET, 10);
	hears(OUTCOME_DONE, 10);
	asks(TENURE_WRITE, 10);
	hears(OUTCOME_FAILED, 20);
	assert_false(tenure_holds(&t, 20 * S));
	asks(TENURE_WAIT, 20);
	/* It may have been done: which version is there isn't known. */
	asks(TENURE_GET, 22);
	hears(OUTCOME_DONE, 22);
	asks(TENURE_WRITE, 22);
	hears(OUTCOME_MISSING, 22);
	asks(TENURE_CREATE, 22);
	hears(OUTCOME_DONE, 23);
	assert_int_equal(t.until_ns, 3622 * S);
	assert_int_equal(t.failures, 0);
	/* With a short hold it doesn't wait for a minute, however often it failed. */
	tenure_begin(&t, 30, 0, 10 * S);
	for (uint64_t at = 10; at < 500; at += 10) {
		asks(TENURE_GET, at);
		hears(OUTCOME_FAILED, at + 5);
	}
}

/* A new life goes on with what the kernel has, no longer than its Lease will say. */
static void test_restart(void **state)
{
	tenure_begin(&t, 3600, 1000 * S, 100 * S);
	assert_true(tenure_holds(&t, 999 * S));
	asks(TENURE_GET, 100);
	hears(OUTCOME_DONE, 100);
	asks(TENURE_WRITE, 100);
	hears(OUTCOME_DONE, 101);
	assert_int_equal(t.epoch, 1);
	assert_int_equal(tenure_cut(1000 * S, 30, 100 * S), 130 * S);
	assert_int_equal(tenure_cut(110 * S, 30, 100 * S), 110 * S);
	tenure_begin(&t, 30, 1000 * S, 100 * S);
	assert_false(tenure_holds(&t, 130 * S));
	asks(TENURE_GET, 131);
	hears(OUTCOME_DONE, 131);
	asks(TENURE_WRITE, 131);
	hears(OUTCOME_DONE, 131);
	assert_int_equal(t.epoch, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),	cmocka_unit_test(test_hold),
		cmocka_unit_test(test_late),	cmocka_unit_test(test_failures),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
