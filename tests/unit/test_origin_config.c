/* SPDX-License-Identifier: MIT */
/* test_origin_config.c - the configuration's `origins`: what is read, what is refused and in which words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "origin_config.h"

static int parse(const char *text, struct origin_config *config, struct fault *f)
{
	_json_ cJSON *root = NULL;

	*config = (struct origin_config){0};
	assert_int_equal(json_parse_object("test", text, strlen(text), &root, f), 0);
	return origin_config_read(root, config, f);
}

static void test_read(void **state)
{
	struct origin_config config;
	struct fault f = {0};

	assert_int_equal(parse("{\"origins\":{\"pod\":[\"10.244.0.0/16\",\"fd00:1::/64\"],"
			       "\"node\":[\"192.0.2.7/32\"],\"runtime\":[\"/opt/engine-*\"]}}",
			       &config, &f),
			 0);
	assert_int_equal(config.n_pods, 2);
	assert_int_equal(config.pods[0].len, 96 + 16);
	assert_int_equal(config.pods[1].len, 64);
	assert_int_equal(config.n_node, 1);
	assert_int_equal(config.node[0].address[15], 7);
	assert_int_equal(config.n_runtimes, 1);
	assert_string_equal(config.runtimes[0], "/opt/engine-*");
	origin_config_free(&config);
}

static void test_none(void **state)
{
	static const char *const texts[] = {"{}", "{\"origins\":null}", "{\"origins\":{}}",
					    "{\"origins\":{\"pod\":[],\"node\":null}}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct origin_config config;
		struct fault f = {0};

		assert_int_equal(parse(texts[i], &config, &f), 0);
		assert_int_equal(config.n_pods + config.n_node + config.n_runtimes, 0);
		origin_config_free(&config);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[][2] = {
		{"{\"origins\":[]}", "\"origins\" must be an object"},
		{"{\"origins\":{\"pods\":[]}}",
		 "\"origins\": \"pods\" is no key of it; the keys are: node pod runtime"},
		{"{\"origins\":{\"pod\":\"10.0.0.0/8\"}}", "\"origins\": \"pod\" must be"},
		{"{\"origins\":{\"pod\":[\"10.0.0.0/8\",\"10.0.0.1/8\"]}}",
		 "\"origins\": \"pod\": \"10.0.0.1/8\" is an address within a network"},
		{"{\"origins\":{\"node\":[\"10.0.0.1\"]}}", "write \"10.0.0.1/32\""},
		{"{\"origins\":{\"runtime\":[\"engine.service\"]}}",
		 "\"runtime\": \"engine.service\" must be the path of a cgroup"},
		{"{\"origins\":{\"runtime\":[7]}}", "\"origins\": \"runtime\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct origin_config config;
		struct fault f = {0};

		assert_int_equal(parse(cases[i][0], &config, &f), -EINVAL);
		if (!strstr(f.text, cases[i][1]))
			fail_msg("%s: \"%s\" isn't in: %s", cases[i][0], cases[i][1], f.text);
		assert_int_equal(config.n_pods + config.n_node + config.n_runtimes, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
