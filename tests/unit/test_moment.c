/* SPDX-License-Identifier: MIT */
/* test_moment.c - times that people write, and what is no time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "license.h"
#include "moment.h"

#define NOW 1800000000LL /* 2027-01-15T08:00:00Z */

static void test_good(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{"2027-01-15T08:00:00Z", NOW},
		{"2027-01-15t08:00:00z", NOW},
		{"2027-01-15T08:00Z", NOW},
		{"2027-01-15T08:00:00.999999Z", NOW},
		{"2027-01-15T09:30:00+01:30", NOW},
		{"2027-01-14T23:30:00-08:30", NOW},
		{"2028-02-29T00:00:00Z", 1835395200},
		{"2016-12-31T23:59:60Z", 1483228800}, /* a leap second */
		{"2038-01-19T03:14:08Z", 1LL << 31},
		{"9999-12-31T23:59:59Z", LICENSE_TIME_MAX},
		{"1970-01-01T00:00:01Z", 1},
		{"1800000001", NOW + 1},
		{"1", 1},
		{"253402300799", LICENSE_TIME_MAX},
		{"+0s", NOW},
		{"+90s", NOW + 90},
		{"+30m", NOW + 1800},
		{"+12h", NOW + 43200},
		{"+30d", NOW + 2592000},
		{"+2w", NOW + 1209600},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault f = {""};
		int64_t t = -1;

		if (moment_parse(cases[i].text, NOW, &t, &f) || t != cases[i].want)
			fail_msg("\"%s\" is %lld, wanted %lld: %s", cases[i].text, (long long)t,
				 (long long)cases[i].want, f.text);
	}
}

static void test_bad(void **state)
{
	static const char *const cases[] = {
		"",
		"+",
		"+d",
		"+30",
		"+30x",
		"+30dd",
		"+-30d",
		"+1000000000000s",
		"+9999999w",
		"-30d",
		"-1",
		"0",
		"1e9",
		"0x10",
		" 1",
		"1 ",
		"1.5",
		"253402300800",
		"1800000000000",
		"99999999999999999999",
		"tomorrow",
		"2027-01-15",
		"2027-01-15T",
		"2027-01-15T08",
		"2027-01-15T08:00",
		"2027-01-15T08:00:00",
		"2027-01-15 08:00:00Z",
		"2027-01-15T08:00:00.Z",
		"2027-01-15T08:00:00ZZ",
		"2027-01-15T08:00:00+1",
		"2027-01-15T08:00:00+24:00",
		"2027-01-15T08:00:00+01:60",
		"2027-01-15T24:00:00Z",
		"2027-01-15T08:60:00Z",
		"2027-01-15T08:00:61Z",
		"2027-13-01T00:00:00Z",
		"2027-00-01T00:00:00Z",
		"2027-01-00T00:00:00Z",
		"2027-01-32T00:00:00Z",
		"2027-02-29T23:00:00Z",
		"2027-04-31T23:59:59Z",
		"1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00Z",
		"1970-01-01T00:00:01+01:00",
		"10000-01-01T00:00:00Z",
		"9999-12-31T23:59:59-00:01",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault f = {""};
		int64_t t = -1;

		if (moment_parse(cases[i], NOW, &t, &f) != -EINVAL || t != -1 || !f.text[0])
			fail_msg("\"%s\" is taken for %lld", cases[i], (long long)t);
	}
}

static void test_remedy(void **state)
{
	struct fault f = {""};
	int64_t t;

	moment_parse("soon", NOW, &t, &f);
	assert_non_null(strstr(f.text, "\"soon\""));
	assert_non_null(strstr(f.text, "+30d"));
	moment_parse("1800000000000", NOW, &t, &f);
	assert_non_null(strstr(f.text, "milliseconds"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
