/* SPDX-License-Identifier: MIT */
/* test_json.c - the strict check, duplicate names, integers by syntax, typed members. */
#include <errno.h>

#include "token.h"

static int parse_n(const char *text, size_t len, const struct json_limits *limits,
		   struct json_error *err)
{
	cJSON *tree = NULL;
	/* A copy of the exact size: a read past the end is ASan's. */
	char *copy = malloc(len + !len);
	int r;

	memcpy(copy, text, len);
	r = json_parse(copy, len, limits, &tree, err);
	free(copy);
	assert_true(!r == !!tree);
	cJSON_Delete(tree);
	return r;
}

static enum json_error_kind kind_of(const char *text)
{
	struct json_error err = {0};

	return parse_n(text, strlen(text), NULL, &err) ? err.kind : 0;
}

static void accepts(void **state)
{
	static const char *const good[] = {
		"{}",
		" [ ] ",
		"null",
		"\t-0.5e+3\r\n",
		"\"\\ud83d\\ude00\"",
		"\"\xf4\x8f\xbf\xbf\"",
		"[1,true,false,null,\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"]",
		"{\"a\":1,\"A\":2}",
		"[[[[[[[[]]]]]]]]",
		"{\"\":{\"\":0}}",
		"\"\x7f\"",
		"0",
		"-1E-1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (kind_of(good[i]))
			fail_msg("refused: %s", good[i]);
}

static void refuses_bad_text(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"[1,]",
		"{\"a\":1,}",
		"{a:1}",
		"{\"a\" 1}",
		"{1:1}",
		"[1 2]",
		"nul",
		"nullx",
		"True",
		"01",
		"-",
		"+1",
		"1.",
		".5",
		"1e",
		"1e+",
		"0x1",
		"NaN",
		"Infinity",
		"'a'",
		"\"",
		"\"\\x\"",
		"\"\\u12g4\"",
		"\"\\u123\"",
		"\"\n\"",
		"\"\x1f\"",
		"\"\\u0000\"",
		"{\"\\u0000\":1}",
		"\"\\ud800\"",
		"\"\\udc00\"",
		"\"\\ud800\\u0041\"",
		"\"\\ud800x\"",
		"\"\\",
		"\"\\u",
		"\xef\xbb\xbf{}",
		"{} {}",
		"[]x",
		"/**/1",
		"[1]//",
		"\"\x80\"",
		"\"\xc0\xaf\"",
		"\"\xc1\xbf\"",
		"\"\xe0\x80\xaf\"",
		"\"\xed\xa0\x80\"",
		"\"\xf0\x80\x80\xaf\"",
		"\"\xf4\x90\x80\x80\"",
		"\"\xf5\x80\x80\x80\"",
		"\"\xff\"",
		"\"\xc3\"",
		"\"\xe2\x82\"",
		"\"\xf0\x9f\x98\"",
		"\xc2\xa0{}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (kind_of(bad[i]) != JSON_BAD)
			fail_msg("case %zu, not refused as bad: %s", i, bad[i]);
}

static void refuses_nul_bytes(void **state)
{
	struct json_error err;

	assert_int_equal(parse_n("{}\0", 3, NULL, &err), -EBADMSG);
	assert_int_equal(parse_n("\"a\0b\"", 5, NULL, &err), -EBADMSG);
	assert_int_equal(parse_n("[1\0]", 4, NULL, &err), -EBADMSG);
	assert_int_equal(parse_n("\"\\\0\"", 4, NULL, &err), -EBADMSG);
}

static void refuses_duplicate_names(void **state)
{
	assert_int_equal(kind_of("{\"a\":1,\"a\":1}"), JSON_DUPLICATE);
	assert_int_equal(kind_of("{\"exp\":1,\"\\u0065xp\":2}"), JSON_DUPLICATE);
	assert_int_equal(kind_of("[{\"x\":{\"\":1,\"b\":2,\"\":3}}]"), JSON_DUPLICATE);
	assert_int_equal(kind_of("{\"\\u00e9\":1,\"\xc3\xa9\":2}"), JSON_DUPLICATE);
	assert_int_equal(kind_of("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"), JSON_DUPLICATE);
	/* What is bad and double is bad: the grammar comes first. */
	assert_int_equal(kind_of("{\"a\":1,\"a\":1"), JSON_BAD);
}

/* One object with n members whose names differ but for the last, which is `last`. */
static char *wide_object(size_t n, const char *last)
{
	char *text = malloc(n * 16 + 64), *at = text;

	*at++ = '{';
	for (size_t i = 0; i + 1 < n; i++)
		at += sprintf(at, "\"m%zu\":%zu,", i, i);
	sprintf(at, "\"%s\":0}", last);
	return text;
}

