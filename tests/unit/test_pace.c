/* SPDX-License-Identifier: MIT */
/* test_pace.c - when to fetch again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pace.h"

#define DAY 86400LL

/* The nearest and the furthest try over many random numbers, in seconds. */
static void bounds(const struct pace *pace, double *low, double *high)
{
	uint32_t random = 1;

	*low = 1e18;
	*high = 0;
	for (int i = 0; i < 20000; i++) {
		double s = pace_next_ms(pace, random) / 1000.0;

		random = random * 1664525 + 1013904223;
		*low = s < *low ? s : *low;
		*high = s > *high ? s : *high;
	}
}

/* 10 % to either side, used to the full. */
static void spans(const struct pace *pace, double s)
{
	double low, high;

	bounds(pace, &low, &high);
	assert_true(low >= 0.9 * s && low < 0.91 * s);
	assert_true(high <= 1.1 * s && high > 1.09 * s);
}

static void test_interval(void **state)
{
	spans(&(struct pace){.interval_s = 21600}, 21600);
	spans(&(struct pace){.interval_s = 10}, 10);
	assert_in_range(pace_next_ms(&(struct pace){.interval_s = 10}, UINT32_MAX), 9000, 11000);
	assert_in_range(pace_next_ms(&(struct pace){.interval_s = 30 * DAY}, UINT32_MAX),
			27 * DAY * 1000, 33 * DAY * 1000);
}

static void test_backoff(void **state)
{
	spans(&(struct pace){.interval_s = 21600, .failures = 1}, 10);
	spans(&(struct pace){.interval_s = 21600, .failures = 2}, 20);
	spans(&(struct pace){.interval_s = 21600, .failures = 5}, 160);
	spans(&(struct pace){.interval_s = 21600, .failures = 12}, 20480);
	spans(&(struct pace){.interval_s = 21600, .failures = 13}, 21600);
	spans(&(struct pace){.interval_s = 21600, .failures = 4000000000U}, 21600);
	spans(&(struct pace){.interval_s = 15, .failures = 9}, 15);
	assert_int_equal(pace_backoff(1, 1, 300), 1);
	assert_int_equal(pace_backoff(1, 9, 300), 256);
	assert_int_equal(pace_backoff(1, 10, 300), 300);
	assert_int_equal(pace_backoff(1, UINT32_MAX, INT64_MAX / 4) > 0, 1);
}

/* All of what was asked for, and 10 % more at most; within bounds. */
static void test_retry_after(void **state)
{
	struct pace pace = {.interval_s = 600, .failures = 1, .retry_after_s = 100};
	double low, high;

	bounds(&pace, &low, &high);
	assert_true(low >= 100 && low < 101 && high > 109 && high <= 110);
	pace.retry_after_s = 5; /* the back-off is longer */
	spans(&pace, 10);
	pace.retry_after_s = INT64_MAX;
	bounds(&pace, &low, &high);
	assert_true(low >= 3600 && high <= 3960);
	pace.interval_s = 21600;
	bounds(&pace, &low, &high);
	assert_true(low >= 21600 && high <= 23760);
}

static void test_ahead(void **state)
{
	int64_t nbf = 1000 * DAY, exp = nbf + 90 * DAY, end = exp + 10 * DAY;

	assert_int_equal(pace_ahead(nbf, exp, end, nbf), 0);
	assert_int_equal(pace_ahead(nbf, exp, end, nbf + 60 * DAY - 1), 0);
	assert_int_equal(pace_ahead(nbf, exp, end, nbf + 60 * DAY), 2 * DAY);
	assert_int_equal(pace_ahead(nbf, exp, end, end - DAY), DAY / 20);
	assert_int_equal(pace_ahead(nbf, exp, end, end - 100), PACE_AHEAD_MIN_S);
	assert_int_equal(pace_ahead(nbf, exp, end, end - 1), PACE_AHEAD_MIN_S);
	assert_int_equal(pace_ahead(nbf, exp, end, end), PACE_LAPSED_S);
	assert_int_equal(pace_ahead(nbf, exp, end, end + 1000 * DAY), PACE_LAPSED_S);
	assert_int_equal(pace_ahead(1, 253402300799LL, 253402300799LL, 1800000000), 0);
}

/* Never less often than the interval, and failures count from there. */
static void test_ahead_and_interval(void **state)
{
	spans(&(struct pace){.interval_s = 21600, .ahead_s = 120}, 120);
	spans(&(struct pace){.interval_s = 30, .ahead_s = 120}, 30);
	spans(&(struct pace){.interval_s = 21600, .ahead_s = 60, .failures = 9}, 60);
}

/* All of the span from half of it on, and no second more. */
static void test_retry(void **state)
{
	assert_int_equal(pace_retry_ms(1, 0, 0), 500);
	assert_int_equal(pace_retry_ms(1, 0, 500), 1000);
	assert_in_range(pace_retry_ms(1, 0, UINT32_MAX), 500, 1000);
	assert_int_equal(pace_retry_ms(0, 0, 500), 1000);
	assert_int_equal(pace_retry_ms(2, 0, 1000), 2000);
	assert_int_equal(pace_retry_ms(6, 0, 16000), 32000);
	assert_int_equal(pace_retry_ms(7, 0, 0), 30000);
	assert_int_equal(pace_retry_ms(7, 0, 30000), 60000);
	assert_in_range(pace_retry_ms(4000000000U, 0, UINT32_MAX), 30000, 60000);
	/* what the server asks for, and up to a tenth more */
	assert_int_equal(pace_retry_ms(1, 20, 0), 20000);
	assert_int_equal(pace_retry_ms(1, 20, 2000), 22000);
	assert_in_range(pace_retry_ms(7, 1, UINT32_MAX), 30000, 60000);
	assert_in_range(pace_retry_ms(1, INT64_MAX, UINT32_MAX), PACE_RETRY_AFTER_S * 1000,
			PACE_RETRY_AFTER_S * 1100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval), cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_retry),	 cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_ahead),	 cmocka_unit_test(test_ahead_and_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
