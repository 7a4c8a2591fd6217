/* SPDX-License-Identifier: MIT */
/* tap.h - one line a case, as tests/run reads them. */
#ifndef PORTLIC_TEST_TAP_H
#define PORTLIC_TEST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_cases, tap_failures;

/* One case. Its name is the format; the result of the condition is given back. */
__attribute__((format(printf, 2, 3))) static inline bool check(bool good, const char *fmt, ...)
{
	va_list args;

	printf("%sok %d - ", good ? "" : "not ", ++tap_cases);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	tap_failures += !good;
	return good;
}

#define skip(name, why, ...) printf("ok %d - " name " # SKIP " why "\n", ++tap_cases, ##__VA_ARGS__)

static inline int tap_end(void)
{
	printf("1..%d\n", tap_cases);
	return tap_failures != 0;
}

#endif