static void limits_members(void **state)
{
	const struct json_limits wide = {.max_depth = 8, .max_members = 131072};
	struct json_error err;
	char *text = wide_object(16384, "last");

	assert_int_equal(kind_of(text), 0);
	free(text);
	text = wide_object(16384, "m9");
	assert_int_equal(kind_of(text), JSON_DUPLICATE);
	free(text);
	text = wide_object(16385, "last");
	assert_int_equal(kind_of(text), JSON_BAD);
	free(text);
	text = wide_object(131072, "last");
	assert_int_equal(parse_n(text, strlen(text), &wide, &err), 0);
	free(text);
	text = wide_object(131072, "m70000");
	assert_int_equal(parse_n(text, strlen(text), &wide, &err), -EBADMSG);
	assert_int_equal(err.kind, JSON_DUPLICATE);
	free(text);
}

static void limits_depth(void **state)
{
	char deep[200001];

	assert_int_equal(kind_of("[[[[[[[[1]]]]]]]]"), 0);
	assert_int_equal(kind_of("[[[[[[[[[]]]]]]]]]"), JSON_TOO_DEEP);
	assert_int_equal(kind_of("{\"a\":[{\"a\":[{\"a\":[{\"a\":[{}]}]}]}]}"), JSON_TOO_DEEP);
	assert_int_equal(kind_of("[[],[[[[[[[]]]]]]],[]]"), 0);
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(kind_of(deep), JSON_TOO_DEEP);
}

static cJSON *tree_of(const char *text)
{
	struct json_error err;
	cJSON *tree = NULL;

	assert_int_equal(json_parse(text, strlen(text), NULL, &tree, &err), 0);
	return tree;
}

/* cJSON forgets how a number was written; times and ports depend on it. */
static void integers_by_syntax(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {
		{"0", 0},
		{"1", 1},
		{"9007199254740991", JSON_INT_MAX},
		{"2147483648", 2147483648},
		{"4294967296", 4294967296},
		{"9007199254740992", INT64_MAX},
		{"9223372036854775808", INT64_MAX},
		{"1.0", -1},
		{"1e3", -1},
		{"1E0", -1},
		{"-0", -1},
		{"-1", -1},
		{"0.0", -1},
		{"\"1\"", -1},
		{"true", -1},
		{"null", -1},
		{"[1]", -1},
		{"1000000000000000000000000000000000000000000000000000000000000000000000",
		 INT64_MAX},
		{"0.0000000000000000000000000000000000000000000000000000000000000000001", -1},
		{"1e400", -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256];
		cJSON *tree;

		/* Neighbours of other syntax: a mark that slips by one number shows. */
		snprintf(text, sizeof(text), "{\"a\":[1.5,2],\"v\":%s,\"z\":[3,-4.5]}",
			 cases[i].text);
		tree = tree_of(text);
		if (json_int_value(json_get(tree, "v")) != cases[i].value)
			fail_msg("%s", cases[i].text);
		assert_int_equal(json_int_value(cJSON_GetArrayItem(json_get(tree, "a"), 0)), -1);
		assert_int_equal(json_int_value(cJSON_GetArrayItem(json_get(tree, "a"), 1)), 2);
		assert_int_equal(json_int_value(cJSON_GetArrayItem(json_get(tree, "z"), 0)), 3);
		assert_int_equal(json_int_value(cJSON_GetArrayItem(json_get(tree, "z"), 1)), -1);
		cJSON_Delete(tree);
	}
}

/* cJSON itself reads 63 characters of a number and then fails on the rest. */
static void long_numbers(void **state)
{
	cJSON *tree =
		tree_of("[0.00000000000000000000000000000000000000000000000000000000000000005,7]");

	assert_true(cJSON_GetArrayItem(tree, 0)->valuedouble > 4e-65);
	assert_true(cJSON_GetArrayItem(tree, 0)->valuedouble < 6e-65);
	assert_int_equal(json_int_value(cJSON_GetArrayItem(tree, 1)), 7);
	cJSON_Delete(tree);
}

