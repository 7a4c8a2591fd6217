/* SPDX-License-Identifier: MIT */
/* test_url.c - addresses of a configuration: one reading or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "url.h"

static void test_taken(void **state)
{
	static const struct {
		const char *text;
		bool https, loopback, has_path;
		const char *origin;
	} cases[] = {
		{"https://a.example/x?y=1", true, false, true, "https://a.example"},
		{"https://a.example:8443", true, false, false, "https://a.example:8443"},
		{"https://a.example/", true, false, false, "https://a.example"},
		{"https://a_b.example?q", true, false, true, "https://a_b.example"},
		{"https://[2001:db8::1]:1/", true, false, false, "https://[2001:db8::1]:1"},
		{"https://10.0.0.1:65535/%20", true, false, true, "https://10.0.0.1:65535"},
		{"http://127.0.0.1:80/", false, true, false, "http://127.0.0.1:80"},
		{"http://[::1]/hook", false, true, true, "http://[::1]"},
		{"http://localhost:8/", false, true, false, "http://localhost:8"},
		{"http://localhost.example/", false, false, false, "http://localhost.example"},
		{"http://127.0.0.10/", false, false, false, "http://127.0.0.10"},
		{"https://a.example/a@b:c", true, false, true, "https://a.example"},
	};
	struct fault f = {0};
	struct url url;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(url_parse(cases[i].text, &url, &f), 0);
		assert_int_equal(url.https, cases[i].https);
		assert_int_equal(url.loopback, cases[i].loopback);
		assert_int_equal(url.has_path, cases[i].has_path);
		assert_int_equal(url.origin, strlen(cases[i].origin));
		assert_memory_equal(cases[i].text, cases[i].origin, url.origin);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"a.example",
		"//a.example",
		"ftp://a.example/",
		"file:///etc/passwd",
		"HTTPS://a.example/",
		"https:///x",
		"https://",
		"https://.a/",
		"https://-a/",
		"https://user@a.example/",
		"https://user:word@a.example/",
		"http://127.0.0.1@a.example/",
		"http://127.0.0.1:80@a.example/",
		"http://127.0.0.1\\@a.example/",
		"http://127.0.0.1%00.a.example/",
		"https://a.example:/",
		"https://a.example:0/",
		"https://a.example:65536/",
		"https://a.example:1x/",
		"https://a.example:000001/",
		"https://[::1/",
		"https://[]/",
		"https://[::1]x/",
		"https://[v1.x]/",
		"https://a.example/ x",
		"https://a.example/#x",
		"https://a.example/\t",
		"https://a.example/\xc3\xa9",
		"https://a.example/<x>",
	};
	struct url url;
	struct fault f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		f.text[0] = '\0';
		assert_int_not_equal(url_parse(cases[i], &url, &f), 0);
		assert_int_not_equal(f.text[0], '\0');
	}
}

static void test_lengths(void **state)
{
	char text[URL_MAX_BYTES + 2];
	struct url url;

	memset(text, 'a', sizeof(text));
	memcpy(text, "https://h/", 10);
	text[URL_MAX_BYTES] = '\0';
	assert_int_equal(url_parse(text, &url, NULL), 0);
	text[URL_MAX_BYTES] = 'a';
	text[URL_MAX_BYTES + 1] = '\0';
	assert_int_not_equal(url_parse(text, &url, NULL), 0);
	memset(text + 8, 'h', 254); /* longer than any name */
	text[8 + 254] = '\0';
	assert_int_not_equal(url_parse(text, &url, NULL), 0);
	text[8 + 253] = '\0';
	assert_int_equal(url_parse(text, &url, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
