/* SPDX-License-Identifier: MIT */
/* test_examples.c - every file of policies/ is what its name says, so that no example rots. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "license.h"
#include "policy.h"

#define MAX_BYTES 65536

static char text[MAX_BYTES];

static size_t read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t len;

	if (!file)
		fail_msg("%s can't be opened", path);
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	assert_in_range(len, 1, sizeof(text) - 1);
	return len;
}

/* Calls each() for the files that match; there are at least `least`. */
static void each_file(const char *pattern, size_t least, void (*each)(const char *path))
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		fail_msg("no %s; run me in the project's root", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++)
		each(found.gl_pathv[i]);
	assert_true(found.gl_pathc >= least);
	globfree(&found);
}

/* What `portlic license sign` checks, in January 2027. */
static void check_claims(const char *path)
{
	size_t len = read_file(path);
	struct rejection why = {0};

	if (license_check_claims(text, len, 1800000000, &why))
		fail_msg("%s: %s: %s", path, license_reason_word(why.reason), why.detail);
}

static void check_policy(const char *path)
{
	struct policy *p = NULL;
	struct fault f = {0};

	if (policy_parse(path, text, read_file(path), NULL, &p, &f))
		fail_msg("%s", f.text);
	if (!p->n_gates)
		fail_msg("%s names no gate, so it does nothing in policies.d", path);
	if (!strstr(path, p->name))
		fail_msg("%s: its name is \"%s\"", path, p->name);
	policy_free(p);
}

static void check_suffix(const char *path)
{
	if (!strstr(path, ".claims.json") && !strstr(path, ".policy.json"))
		fail_msg("%s is neither claims nor a policy", path);
}

static void test_claims(void **state)
{
	each_file("policies/*.claims.json", 5, check_claims);
}

static void test_policies(void **state)
{
	each_file("policies/*.policy.json", 6, check_policy);
}

static void test_nothing_else(void **state)
{
	each_file("policies/*.json", 11, check_suffix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
