/* SPDX-License-Identifier: MIT */
/* test_selector.c - labels and selectors: what is read, what matches, and the words of what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "selector.h"

static cJSON *tree(const char *text)
{
	cJSON *out = NULL;
	struct json_error err;

	if (json_parse(text, strlen(text), NULL, &out, &err))
		fail_msg("%s: %s", text, err.text);
	return out;
}

static struct labels labels(const char *text)
{
	_json_ cJSON *object = tree(text);
	struct labels out = {0};
	struct fault f = {0};

	if (labels_read(object, &out, &f))
		fail_msg("%s: %s", text, f.text);
	return out;
}

static struct selector selector(const char *text)
{
	_json_ cJSON *object = tree(text);
	struct selector out = {0};
	struct fault f = {0};

	if (selector_parse(object, &out, &f))
		fail_msg("%s: %s", text, f.text);
	return out;
}

static void test_labels(void **state)
{
	struct labels a = labels("{\"tier\":\"\",\"app\":\"web\",\"x/y\":\"1\"}"), b, c;
	_json_ cJSON *again = labels_json(&a);

	assert_int_equal(a.n, 3);
	assert_string_equal(labels_get(&a, "app"), "web");
	assert_string_equal(labels_get(&a, "tier"), "");
	assert_string_equal(labels_get(&a, "x/y"), "1");
	assert_null(labels_get(&a, "ap"));
	assert_null(labels_get(&a, "appx"));
	assert_int_equal(labels_copy(&a, &b), 0);
	assert_true(labels_equal(&a, &b));
	assert_int_equal(labels_read(again, &c, NULL), 0);
	assert_true(labels_equal(&a, &c));
	labels_free(&c);
	c = labels("{\"tier\":\"\",\"app\":\"web\",\"x/y\":\"2\"}");
	assert_false(labels_equal(&a, &c));
	labels_free(&a);
	assert_int_equal(a.n, 0);
	assert_null(labels_get(&a, "app"));
	labels_free(&b);
	labels_free(&c);
}

static void test_no_labels(void **state)
{
	_json_ cJSON *null = cJSON_CreateNull();
	struct labels none, empty = labels("{}"), copy;

	assert_int_equal(labels_read(NULL, &none, NULL), 0);
	assert_int_equal(none.n, 0);
	assert_int_equal(labels_read(null, &none, NULL), 0);
	assert_true(labels_equal(&none, &empty));
	assert_int_equal(labels_copy(&none, &copy), 0);
	assert_int_equal(copy.n, 0);
	labels_free(&none);
	labels_free(&empty);
	labels_free(&copy);
}

static void test_bad_labels(void **state)
{
	static const char *const bad[] = {"[]",	       "\"a\"",	       "7",
					  "{\"a\":1}", "{\"a\":null}", "{\"b\":\"x\",\"a\":{}}"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_json_ cJSON *object = tree(bad[i]);
		struct labels out = {.n = 99};
		struct fault f = {0};

		if (labels_read(object, &out, &f) != -EINVAL || !f.text[0] || out.n != 99)
			fail_msg("%s: %s", bad[i], f.text);
	}
}

/* A parser that isn't strict would let one stand twice: which of them counts is nobody's guess. */
static void test_doubled_label(void **state)
{
	_json_ cJSON *object = cJSON_Parse("{\"a\":\"1\",\"b\":\"2\",\"a\":\"3\"}");
	struct labels out;
	struct fault f = {0};

	assert_int_equal(labels_read(object, &out, &f), -EINVAL);
	assert_non_null(strstr(f.text, "\"a\" stands twice"));
}

#define IN(key, values) EXPRESSION(key, "In", values)
#define EXPRESSION(key, op, values)                                                                \
	"{\"matchExpressions\":[{\"key\":\"" key "\",\"operator\":\"" op "\"" values "}]}"
#define VALUES(list) ",\"values\":[" list "]"

