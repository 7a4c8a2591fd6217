/* SPDX-License-Identifier: MIT */
/* test_policy_match.c - whom a policy is for: gates by name, pods by namespace and labels. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

static struct policy *parse(const char *match)
{
	struct policy *p = NULL;
	struct fault f = {0};
	char *text;

	assert_true(asprintf(&text, "{\"name\":\"x\",\"match\":%s}", match) > 0);
	if (policy_parse("p.json", text, strlen(text), NULL, &p, &f))
		fail_msg("%s: %s", text, f.text);
	free(text);
	return p;
}

static struct labels labels(const char *text)
{
	struct labels out = {0};
	struct fault f = {0};
	_json_ cJSON *object = cJSON_Parse(text);

	if (labels_read(object, &out, &f))
		fail_msg("%s: %s", text, f.text);
	return out;
}

#define WEB "{\"matchLabels\":{\"app\":\"web\"}}"
#define PROD "{\"matchLabels\":{\"env\":\"prod\"}}"

/* A pod; of: its own labels. ns: those of its namespace, NULL: not known. */
struct pod_row {
	const char *match, *namespace, *of, *ns;
	bool by_name_only, matches, may;
};

static const struct pod_row pods[] = {
	{"{\"namespaces\":[\"shop\"]}", "shop", "{}", "{}", false, true, true},
	{"{\"namespaces\":[\"shop\"]}", "shop", "{}", NULL, false, true, true},
	{"{\"namespaces\":[\"shop\"]}", "shop2", "{}", "{}", false, false, false},
	{"{\"namespaces\":[\"a\",\"shop-*\"]}", "shop-eu", "{}", "{}", false, true, true},
	{"{\"namespaces\":[\"*\"]}", "any", "{}", "{}", false, true, true},
	/* gates are for what is no pod's */
	{"{\"gates\":[\"*\"]}", "shop", "{}", "{}", false, false, false},
	{"{\"gates\":[\"*\"],\"namespaces\":[\"a\"]}", "shop", "{}", "{}", false, false, false},
	{"{\"gates\":[\"zzz\"],\"namespaces\":[\"shop\"]}", "shop", "{}", "{}", false, true, true},
	/* labels of the pod */
	{"{\"podSelector\":" WEB "}", "shop", "{\"app\":\"web\"}", NULL, false, true, true},
	{"{\"podSelector\":" WEB "}", "shop", "{\"app\":\"db\"}", "{}", false, false, true},
	{"{\"podSelector\":" WEB "}", "shop", NULL, "{}", false, false, true},
	{"{\"namespaces\":[\"shop\"],\"podSelector\":" WEB "}", "shop", "{\"app\":\"web\"}", "{}",
	 false, true, true},
	{"{\"namespaces\":[\"shop\"],\"podSelector\":" WEB "}", "shop", "{}", "{}", false, false,
	 true},
	{"{\"namespaces\":[\"shop\"],\"podSelector\":" WEB "}", "eu", "{\"app\":\"web\"}", "{}",
	 false, false, false},
	{"{\"namespaces\":[\"shop\"],\"podSelector\":{}}", "shop", "{}", "{}", false, true, true},
	/* labels of the namespace */
	{"{\"namespaceSelector\":" PROD "}", "shop", "{}", "{\"env\":\"prod\"}", false, true, true},
	{"{\"namespaceSelector\":" PROD "}", "shop", "{}", "{\"env\":\"dev\"}", false, false,
	 false},
	{"{\"namespaceSelector\":" PROD "}", "shop", "{}", NULL, false, false, true},
	{"{\"namespaceSelector\":{},\"podSelector\":" WEB "}", "shop", "{\"app\":\"web\"}", "{}",
	 false, true, true},
	{"{\"namespaceSelector\":{},\"podSelector\":" WEB "}", "shop", "{\"app\":\"web\"}", NULL,
	 false, false, true},
	{"{\"namespaceSelector\":" PROD ",\"podSelector\":{}}", "shop", "{}", "{\"env\":\"prod\"}",
	 false, true, true},
	/* one of both is enough */
	{"{\"namespaces\":[\"shop\"],\"namespaceSelector\":" PROD "}", "shop", "{}", "{}", false,
	 true, true},
	{"{\"namespaces\":[\"shop\"],\"namespaceSelector\":" PROD "}", "eu", "{}",
	 "{\"env\":\"prod\"}", false, true, true},
	{"{\"namespaces\":[\"shop\"],\"namespaceSelector\":" PROD "}", "eu", "{}", "{}", false,
	 false, false},
	/* the system's namespaces by their name alone */
	{"{\"namespaces\":[\"kube-system\"]}", "kube-system", "{}", "{}", true, true, true},
	{"{\"namespaces\":[\"kube-*\"]}", "kube-system", "{}", "{}", true, false, false},
	{"{\"namespaces\":[\"*\",\"kube-system\"]}", "kube-system", "{}", "{}", true, true, true},
	{"{\"namespaces\":[\"kube-syste[m]\"]}", "kube-system", "{}", "{}", true, false, false},
	{"{\"namespaces\":[\"kube\\\\-system\"]}", "kube-system", "{}", "{}", true, false, false},
	{"{\"podSelector\":" WEB "}", "kube-system", "{\"app\":\"web\"}", "{}", true, false, false},
	{"{\"namespaceSelector\":" PROD "}", "kube-system", "{}", "{\"env\":\"prod\"}", true, false,
	 false},
	{"{\"namespaces\":[\"kube-system\"],\"podSelector\":" WEB "}", "kube-system",
	 "{\"app\":\"web\"}", "{}", true, true, true},
	{"{\"namespaces\":[\"kube-system\"],\"podSelector\":" WEB "}", "kube-system", "{}", "{}",
	 true, false, true},
};