static void members(void **state)
{
	static const char *const words[] = {"on", "off", NULL};
	cJSON *tree = tree_of(
		"{\"s\":\"text\",\"i\":80,\"b\":true,\"w\":\"off\",\"o\":{},\"l\":[\"x\",\"y\"],"
		"\"n\":null,\"c\":\"a\\u001bb\",\"c1\":\"\\u0085\",\"S\":\"upper\"}");
	struct fault f = {""};
	const char *s = "default";
	const cJSON *node = NULL;
	char **strings = NULL;
	int64_t i = 5;
	size_t n = 0;
	bool b = false;
	int w = -1;

	assert_int_equal(json_string(tree, "absent", 1, 9, &s, &f), 0);
	assert_string_equal(s, "default");
	assert_int_equal(json_string(tree, "s", 1, 4, &s, &f), 0);
	assert_string_equal(s, "text");
	assert_int_equal(json_string(tree, "s", 1, 3, &s, &f), -EINVAL);
	assert_int_equal(json_string(tree, "s", 5, 9, &s, &f), -EINVAL);
	assert_int_equal(json_string(tree, "c", 0, 9, &s, &f), -EINVAL);
	assert_int_equal(json_string(tree, "c1", 0, 9, &s, &f), -EINVAL);
	assert_int_equal(json_string(tree, "n", 0, 9, &s, &f), -EINVAL);
	assert_non_null(strstr(f.text, "\"n\""));
	assert_int_equal(json_int(tree, "i", 1, 80, &i, &f), 0);
	assert_int_equal(i, 80);
	assert_int_equal(json_int(tree, "i", 1, 79, &i, &f), -EINVAL);
	assert_string_equal(f.text, "\"i\" must be an integer from 1 to 79");
	assert_int_equal(json_int(tree, "i", 81, 99, &i, &f), -EINVAL);
	assert_int_equal(json_int(tree, "s", 0, 99, &i, &f), -EINVAL);
	assert_int_equal(json_bool(tree, "b", &b, &f), 0);
	assert_true(b);
	assert_int_equal(json_bool(tree, "i", &b, &f), -EINVAL);
	assert_int_equal(json_word(tree, "w", words, &w, &f), 0);
	assert_int_equal(w, 1);
	assert_int_equal(json_word(tree, "s", words, &w, &f), -EINVAL);
	assert_string_equal(f.text, "\"s\" must be one of \"on\", \"off\"");
	assert_int_equal(json_object(tree, "o", &node, &f), 0);
	assert_non_null(node);
	assert_int_equal(json_object(tree, "l", &node, &f), -EINVAL);
	assert_int_equal(json_array(tree, "l", 3, 9, &node, &f), -EINVAL);
	assert_int_equal(json_strings(tree, "l", 1, 2, 1, 1, &strings, &n, &f), 0);
	assert_int_equal(n, 2);
	assert_string_equal(strings[1], "y");
	json_free_strings(strings, n);
	assert_int_equal(json_strings(tree, "l", 1, 2, 2, 9, &strings, &n, &f), -EINVAL);
	cJSON_Delete(tree);
}

static void unknown_members(void **state)
{
	static const char *const known[] = {"a", "b", NULL};
	cJSON *tree = tree_of("{\"a\":1,\"B\":2}");

	assert_string_equal(json_unknown(tree, known), "B");
	assert_null(json_get(tree, "b"));
	assert_null(json_get(json_get(tree, "a"), "x"));
	cJSON_DeleteItemFromObjectCaseSensitive(tree, "B");
	assert_null(json_unknown(tree, known));
	cJSON_Delete(tree);
}

static void parse_object_names_the_file(void **state)
{
	struct fault f = {""};
	cJSON *tree = NULL;

	assert_int_equal(json_parse_object("file \"x\"", "[]", 2, &tree, &f), -EBADMSG);
	assert_non_null(strstr(f.text, "file \"x\": not a JSON object"));
	assert_int_equal(json_parse_object("file \"x\"", "{", 1, &tree, &f), -EBADMSG);
	assert_non_null(strstr(f.text, "file \"x\""));
	assert_non_null(strstr(f.text, "byte 1"));
}

/* A message quotes what a stranger wrote; a terminal and a JSON writer must survive it. */
static void faults_are_safe_to_print(void **state)
{
	struct fault f;
	char wide[600];

	assert_int_equal(fault_set(&f, EINVAL, "a\nb\x1b[2J \xc2\x85 \xff %s", "\xc3\xa9"),
			 -EINVAL);
	assert_string_equal(f.text, "a?b?[2J ?? ? \xc3\xa9");
	memset(wide, 'x', sizeof(wide));
	memcpy(wide + sizeof(f.text) - 3, "\xe2\x82\xac", 3);
	wide[599] = '\0';
	fault_set(&f, EINVAL, "%s", wide);
	assert_string_equal(f.text + sizeof(f.text) - 4, "x??");
	assert_int_equal(fault_set(NULL, ENOENT, "nobody listens"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(refuses_bad_text),
		cmocka_unit_test(refuses_nul_bytes),
		cmocka_unit_test(refuses_duplicate_names),
		cmocka_unit_test(limits_members),
		cmocka_unit_test(limits_depth),
		cmocka_unit_test(integers_by_syntax),
		cmocka_unit_test(long_numbers),
		cmocka_unit_test(members),
		cmocka_unit_test(unknown_members),
		cmocka_unit_test(parse_object_names_the_file),
		cmocka_unit_test(faults_are_safe_to_print),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
