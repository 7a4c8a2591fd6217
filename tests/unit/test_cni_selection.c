/* SPDX-License-Identifier: MIT */
/* test_cni_selection.c - what the agent writes is what the plugin reads, and nothing else is read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cni_selection.h"

static const char whole[] =
	"{\"version\":1,\"gates\":true,\"unknown\":\"asked\",\"globs\":[\"prod-"
	"*\",\"x\"],\"never\":["
	"\"dev\",\"kube-system\"],\"asked\":[\"prod-9\"],\"watched\":[\"prod-8\"],"
	"\"may\":[\"shop\"]}";

static enum cni_selected of(const char *text, const char *namespace)
{
	struct cni_said said;
	struct fault f;

	assert_int_equal(cni_selection_read(text, strlen(text), namespace, &said, &f), 0);
	return said.selected;
}

static void test_read(void **state)
{
	static const struct {
		const char *namespace;
		enum cni_selected selected;
	} cases[] = {
		{"dev", CNI_NEVER},  {"shop", CNI_MAY},	      {"prod-9", CNI_ASKED},
		{"prod-1", CNI_MAY}, {"prod-8", CNI_WATCHED}, {"other", CNI_ASKED},
		{"x", CNI_MAY},	     {"xx", CNI_ASKED},	      {"", CNI_ASKED},
	};
	struct cni_said said;
	struct fault f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(of(whole, cases[i].namespace), cases[i].selected);
	assert_int_equal(cni_selection_read(whole, strlen(whole), NULL, &said, &f), 0);
	assert_true(said.gates);
}

static void test_print(void **state)
{
	struct cni_selection selection = {.gates = true, .unknown = CNI_ASKED};
	char *text;

	assert_int_equal(cni_names_add(&selection.globs, "x"), 0);
	assert_int_equal(cni_names_add(&selection.globs, "prod-*"), 0);
	/* In any order, and what holds anyway isn't listed. */
	assert_int_equal(cni_selection_add(&selection, "kube-system", CNI_NEVER), 0);
	assert_int_equal(cni_selection_add(&selection, "shop", CNI_MAY), 0);
	assert_int_equal(cni_selection_add(&selection, "prod-1", CNI_MAY), 0);
	assert_int_equal(cni_selection_add(&selection, "prod-9", CNI_ASKED), 0);
	assert_int_equal(cni_selection_add(&selection, "prod-8", CNI_WATCHED), 0);
	assert_int_equal(cni_selection_add(&selection, "other", CNI_ASKED), 0);
	assert_int_equal(cni_selection_add(&selection, "dev", CNI_NEVER), 0);
	text = cni_selection_print(&selection);
	assert_string_equal(text, whole);
	free(text);
	cni_selection_free(&selection);
}

static void test_none(void **state)
{
	struct cni_selection selection = {.unknown = CNI_NEVER};
	char *text = cni_selection_print(&selection);
	struct cni_said said;
	struct fault f;

	assert_int_equal(cni_selection_read(text, strlen(text), "any", &said, &f), 0);
	assert_false(said.gates);
	assert_int_equal(said.selected, CNI_NEVER);
	free(text);
}

static void test_many(void **state)
{
	struct cni_selection selection = {.unknown = CNI_MAY};
	char name[16], *text;

	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "ns-%d", i);
		assert_int_equal(cni_selection_add(&selection, name, CNI_ASKED), 0);
	}
	text = cni_selection_print(&selection);
	assert_int_equal(of(text, "ns-0"), CNI_ASKED);
	assert_int_equal(of(text, "ns-19999"), CNI_ASKED);
	assert_int_equal(of(text, "ns-20000"), CNI_MAY);
	cni_selection_free(&selection);
	free(text);
}

static void test_refused(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{"\"version\":1", "\"version\":2", "version"},
		{"\"version\":1,", "", "version"},
		{"\"gates\":true,", "", "gates"},
		{"\"gates\":true", "\"gates\":1", "gates"},
		{"\"unknown\":\"asked\"", "\"unknown\":\"maybe\"", "unknown"},
		{"\"asked\",\"globs\"", "\"asked\",\"new\":1,\"globs\"", "new"},
		{"\"globs\":[\"prod-*\",\"x\"]", "\"globs\":[1]", "globs"},
		{"\"dev\"", "true", "never"},
		{"\"dev\"", "\"\"", "never"},
		{"[\"shop\"]", "{\"shop\":1}", "may"},
		{"\"may\"", "\"asked\"", "twice"},
		{"]}", "]", ""},
	};
	struct cni_said said;
	struct fault f;
	char text[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *at = strstr(whole, cases[i].from);

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - whole), whole, cases[i].to,
			 at + strlen(cases[i].from));
		memset(&f, 0, sizeof(f));
		assert_int_equal(cni_selection_read(text, strlen(text), "shop", &said, &f),
				 -EBADMSG);
		assert_non_null(strstr(f.text, cases[i].says));
	}
	assert_int_equal(cni_selection_read("", 0, "shop", &said, &f), -EBADMSG);
	assert_int_equal(cni_selection_read("[]", 2, "shop", &said, &f), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	cmocka_unit_test(test_print),
		cmocka_unit_test(test_none),	cmocka_unit_test(test_many),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
