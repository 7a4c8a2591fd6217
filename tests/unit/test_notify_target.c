/* SPDX-License-Identifier: MIT */
/* test_notify_target.c - the configuration's `notify`: targets, events, labels, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "notify_target.h"

static int read_text(const char *text, struct notify_targets *out, struct fault *f)
{
	_json_ cJSON *root = NULL;

	assert_int_equal(json_parse_object("test", text, strlen(text), &root, f), 0);
	return notify_targets_read(root, out, f);
}

static void test_exec(void **state)
{
	struct notify_targets targets = {0};
	struct fault f = {0};

	assert_int_equal(
		read_text("{\"notify\":[{\"exec\":[\"/bin/x\",\"\",\"b c\"]}]}", &targets, &f), 0);
	assert_int_equal(targets.n, 1);
	assert_string_equal(targets.list[0].argv[0], "/bin/x");
	assert_string_equal(targets.list[0].argv[1], "");
	assert_string_equal(targets.list[0].argv[2], "b c");
	assert_null(targets.list[0].argv[3]);
	assert_null(targets.list[0].webhook);
	assert_int_equal(targets.list[0].timeout_s, 30);
	assert_int_equal(targets.list[0].tries, 24);
	assert_string_equal(targets.list[0].label, "exec /bin/x");
	notify_targets_free(&targets);
}

/* What may be secret in an address doesn't stand in the label; labels differ. */
static void test_webhooks(void **state)
{
	struct notify_targets targets = {0};
	struct fault f = {0};

	assert_int_equal(
		read_text(
			"{\"notify\":[{\"webhook\":\"https://h.example/secret\",\"ca\":\"/c\","
			"\"token_file\":\"/t\",\"timeout\":7,\"tries\":3},"
			"{\"webhook\":\"https://h.example/other\"},"
			"{\"webhook\":\"https://h.example\"},"
			"{\"webhook\":\"http://[::1]:80/x\"},{\"webhook\":\"http://localhost\"}]}",
			&targets, &f),
		0);
	assert_string_equal(targets.list[0].label, "webhook https://h.example");
	assert_string_equal(targets.list[1].label, "webhook https://h.example #2");
	assert_string_equal(targets.list[2].label, "webhook https://h.example #3");
	assert_string_equal(targets.list[3].label, "webhook http://[::1]:80");
	assert_string_equal(targets.list[0].ca, "/c");
	assert_string_equal(targets.list[0].token_file, "/t");
	assert_int_equal(targets.list[0].timeout_s, 7);
	assert_int_equal(targets.list[0].tries, 3);
	assert_false(targets.list[0].plain_http);
	assert_true(targets.list[3].plain_http);
	notify_targets_free(&targets);
}

static void test_events(void **state)
{
	static const struct {
		size_t target;
		const char *event;
		bool hears;
	} cases[] = {
		{0, "license_state", true},  {0, "pull_rejected", true},
		{0, "clock_suspect", true},  {0, "trial_used", true},
		{0, "trial_", true},	     {0, "trial", false},
		{0, "rescan", false},	     {0, "license_loaded", false},
		{1, "license_loaded", true}, {1, "license", false},
		{1, "ready", true},	     {1, "ready_now", false},
		{1, "clock_suspect", false}, {2, "anything", true},
	};
	struct notify_targets targets = {0};
	struct fault f = {0};

	assert_int_equal(
		read_text("{\"notify\":[{\"exec\":[\"/x\"]},{\"exec\":[\"/x\"],\"events\":"
			  "[\"license_*\",\"ready\"]},{\"exec\":[\"/x\"],\"events\":[\"*\"]}]}",
			  &targets, &f),
		0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			notify_target_hears(&targets.list[cases[i].target], cases[i].event),
			cases[i].hears);
	notify_targets_free(&targets);
}

static const struct {
	const char *members, *says;
} wrong[] = {
	{"", "either \"exec\" or"},
	{"\"exec\":[\"/x\"],\"webhook\":\"https://h/\"", "either \"exec\" or"},
	{"\"exec\":[]", "\"exec\" must be an array"},
	{"\"exec\":\"/x\"", "\"exec\" must be an array"},
	{"\"exec\":[\"x\"]", "absolute path"},
	{"\"exec\":[\"/x\",1]", "\"exec\"[1]"},
	{"\"exec\":[\"/x\"],\"ca\":\"/c\"", "belong to a \"webhook\""},
	{"\"exec\":[\"/x\"],\"token_file\":\"/c\"", "belong to a \"webhook\""},
	{"\"exec\":[\"/x\"],\"tries\":0", "\"tries\" must be"},
	{"\"exec\":[\"/x\"],\"timeout\":601", "\"timeout\" must be"},
	{"\"exec\":[\"/x\"],\"events\":[]", "\"events\" must be"},
	{"\"exec\":[\"/x\"],\"events\":[\"License\"]", "\"events\"[0] must be"},
	{"\"exec\":[\"/x\"],\"events\":[\"a\",\"*b\"]", "\"events\"[1] must be"},
	{"\"exec\":[\"/x\"],\"event\":[\"a\"]", "\"event\" is no key"},
	{"\"webhook\":\"http://h.example/\"", "http:// is for 127.0.0.1"},
	{"\"webhook\":\"http://127.0.0.1@h.example/\"", "\"webhook\" must name HOST"},
	{"\"webhook\":\"ftp://127.0.0.1/\"", "\"webhook\" must begin"},
	{"\"webhook\":\"https://h/\",\"ca\":\"c\"", "\"ca\" must be an absolute path"},
};

static void test_wrong(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct notify_targets targets = {0};
		struct fault f = {0};
		char text[512];

		snprintf(text, sizeof(text), "{\"notify\":[{\"exec\":[\"/z\"]},{%s}]}",
			 wrong[i].members);
		assert_int_not_equal(read_text(text, &targets, &f), 0);
		assert_non_null(strstr(f.text, "\"notify\"[1]: "));
		assert_non_null(strstr(f.text, wrong[i].says));
		assert_null(targets.list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_webhooks),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