static void test_pods(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++) {
		const struct pod_row *row = &pods[i];
		struct policy *p = parse(row->match);
		struct labels of = {0}, ns = {0};
		struct policy_subject subject = {.gate = "shop.web.12345678",
						 .namespace = row->namespace,
						 .by_name_only = row->by_name_only};

		if (row->of)
			of = labels(row->of);
		if (row->ns)
			ns = labels(row->ns);
		subject.labels = row->of ? &of : NULL;
		subject.namespace_labels = row->ns ? &ns : NULL;
		if (policy_matches(p, &subject) != row->matches)
			fail_msg("row %zu, %s: matches is not %d", i, row->match, row->matches);
		if (policy_may_match(p, row->namespace, subject.namespace_labels,
				     row->by_name_only) != row->may)
			fail_msg("row %zu, %s: may is not %d", i, row->match, row->may);
		labels_free(&of);
		labels_free(&ns);
		policy_free(p);
	}
}

static void test_gates(void **state)
{
	struct policy *p = parse("{\"gates\":[\"shop*\"],\"namespaces\":[\"web\"]}");
	struct policy *of_pods = parse("{\"namespaces\":[\"*\"]}");

	assert_true(policy_matches(p, &(struct policy_subject){.gate = "shop-1"}));
	assert_false(policy_matches(p, &(struct policy_subject){.gate = "web"}));
	assert_false(policy_matches(of_pods, &(struct policy_subject){.gate = "web"}));
	assert_true(policy_has_pods(p));
	assert_true(policy_has_pods(of_pods));
	policy_free(p);
	policy_free(of_pods);
	p = parse("{\"gates\":[\"shop*\"]}");
	assert_false(policy_has_pods(p));
	policy_free(p);
}

static void test_asked(void **state)
{
	struct policy *p = parse("{\"gates\":[\"shop*\"]}");
	struct policy_subject subject = {.gate = "g", .namespace = "shop", .asks = "x"};

	assert_true(policy_asked(p, &subject));
	assert_false(policy_matches(p, &subject));
	subject.asks = "X";
	assert_false(policy_asked(p, &subject));
	subject.asks = "x*";
	assert_false(policy_asked(p, &subject));
	subject.asks = NULL;
	assert_false(policy_asked(p, &subject));
	subject = (struct policy_subject){
		.gate = "g", .namespace = "kube-system", .asks = "x", .by_name_only = true};
	assert_false(policy_asked(p, &subject));
	subject = (struct policy_subject){.gate = "g", .asks = "x"};
	assert_false(policy_asked(p, &subject));
	policy_free(p);
}

#define ALL "an empty selector would gate every pod of the cluster"

static void test_refused(void **state)
{
	static const char *const cases[][2] = {
		{"{}", "\"match\": is empty; name gates or pods"},
		{"{\"podSelector\":{}}", "\"match\": " ALL ": name labels in \"podSelector\""},
		{"{\"podSelector\":{\"matchLabels\":{}}}", ALL},
		{"{\"podSelector\":{\"matchExpressions\":[]}}", ALL},
		{"{\"gates\":[\"a\"],\"podSelector\":{}}", ALL},
		{"{\"namespaceSelector\":{}}", ALL ": name labels in \"namespaceSelector\""},
		{"{\"namespaceSelector\":{},\"podSelector\":{}}", ALL},
		{"{\"namespaces\":[\"a\"],\"namespaceSelector\":{}}", ALL},
		{"{\"namespaces\":[]}", "\"match\": \"namespaces\" must be an array of 1 to 256"},
		{"{\"namespaces\":\"a\"}", "\"namespaces\" must be an array"},
		{"{\"namespaces\":[7]}", "\"namespaces\"[0] must be a string"},
		{"{\"namespace\":[\"a\"]}", "unknown member \"namespace\""},
		{"{\"podSelector\":null}", "\"podSelector\": must be an object"},
		{"{\"podSelector\":{\"app\":\"web\"}}", "\"podSelector\": \"app\" is no key of it"},
		{"{\"namespaceSelector\":{\"matchLabels\":{\"a\":\"b c\"}}}",
		 "\"namespaceSelector\": \"matchLabels\": \"a\": \"b c\" is no value"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy *p = (void *)&p;
		struct fault f = {0};
		char text[256];

		snprintf(text, sizeof(text), "{\"name\":\"x\",\"match\":%s}", cases[i][0]);
		if (policy_parse("p.json", text, strlen(text), NULL, &p, &f) != -EBADMSG)
			fail_msg("not refused: %s", text);
		assert_ptr_equal(p, &p);
		if (!strstr(f.text, cases[i][1]))
			fail_msg("%s\n  says: %s\n  wanted: %s", text, f.text, cases[i][1]);
	}
}

static void test_probes(void **state)
{
	static const char off[] = "{\"name\":\"a\",\"probes\":false}";
	struct policy *p = parse("{\"gates\":[\"a\"]}");

	assert_true(p->probes);
	policy_free(p);
	assert_int_equal(policy_parse("p.json", off, strlen(off), NULL, &p, NULL), 0);
	assert_false(p->probes);
	policy_free(p);
}

/* As deep as a file gets: the values of a selector of a "from". */
static void test_deepest(void **state)
{
	struct policy *p =
		parse("{\"podSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\","
		      "\"values\":[\"b\"]}]}}");

	assert_int_equal(p->pod_selector->n_terms, 1);
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pods),   cmocka_unit_test(test_gates),
		cmocka_unit_test(test_asked),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_probes), cmocka_unit_test(test_deepest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