static void test_matches(void **state)
{
	static const struct {
		const char *selector, *labels;
		bool match;
	} rows[] = {
		{"{}", "{}", true},
		{"{}", "{\"a\":\"b\"}", true},
		{"{\"matchLabels\":null,\"matchExpressions\":null}", "{}", true},
		{"{\"matchLabels\":{\"app\":\"web\"}}", "{\"app\":\"web\",\"x\":\"y\"}", true},
		{"{\"matchLabels\":{\"app\":\"web\"}}", "{\"app\":\"Web\"}", false},
		{"{\"matchLabels\":{\"app\":\"web\"}}", "{\"app\":\"web2\"}", false},
		{"{\"matchLabels\":{\"app\":\"web\"}}", "{}", false},
		{"{\"matchLabels\":{\"app\":\"\"}}", "{}", false},
		{"{\"matchLabels\":{\"app\":\"\"}}", "{\"app\":\"\"}", true},
		{"{\"matchLabels\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"a\":\"1\"}", false},
		{"{\"matchLabels\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"a\":\"1\",\"b\":\"2\"}", true},
		{IN("a", VALUES("\"1\",\"2\"")), "{\"a\":\"2\"}", true},
		{IN("a", VALUES("\"1\",\"2\"")), "{\"a\":\"3\"}", false},
		{IN("a", VALUES("\"1\",\"2\"")), "{\"b\":\"1\"}", false},
		{EXPRESSION("a", "NotIn", VALUES("\"1\",\"2\"")), "{\"a\":\"2\"}", false},
		{EXPRESSION("a", "NotIn", VALUES("\"1\",\"2\"")), "{\"a\":\"3\"}", true},
		{EXPRESSION("a", "NotIn", VALUES("\"1\",\"2\"")), "{}", true},
		{EXPRESSION("a", "Exists", ""), "{\"a\":\"\"}", true},
		{EXPRESSION("a", "Exists", VALUES("")), "{\"b\":\"\"}", false},
		{EXPRESSION("a", "DoesNotExist", ",\"values\":null"), "{\"a\":\"\"}", false},
		{EXPRESSION("a", "DoesNotExist", ""), "{}", true},
		{"{\"matchLabels\":{\"a\":\"1\"},\"matchExpressions\":"
		 "[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"1\"]}]}",
		 "{\"a\":\"1\"}", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct selector s = selector(rows[i].selector), copy;
		struct labels l = labels(rows[i].labels);

		assert_int_equal(selector_copy(&s, &copy), 0);
		if (selector_matches(&s, &l) != rows[i].match ||
		    selector_matches(&copy, &l) != rows[i].match)
			fail_msg("%s over %s", rows[i].selector, rows[i].labels);
		selector_free(&s);
		selector_free(&copy);
		labels_free(&l);
	}
}

static void is_text(const char *json, const char *wanted)
{
	struct selector s = selector(json);
	char *text = selector_text(&s);

	assert_string_equal(text, wanted);
	free(text);
	selector_free(&s);
}

static void test_text(void **state)
{
	is_text("{}", "");
	is_text("{\"matchLabels\":{\"b\":\"2\",\"a/x\":\"\"}}", "a/x in (),b in (2)");
	is_text(IN("a", VALUES("\"c\",\"b\",\"c\"")), "a in (b,c)");
	is_text(EXPRESSION("a", "NotIn", VALUES("\"c\",\"b\"")), "a notin (b,c)");
	is_text("{\"matchExpressions\":[{\"key\":\"d\",\"operator\":\"DoesNotExist\"},"
		"{\"key\":\"a\",\"operator\":\"Exists\"},{\"key\":\"a\",\"operator\":\"In\","
		"\"values\":[\"b\",\"c\"]}]}",
		"a in (b,c),a,!d");
	/* the same for equal ones, however they were written */
	is_text("{\"matchLabels\":{\"a\":\"b\"},\"matchExpressions\":[{\"key\":\"a\",\"operator\":"
		"\"In\",\"values\":[\"b\"]},{\"key\":\"a\",\"operator\":\"In\",\"values\":"
		"[\"a\",\"b\"]}]}",
		"a in (a,b),a in (b)");
}

#define C16 "0123456789abcdef"
#define C64 C16 C16 C16 C16

static void test_refused(void **state)
{
	static const char *const cases[][2] = {
		{"null", "must be an object, for example"},
		{"[]", "must be an object"},
		{"{\"matchlabels\":{}}",
		 "\"matchlabels\" is no key of it; the keys are: matchLabels"},
		{"{\"app\":\"web\"}", "\"app\" is no key of it"},
		{"{\"matchLabels\":[]}", "\"matchLabels\" must be an object"},
		{"{\"matchLabels\":{\"app\":1}}", "\"matchLabels\": \"app\": \"?\" is no value"},
		{"{\"matchLabels\":{\"app\":\"a b\"}}", "\"a b\" is no value of a label"},
		{"{\"matchLabels\":{\"app\":\"-a\"}}", "is no value"},
		{"{\"matchLabels\":{\"app\":\"a.\"}}", "is no value"},
		{"{\"matchLabels\":{\"app\":\"" C64 "\"}}", "is no value"},
		{"{\"matchLabels\":{\"\":\"a\"}}", "\"\" is no key of a label"},
		{"{\"matchLabels\":{\"-a\":\"a\"}}", "is no key of a label"},
		{"{\"matchLabels\":{\"a,b\":\"a\"}}", "is no key of a label"},
		{"{\"matchLabels\":{\"/a\":\"a\"}}", "is no key of a label"},
		{"{\"matchLabels\":{\"a/\":\"a\"}}", "is no key of a label"},
		{"{\"matchLabels\":{\"a/b/c\":\"a\"}}", "is no key of a label"},
		{"{\"matchLabels\":{\"A/b\":\"a\"}}", "is no key of a label"},
		{"{\"matchLabels\":{\"a..b/c\":\"a\"}}", "is no key of a label"},
		{"{\"matchLabels\":{\"a_b/c\":\"a\"}}", "is no key of a label"},
		{"{\"matchLabels\":{\"" C64 "\":\"a\"}}", "is no key of a label"},
		{"{\"matchExpressions\":{}}", "\"matchExpressions\" must be an array"},
		{"{\"matchExpressions\":[7]}", "\"matchExpressions\"[0]: must be an object"},
		{"{\"matchExpressions\":[{}]}", "\"matchExpressions\"[0]: \"key\" is missing"},
		{"{\"matchExpressions\":[{\"key\":\"a\"}]}", "\"operator\" is missing"},
		{EXPRESSION("a", "in", VALUES("\"1\"")), "\"operator\" must be one of \"In\", "},
		{EXPRESSION("a", "Gt", VALUES("\"1\"")), "\"operator\" must be one of"},
		{EXPRESSION("a b", "Exists", ""), "is no key of a label"},
		{IN("a", ""), "\"In\" needs \"values\""},
		{IN("a", VALUES("")), "\"In\" needs \"values\""},
		{IN("a", ",\"values\":\"b\""), "\"values\" must be an array"},
		{IN("a", VALUES("7")), "\"values\": \"?\" is no value"},
		{IN("a", VALUES("\"b\",\"c,d\"")), "\"values\": \"c,d\" is no value"},
		{IN("a", VALUES("\"b\"") ",\"value\":1"), "\"value\" is no key of it"},
		{EXPRESSION("a", "NotIn", ""), "\"NotIn\" needs \"values\""},
		{EXPRESSION("a", "Exists", VALUES("\"b\"")), "\"Exists\" has no \"values\""},
		{EXPRESSION("a", "DoesNotExist", VALUES("\"b\"")), "has no \"values\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ cJSON *object = tree(cases[i][0]);
		struct selector out = {.n_terms = 99};
		struct fault f = {0};

		if (selector_parse(object, &out, &f) != -EINVAL || out.n_terms != 99)
			fail_msg("not refused: %s", cases[i][0]);
		if (!strstr(f.text, cases[i][1]))
			fail_msg("%s\n  says: %s\n  wanted: %s", cases[i][0], f.text, cases[i][1]);
	}
}

static void test_longest(void **state)
{
	struct selector s = selector("{\"matchLabels\":{\"a.b-c.d/A_b.C-d\":\"" C16 C16 C16
				     "0123456789abcde\",\"z\":\"Z\"}}");

	assert_int_equal(s.n_terms, 2);
	selector_free(&s);
}

static void test_too_many(void **state)
{
	_json_ cJSON *object = cJSON_CreateObject(), *more = cJSON_CreateObject();
	cJSON *list = cJSON_AddObjectToObject(object, "matchLabels");
	cJSON *array = cJSON_AddArrayToObject(more, "matchExpressions"), *values;
	struct selector out = {0};
	struct fault f = {0};
	char key[16];

	for (int i = 0; i < 64; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		cJSON_AddStringToObject(list, key, "v");
	}
	assert_int_equal(selector_parse(object, &out, &f), 0);
	assert_int_equal(out.n_terms, 64);
	selector_free(&out);
	cJSON_AddStringToObject(list, "k64", "v");
	assert_int_equal(selector_parse(object, &out, &f), -EINVAL);
	assert_non_null(strstr(f.text, "65 terms, at most 64"));
	list = cJSON_CreateObject();
	cJSON_AddItemToArray(array, list);
	cJSON_AddStringToObject(list, "key", "a");
	cJSON_AddStringToObject(list, "operator", "In");
	values = cJSON_AddArrayToObject(list, "values");
	for (int i = 0; i < 257; i++)
		cJSON_AddItemToArray(values, cJSON_CreateString("v"));
	assert_int_equal(selector_parse(more, &out, &f), -EINVAL);
	assert_non_null(strstr(f.text, "from 1 to 256 of them"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),	   cmocka_unit_test(test_no_labels),
		cmocka_unit_test(test_bad_labels), cmocka_unit_test(test_doubled_label),
		cmocka_unit_test(test_matches),	   cmocka_unit_test(test_text),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_longest),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
