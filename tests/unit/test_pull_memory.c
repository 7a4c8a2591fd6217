/* SPDX-License-Identifier: MIT */
/* test_pull_memory.c - the state file of a pull source: there and back, and torn ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "pull_memory.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct pull_memory sample = {
	.url = "https://h.example/a.lic",
	.etag = "\"x\\y\"",
	.modified = "Wed, 25 Nov 2026 18:56:01 GMT",
	.file = "a~0123456789abcdef.lic",
	.sha256 = HASH,
	.ahead = HASH,
	.last_success = 1800000000,
};

static void test_there_and_back(void **state)
{
	_free_ char *text = pull_memory_write(&sample);
	struct pull_memory memory = {0};
	struct fault f = {0};

	assert_int_equal(pull_memory_read("file \"x\"", text, strlen(text), &memory, &f), 0);
	assert_string_equal(memory.url, sample.url);
	assert_string_equal(memory.etag, sample.etag);
	assert_string_equal(memory.modified, sample.modified);
	assert_string_equal(memory.file, sample.file);
	assert_string_equal(memory.sha256, sample.sha256);
	assert_string_equal(memory.ahead, sample.ahead);
	assert_int_equal(memory.last_success, sample.last_success);
	pull_memory_free(&memory);
	assert_null(memory.url);
}

/* Wherever it is torn, it is refused and *out is left alone. */
static void test_torn(void **state)
{
	_free_ char *text = pull_memory_write(&sample);
	struct pull_memory memory = {0};
	struct fault f = {0};

	for (size_t len = 0; len < strlen(text); len++) {
		assert_int_not_equal(pull_memory_read("file \"x\"", text, len, &memory, &f), 0);
		assert_non_null(strstr(f.text, "file \"x\""));
		assert_null(memory.url);
	}
}

static void test_wrong(void **state)
{
	static const char *const cases[] = {
		"{}",
		"[]",
		"{\"url\":\"\"}",
		"{\"url\":7}",
		"{\"url\":\"u\",\"etag\":\"\xc3\xa9\"}", /* sent back, it would be a header */
		"{\"url\":\"u\",\"etag\":\"a\\nb\"}",
		"{\"url\":\"u\",\"sha256\":\"00\"}",
		"{\"url\":\"u\",\"sha256\":\"" HASH "0\"}",
		"{\"url\":\"u\",\"renew_ahead\":"
		"\"X123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}",
		"{\"url\":\"u\",\"last_success\":-1}",
		"{\"url\":\"u\",\"last_success\":253402300800}",
	};
	struct pull_memory memory = {0};
	struct fault f = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_not_equal(pull_memory_read("x", cases[i], strlen(cases[i]), &memory, &f),
				     0);
	assert_null(memory.url);
}

static void test_validators(void **state)
{
	assert_true(pull_validator_ok("W/\"1 2\"", 7));
	assert_false(pull_validator_ok("W/\"1 2\"", 6));
	assert_false(pull_validator_ok("", 6));
	assert_false(pull_validator_ok("a\r\nb", 9));
	assert_false(pull_validator_ok("a\tb", 9));
	assert_false(pull_validator_ok("a\x7f", 9));
	assert_false(pull_validator_ok("\xff", 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_validators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
