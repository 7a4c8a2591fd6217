/* SPDX-License-Identifier: MIT */
/* test_usage.c - what is used of quotas: written, read back, refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"
#include "usage.h"

static void test_there_and_back(void **state)
{
	struct usage_list list = {0}, again = {0};
	struct usage items[] = {
		{.gate = "web",
		 .key = {.line = UINT64_MAX, .port = 8080, .proto = 6},
		 .ends = 1800003600,
		 .quota = {.window = 500000, .connections = {7, 8}, .bytes = {1, JSON_INT_MAX}}},
		{.gate = "", .key = {.line = 5}, .quota = {.window = UINT64_MAX}},
	};
	struct fault f = {0};
	char *text;

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(usage_add(&list, &items[i]), 0);
	text = usage_print(&list);
	assert_int_equal(usage_parse(text, strlen(text), &again, &f), 0);
	assert_int_equal(again.n, 2);
	assert_memory_equal(again.items, items, sizeof(items));
	free(text);
	usage_list_free(&list);
	usage_list_free(&again);
}

static void test_saturates(void **state)
{
	struct usage_list list = {0};
	struct usage item = {.gate = "x", .quota.bytes = {UINT64_MAX}};
	struct fault f = {0};
	char *text;

	usage_add(&list, &item);
	text = usage_print(&list);
	usage_list_free(&list);
	assert_int_equal(usage_parse(text, strlen(text), &list, &f), 0);
	assert_true(list.items[0].quota.bytes[0] == JSON_INT_MAX);
	free(text);
	usage_list_free(&list);
}

static void test_empty(void **state)
{
	struct usage_list list = {0};
	struct fault f = {0};
	char *text = usage_print(&list);

	assert_int_equal(usage_parse(text, strlen(text), &list, &f), 0);
	assert_int_equal(list.n, 0);
	free(text);
}

#define ITEM(members)                                                                              \
	"{\"quotas\":[{\"gate\":\"a\",\"line\":\"1\",\"window\":\"1\",\"connections\":[0,0],"      \
	"\"bytes\":[0,0]},{" members "}]}"

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		"{\"quotas\":{}}",
		"{\"quotas\":[5]}",
		ITEM(""),
		ITEM("\"line\":\"1\",\"window\":\"x\",\"connections\":[0,0],\"bytes\":[0,0]"),
		ITEM("\"line\":\"-1\",\"window\":\"1\",\"connections\":[0,0],\"bytes\":[0,0]"),
		ITEM("\"line\":\"18446744073709551616\",\"window\":\"1\",\"connections\":[0,0],"
		     "\"bytes\":[0,0]"),
		ITEM("\"line\":\"1\",\"window\":\"1\",\"connections\":[0],\"bytes\":[0,0]"),
		ITEM("\"line\":\"1\",\"window\":\"1\",\"connections\":[0,-1],\"bytes\":[0,0]"),
		ITEM("\"line\":\"1\",\"window\":\"1\",\"connections\":[0,0]"),
		ITEM("\"line\":\"1\",\"window\":\"1\",\"connections\":[0,0],\"bytes\":[0,0],"
		     "\"port\":65536"),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct usage_list list = {.n = 77};
		struct fault f = {0};

		if (usage_parse(cases[i], strlen(cases[i]), &list, &f) != -EBADMSG)
			fail_msg("not refused: %s", cases[i]);
		assert_true(f.text[0]);
		assert_int_equal(list.n, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_saturates),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
