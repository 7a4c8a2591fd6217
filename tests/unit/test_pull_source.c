/* SPDX-License-Identifier: MIT */
/* test_pull_source.c - the configuration's `pull`: what it takes, and what it says when it doesn't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "license.h"
#include "pull_source.h"
#include "revocation.h"

static int read_text(const char *text, struct pull_sources *out, struct fault *f)
{
	_json_ cJSON *root = NULL;

	assert_int_equal(json_parse_object("test", text, strlen(text), &root, f), 0);
	return pull_sources_read(root, out, f);
}

static void test_none(void **state)
{
	static const char *const cases[] = {"{}", "{\"pull\":null}", "{\"pull\":false}",
					    "{\"pull\":[]}"};
	struct fault f = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pull_sources sources = {0};

		assert_int_equal(read_text(cases[i], &sources, &f), 0);
		assert_int_equal(sources.n, 0);
		pull_sources_free(&sources);
	}
}

static void test_defaults(void **state)
{
	struct pull_sources sources = {0};
	struct fault f = {0};

	assert_int_equal(read_text("{\"pull\":[{\"name\":\"a\",\"url\":\"https://h/a.lic\"},"
				   "{\"name\":\"b\",\"revocations\":\"https://h/b.rl\"}]}",
				   &sources, &f),
			 0);
	assert_int_equal(sources.n, 2);
	assert_string_equal(sources.list[0].url, "https://h/a.lic");
	assert_false(sources.list[0].revocations);
	assert_int_equal(sources.list[0].interval_s, 21600);
	assert_int_equal(sources.list[0].timeout_s, 60);
	assert_int_equal(sources.list[0].max_bytes, LICENSE_MAX_BYTES);
	assert_null(sources.list[0].ca);
	assert_null(sources.list[0].proxy);
	assert_null(sources.list[0].token_file);
	assert_true(sources.list[1].revocations);
	assert_string_equal(sources.list[1].url, "https://h/b.rl");
	assert_int_equal(sources.list[1].max_bytes, REVOCATION_MAX_BYTES);
	pull_sources_free(&sources);
}

static void test_all(void **state)
{
	struct pull_sources sources = {0};
	struct fault f = {0};

	assert_int_equal(
		read_text("{\"pull\":[{\"name\":\"A.b-c_9\",\"url\":\"https://h/\","
			  "\"interval\":10,\"timeout\":1,\"max_bytes\":65536,\"ca\":\"/c\","
			  "\"proxy\":\"http://p:3128\",\"token_file\":\"/t\"}]}",
			  &sources, &f),
		0);
	assert_int_equal(sources.list[0].interval_s, 10);
	assert_int_equal(sources.list[0].timeout_s, 1);
	assert_int_equal(sources.list[0].max_bytes, 65536);
	assert_string_equal(sources.list[0].ca, "/c");
	assert_string_equal(sources.list[0].proxy, "http://p:3128");
	assert_string_equal(sources.list[0].token_file, "/t");
	pull_sources_free(&sources);
}

/* One source with these members, and what the fault has to name. */
static const struct {
	const char *members, *says;
} wrong[] = {
	{"\"name\":\"a\"", "either \"url\""},
	{"\"name\":\"a\",\"url\":\"https://h/\",\"revocations\":\"https://h/\"", "either \"url\""},
	{"\"name\":\"a\",\"url\":\"http://h/\"", "\"url\" must begin with https://"},
	{"\"name\":\"a\",\"url\":\"http://127.0.0.1/\"", "\"url\" must begin with https://"},
	{"\"name\":\"a\",\"revocations\":\"http://h/\"",
	 "\"revocations\" must begin with https://"},
	{"\"name\":\"a\",\"url\":\"file:///x\"", "\"url\" must begin with https://"},
	{"\"name\":\"a\",\"url\":\"https://u:p@h/\"", "a user or a password"},
	{"\"name\":\"a\",\"url\":7", "\"url\" must be a string"},
	{"\"url\":\"https://h/\"", "\"name\" must be"},
	{"\"name\":\"\",\"url\":\"https://h/\"", "\"name\" must be"},
	{"\"name\":\".a\",\"url\":\"https://h/\"", "\"name\" must be"},
	{"\"name\":\"a/b\",\"url\":\"https://h/\"", "\"name\" must be"},
	{"\"name\":\"a~b\",\"url\":\"https://h/\"", "\"name\" must be"},
	{"\"name\":\"a\",\"url\":\"https://h/\",\"interval\":9", "\"interval\" must be"},
	{"\"name\":\"a\",\"url\":\"https://h/\",\"interval\":\"1h\"", "\"interval\" must be"},
	{"\"name\":\"a\",\"url\":\"https://h/\",\"timeout\":0", "\"timeout\" must be"},
	{"\"name\":\"a\",\"url\":\"https://h/\",\"max_bytes\":65537", "\"max_bytes\" must be"},
	{"\"name\":\"a\",\"revocations\":\"https://h/\",\"max_bytes\":4194305",
	 "\"max_bytes\" must"},
	{"\"name\":\"a\",\"url\":\"https://h/\",\"ca\":\"c.pem\"",
	 "\"ca\" must be an absolute path"},
	{"\"name\":\"a\",\"url\":\"https://h/\",\"token_file\":\"t\"", "\"token_file\" must be"},
	{"\"name\":\"a\",\"url\":\"https://h/\",\"proxy\":\"p:3128\"", "\"proxy\" must begin"},
	{"\"name\":\"a\",\"url\":\"https://h/\",\"proxy\":\"http://p/x\"", "\"proxy\" must be"},
	{"\"name\":\"a\",\"url\":\"https://h/\",\"tokenfile\":\"/t\"", "\"tokenfile\" is no key"},
};

static void test_wrong(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct pull_sources sources = {0};
		struct fault f = {0};
		char text[512];

		snprintf(text, sizeof(text),
			 "{\"pull\":[{\"name\":\"z\",\"url\":\"https://h/\"},{%s}]}",
			 wrong[i].members);
		assert_int_not_equal(read_text(text, &sources, &f), 0);
		assert_non_null(strstr(f.text, "\"pull\"[1]: "));
		assert_non_null(strstr(f.text, wrong[i].says));
		assert_null(sources.list);
	}
}

static void test_twice(void **state)
{
	struct pull_sources sources = {0};
	struct fault f = {0};

	assert_int_not_equal(read_text("{\"pull\":[{\"name\":\"a\",\"url\":\"https://h/1\"},"
				       "{\"name\":\"a\",\"revocations\":\"https://h/2\"}]}",
				       &sources, &f),
			     0);
	assert_non_null(strstr(f.text, "\"a\" stands twice"));
}

static void test_no_array(void **state)
{
	static const char *const cases[] = {"{\"pull\":{}}", "{\"pull\":\"https://h/\"}",
					    "{\"pull\":[\"https://h/\"]}", "{\"pull\":true}"};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pull_sources sources = {0};
		struct fault f = {0};

		assert_int_not_equal(read_text(cases[i], &sources, &f), 0);
		assert_non_null(strstr(f.text, "pull"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),  cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all),   cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_twice), cmocka_unit_test(test_no_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
