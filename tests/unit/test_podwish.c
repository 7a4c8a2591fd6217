/* SPDX-License-Identifier: MIT */
/* test_podwish.c - annotations: what selects, which mode holds, and that no pod loosens its own gate. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "podwish.h"

/* text: an object, NULL: no annotations. */
static struct labels annotations(const char *text)
{
	struct labels out = {0};
	cJSON *object = NULL;
	struct fault f = {0};

	if (!text)
		return out;
	assert_int_equal(json_parse_object("test", text, strlen(text), &object, &f), 0);
	assert_int_equal(labels_read(object, &out, &f), 0);
	cJSON_Delete(object);
	return out;
}

#define MODE(word) "{\"portlic.dev/mode\":\"" word "\"}"
#define POLICY "{\"portlic.dev/policy\":\"web\"}"

static void test_asks(void **state)
{
	static const struct {
		const char *pod, *namespace;
		bool system, asks;
	} cases[] = {
		{NULL, NULL, false, false},
		{"{\"portlic.dev/other\":\"enforce\"}", NULL, false, false},
		{MODE("enforce"), NULL, false, true},
		{MODE("audit"), NULL, false, true},
		{MODE("off"), NULL, false, false},
		{NULL, MODE("enforce"), false, true},
		{NULL, MODE("audit"), false, true},
		{NULL, MODE("off"), false, false},
		{MODE("off"), MODE("audit"), false, true},
		{POLICY, NULL, false, true},
		{NULL, POLICY, false, true},
		{MODE("loose"), NULL, false, true},
		{NULL, MODE(""), false, true},
		{MODE("enforce"), MODE("enforce"), true, false},
		{POLICY, POLICY, true, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct labels pod = annotations(cases[i].pod);
		struct labels namespace = annotations(cases[i].namespace);
		struct pod_wish wish;

		pod_wish_read(&pod, &namespace, cases[i].system, &wish);
		if (wish.asks != cases[i].asks)
			fail_msg("case %zu", i);
		labels_free(&pod);
		labels_free(&namespace);
	}
}

/* What holds for each pair of annotations ("-": none) under a policy of each mode, or none. */
static void test_mode(void **state)
{
	static const char *const words[] = {"enforce", "audit", "off"};
	static const struct {
		const char *pod, *namespace;
		const char *with[3]; /* policy: enforce, audit, off */
		const char *without; /* any */
	} cases[] = {
		{NULL, NULL, {"enforce", "audit", "off"}, "enforce"},
		{MODE("enforce"), NULL, {"enforce", "enforce", "enforce"}, "enforce"},
		{MODE("audit"), NULL, {"enforce", "audit", "audit"}, "audit"},
		{MODE("off"), NULL, {"enforce", "audit", "off"}, "off"},
		{NULL, MODE("enforce"), {"enforce", "enforce", "enforce"}, "enforce"},
		{NULL, MODE("audit"), {"audit", "audit", "audit"}, "audit"},
		{NULL, MODE("off"), {"off", "off", "off"}, "off"},
		{MODE("off"), MODE("enforce"), {"enforce", "enforce", "enforce"}, "enforce"},
		{MODE("audit"), MODE("enforce"), {"enforce", "enforce", "enforce"}, "enforce"},
		{MODE("audit"), MODE("off"), {"audit", "audit", "audit"}, "audit"},
		{MODE("enforce"), MODE("off"), {"enforce", "enforce", "enforce"}, "enforce"},
		{MODE("what"), MODE("off"), {"enforce", "enforce", "enforce"}, "enforce"},
		{NULL, MODE("what"), {"enforce", "enforce", "enforce"}, "enforce"},
		/* A policy that isn't there, named by its annotation. */
		{POLICY, NULL, {"enforce", "audit", "off"}, "enforce"},
		{"{\"portlic.dev/policy\":\"no\",\"portlic.dev/mode\":\"audit\"}",
		 NULL,
		 {"enforce", "audit", "audit"},
		 "enforce"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct labels pod = annotations(cases[i].pod);
		struct labels namespace = annotations(cases[i].namespace);
		struct pod_wish wish;

		pod_wish_read(&pod, &namespace, false, &wish);
		for (int mode = PLIC_ENFORCE; mode <= PLIC_OFF; mode++) {
			struct policy policy = {.mode = mode};
			int got = pod_wish_mode(&wish, &policy);

			if (strcmp(words[got], cases[i].with[mode]) != 0)
				fail_msg("case %zu, policy %s: %s", i, words[mode], words[got]);
		}
		if (strcmp(words[pod_wish_mode(&wish, NULL)], cases[i].without) != 0)
			fail_msg("case %zu, no policy: %s", i, words[pod_wish_mode(&wish, NULL)]);
		labels_free(&pod);
		labels_free(&namespace);
	}
}

/* Whose choice of a policy counts. */
static void test_policy(void **state)
{
	static const struct {
		const char *pod, *namespace, *wanted;
	} cases[] = {
		{NULL, NULL, NULL},
		{POLICY, NULL, "web"},
		{NULL, POLICY, "web"},
		{"{\"portlic.dev/policy\":\"lab\"}", POLICY, "web"},
		{POLICY, MODE("off"), "web"},
		{POLICY, MODE("enforce"), NULL},
		{POLICY, MODE("audit"), NULL},
		{POLICY, MODE("what"), NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct labels pod = annotations(cases[i].pod);
		struct labels namespace = annotations(cases[i].namespace);
		struct pod_wish wish;
		const char *got;

		pod_wish_read(&pod, &namespace, false, &wish);
		got = pod_wish_policy(&wish);
		if (!got != !cases[i].wanted || (got && strcmp(got, cases[i].wanted) != 0))
			fail_msg("case %zu: %s", i, got ? got : "none");
		labels_free(&pod);
		labels_free(&namespace);
	}
}

static void test_system(void **state)
{
	struct labels both = annotations(MODE("off"));
	struct policy policy = {.mode = PLIC_ENFORCE};
	struct pod_wish wish;

	pod_wish_read(&both, &both, true, &wish);
	assert_int_equal(pod_wish_mode(&wish, &policy), PLIC_ENFORCE);
	labels_free(&both);
}

static void test_bad(void **state)
{
	struct labels good = annotations(MODE("audit")), bad = annotations(MODE("Enforced"));
	struct pod_wish wish;

	pod_wish_read(&good, &good, false, &wish);
	assert_string_equal(wish.bad.text, "");
	assert_string_equal(wish.namespace_bad.text, "");
	pod_wish_read(&bad, &good, false, &wish);
	assert_string_equal(wish.bad.text,
			    "the annotation portlic.dev/mode is \"Enforced\", which counts as "
			    "\"enforce\": write enforce, audit or off");
	assert_string_equal(wish.namespace_bad.text, "");
	pod_wish_read(NULL, &bad, false, &wish);
	assert_string_equal(wish.bad.text, "");
	assert_non_null(strstr(wish.namespace_bad.text, "\"Enforced\""));
	labels_free(&good);
	labels_free(&bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asks),   cmocka_unit_test(test_mode),
		cmocka_unit_test(test_policy), cmocka_unit_test(test_system),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
