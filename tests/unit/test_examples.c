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

#include "jws.h"
#include "license.h"
#include "lifecycle.h"
#include "policy.h"
#include "token.h"

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
	if (!p->n_gates && !policy_has_pods(p))
		fail_msg("%s names no gate and no pod, so it does nothing in policies.d", path);
	if (!strstr(path, p->name))
		fail_msg("%s: its name is \"%s\"", path, p->name);
	policy_free(p);
}

/* A license or list of the vendor that the world trusts. */
static struct license *read_claims(struct world *w, const char *path)
{
	struct license *lic = NULL;
	struct rejection why = {0};
	char *token;

	text[read_file(path)] = '\0';
	w->check.audience = "acme-prod";
	w->check.skip_bind = true;
	token = sign_as(&w->key, JWS_TYP_LICENSE, text);
	if (license_read(&w->check, token, strlen(token), &lic, &why))
		fail_msg("%s: %s: %s", path, license_reason_word(why.reason), why.detail);
	free(token);
	return lic;
}

static void check_list(const char *path)
{
	struct world w;
	struct revocations *r;
	struct rejection why = {0};
	char *token;

	world_setup(&w);
	text[read_file(path)] = '\0';
	token = sign_as(&w.key, JWS_TYP_REVOCATION, text);
	assert_int_equal(revocations_new(&r), 0);
	if (revocations_add(r, &w.check, token, strlen(token), &why))
		fail_msg("%s: %s: %s", path, license_reason_word(why.reason), why.detail);
	revocations_free(r);
	free(token);
	world_teardown(&w);
}

static void check_suffix(const char *path)
{
	if (!strstr(path, ".claims.json") && !strstr(path, ".policy.json") &&
	    !strstr(path, ".revocations.json"))
		fail_msg("%s is neither claims, a policy nor a revocation list", path);
}

/* The upgrade replaces the basic tier and takes nothing from it; the add-on stands beside all. */
static void test_tiers(void **state)
{
	struct world w;
	struct license *licenses[3];
	struct license_view views[3] = {{0}};

	world_setup(&w);
	licenses[0] = read_claims(&w, "policies/tier-basic.claims.json");
	licenses[1] = read_claims(&w, "policies/tier-pro.claims.json");
	licenses[2] = read_claims(&w, "policies/add-on.claims.json");
	for (size_t i = 0; i < 3; i++)
		views[i].lic = licenses[i];
	lifecycle_judge(views, 3, NULL, NOW);
	assert_int_equal(views[0].state, STATE_SUPERSEDED);
	assert_int_equal(views[1].state, STATE_ACTIVE);
	assert_int_equal(views[2].state, STATE_ACTIVE);
	assert_int_equal(licenses[1]->ports[0].port, licenses[0]->ports[0].port);
	assert_int_equal(licenses[1]->n_features, 3);
	for (size_t i = 0; i < 3; i++)
		license_free(licenses[i]);
	world_teardown(&w);
}

static void test_limits(void **state)
{
	struct world w;
	struct license *lic;

	world_setup(&w);
	lic = read_claims(&w, "policies/usage.claims.json");
	assert_false(lic->quota.block);
	assert_int_equal(lic->quota.window_s, 30 * 86400);
	assert_int_equal(lic->lapse, PLIC_REPORT);
	license_free(lic);
	lic = read_claims(&w, "policies/seats.claims.json");
	assert_int_equal(lic->seats, 25);
	assert_int_equal(lic->ports[1].seats, 2);
	license_free(lic);
	lic = read_claims(&w, "policies/air-gapped.claims.json");
	assert_int_equal(lic->rl_max_age_s, 180 * 86400);
	assert_int_equal(lic->grace_s, 90 * 86400);
	license_free(lic);
	world_teardown(&w);
}

/* What its words in policies/README.md say. */
static void test_kubernetes(void **state)
{
	struct label label = {(char *)"app.kubernetes.io/part-of", (char *)"acme"};
	struct labels labels = {&label, 1}, none = {0};
	struct policy_subject subject = {
		.gate = "shop-eu.web-1.0", .namespace = "shop-eu", .labels = &labels};
	struct policy *p = NULL;
	struct fault f = {0};

	if (policy_parse("k", text, read_file("policies/kubernetes.policy.json"), NULL, &p, &f))
		fail_msg("%s", f.text);
	assert_true(policy_matches(p, &subject));
	subject.labels = &none;
	assert_false(policy_matches(p, &subject));
	subject =
		(struct policy_subject){.gate = "acme-1", .namespace = "other", .labels = &labels};
	assert_false(policy_matches(p, &subject));
	assert_true(policy_matches(p, &(struct policy_subject){.gate = "acme-1"}));
	assert_true(p->probes);
	assert_int_equal(p->mode, PLIC_AUDIT_MODE);
	assert_int_equal(p->ports[0].from.n_pods, 2);
	assert_int_not_equal(from_set_id(&p->ports[0].from, "shop"),
			     from_set_id(&p->ports[0].from, "shop-eu"));
	policy_free(p);
}

static void test_lists(void **state)
{
	each_file("policies/*.revocations.json", 1, check_list);
}

static void test_claims(void **state)
{
	each_file("policies/*.claims.json", 11, check_claims);
}

static void test_policies(void **state)
{
	each_file("policies/*.policy.json", 6, check_policy);
}

static void test_nothing_else(void **state)
{
	each_file("policies/*.json", 18, check_suffix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),	     cmocka_unit_test(test_policies),
		cmocka_unit_test(test_kubernetes),   cmocka_unit_test(test_lists),
		cmocka_unit_test(test_tiers),	     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
