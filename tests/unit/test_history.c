/* SPDX-License-Identifier: MIT */
/* test_history.c - the text of a history and back; what is no history is refused by name. */
#include <errno.h>

#include "history.h"
#include "token.h"

#define HASH "00000000000000000000000000000000000000000000000000000000000000ff"

static struct history read_text(const char *text)
{
	struct history h = {0};
	struct fault f = {0};

	if (history_parse("\"s\"", text, strlen(text), &h, &f))
		fail_msg("%s", f.text);
	return h;
}

static void round_trip(void **state)
{
	struct license lic = {.iss = "i\"ss",
			      .lid = "l\xc3\xa9",
			      .jti = "j",
			      .seq = JSON_INT_MAX,
			      .iat = LICENSE_TIME_MAX,
			      .sha256 = {1, 2, 3}};
	struct announced *said = calloc(3, sizeof(*said));
	struct history h = {.boot = "b-1", .reset = {.count = 2, .before = 10, .after = 20}}, again;
	char *text, *twice;

	h.clock.anchor = (struct moment){NOW, 123456789012345678};
	h.clock.mark = (struct moment){NOW - 5, 999999999};
	h.clock.suspect = true;
	assert_int_equal(lines_add(&h.lines, &lic, NOW), 0);
	said[0] = (struct announced){
		.sha256 = {9}, .state = STATE_ACTIVE, .warn = true, .reminder = {NOW, NOW - 3600}};
	said[1] = (struct announced){.sha256 = {3}, .state = STATE_REJECTED, .reason = "bad_json"};
	said[2] = (struct announced){.sha256 = {9}, .state = STATE_GRACE, .equivocation = true};
	history_announce(&h, said, 3);
	assert_int_equal(h.n_announced, 2);
	text = history_print(&h);
	again = read_text(text);
	twice = history_print(&again);
	assert_string_equal(text, twice);
	assert_string_equal(again.boot, "b-1");
	assert_memory_equal(&again.clock.anchor, &h.clock.anchor, sizeof(h.clock.anchor));
	assert_memory_equal(&again.clock.mark, &h.clock.mark, sizeof(h.clock.mark));
	assert_true(again.clock.suspect);
	assert_memory_equal(&again.reset, &h.reset, sizeof(h.reset));
	assert_int_equal(again.lines.n, 1);
	assert_string_equal(again.lines.list[0].lic.lid, lic.lid);
	assert_int_equal(again.lines.list[0].lic.seq, JSON_INT_MAX);
	assert_int_equal(again.lines.list[0].used, NOW);
	assert_string_equal(history_announced(&again, (uint8_t[32]){3})->reason, "bad_json");
	assert_true(history_announced(&again, (uint8_t[32]){9}));
	assert_null(history_announced(&again, (uint8_t[32]){1}));
	free(text);
	free(twice);
	history_free(&h);
	history_free(&again);
}

static void empty(void **state)
{
	struct history h = {0}, again;
	char *text;

	h.clock.mark.second = EFFECTIVE_UNKNOWN;
	text = history_print(&h);
	again = read_text(text);
	assert_string_equal(again.boot, "");
	assert_int_equal(again.lines.n, 0);
	assert_null(history_announced(&again, (uint8_t[32]){0}));
	free(text);
	history_free(&again);
}

/* A mark that nothing has proven isn't written, nor a clock from before 1970 or beyond 9999. */
static void unknown_times(void **state)
{
	struct history h = {.boot = "b"}, again;
	char *text;

	h.clock.anchor = (struct moment){NOW, 5};
	h.clock.mark.second = EFFECTIVE_UNKNOWN;
	text = history_print(&h);
	again = read_text(text);
	assert_true(again.clock.mark.second == EFFECTIVE_UNKNOWN);
	assert_int_equal(again.clock.anchor.second, NOW);
	free(text);
	history_free(&again);
	h.clock.anchor.second = -1;
	text = history_print(&h);
	again = read_text(text);
	assert_string_equal(again.boot, "");
	free(text);
	history_free(&again);
	h.clock.anchor.second = LICENSE_TIME_MAX + 1;
	text = history_print(&h);
	again = read_text(text);
	assert_string_equal(again.boot, "");
	free(text);
	history_free(&again);
}

#define LISTS(lines, announced) "{\"lines\":[" lines "],\"announced\":[" announced "]}"
#define CLOCK(clock) "{\"clock\":" clock ",\"lines\":[],\"announced\":[]}"
#define LINE(iss, seq, hash)                                                                       \
	"{\"iss\":" iss ",\"lid\":\"l\",\"jti\":\"j\",\"seq\":" seq                                \
	",\"iat\":5,\"nbf\":5,\"sha256\":\"" hash "\",\"used\":1}"
#define ANCHOR "\"anchor\":{\"second\":5,\"boot_s\":0,\"boot_ns\":1}"

static void refused(void **state)
{
	static const struct {
		const char *text, *names;
	} cases[] = {
		{"", "strict JSON"},
		{"{", "strict JSON"},
		{"[]", "not a JSON object"},
		{"{}", "\"lines\" or \"announced\" is missing"},
		{"{\"lines\":[],\"announced\":1}", "\"announced\""},
		{LISTS("1", ""), "\"lines\": \"iss\" is missing"},
		{LISTS(LINE("1", "1", HASH), ""), "\"iss\""},
		{LISTS(LINE("\"i\"", "-1", HASH), ""), "\"seq\""},
		{LISTS(LINE("\"i\"", "1", "zz"), ""), "64 hexadecimal"},
		{LISTS(LINE("\"i\"", "1", HASH) "," LINE("\"i\"", "1", HASH), ""), "twice"},
		{LISTS("", "{\"sha256\":\"" HASH "\"}"), "\"state\" is missing"},
		{LISTS("", "{\"sha256\":\"" HASH "\",\"state\":\"odd\"}"), "\"state\""},
		{LISTS("", "{\"sha256\":\"" HASH "\",\"state\":\"active\",\"warn\":1}"),
		 "\"warn\""},
		{CLOCK("1"), "\"clock\""},
		{CLOCK("{}"), "\"boot\" is missing"},
		{CLOCK("{\"boot\":\"b\"}"), "\"anchor\" is missing"},
		{CLOCK("{\"boot\":\"b\",\"anchor\":{\"second\":5,\"boot_s\":1}}"),
		 "\"boot_ns\" is missing"},
		{CLOCK("{\"boot\":\"b\",\"anchor\":{\"second\":5,\"boot_s\":9223372036,"
		       "\"boot_ns\":1}}"),
		 "\"boot_s\""},
		{CLOCK("{\"boot\":\"b\"," ANCHOR ",\"mark\":{}}"), "\"mark\""},
		{CLOCK("{\"boot\":\"b\"," ANCHOR ",\"mark\":{\"second\":253402300800,"
		       "\"boot_s\":0,\"boot_ns\":1}}"),
		 "\"second\""},
		{CLOCK("{\"boot\":\"b\"," ANCHOR ",\"suspect\":0}"), "\"suspect\""},
		{"{\"reset\":{\"count\":1},\"lines\":[],\"announced\":[]}",
		 "\"before\" is missing"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct history h = {.boot = "untouched"};
		struct fault f = {0};

		assert_int_equal(
			history_parse("\"s.json\"", cases[i].text, strlen(cases[i].text), &h, &f),
			-EBADMSG);
		if (strncmp(f.text, "\"s.json\": ", 10) || !strstr(f.text, cases[i].names))
			fail_msg("case %zu: %s", i, f.text);
		assert_string_equal(h.boot, "untouched");
	}
}

/* Torn at any byte: refused, or it wasn't torn. */
static void torn(void **state)
{
	static const char text[] =
		"{\"clock\":{\"boot\":\"b\"," ANCHOR
		"},\"lines\":[" LINE("\"i\"", "1", HASH) "],\"announced\":[{\"sha256\":\"" HASH
							 "\",\"state\":\"active\"}]}";
	struct history h;

	for (size_t len = 0; len < sizeof(text) - 1; len++)
		assert_int_equal(history_parse("s", text, len, &h, NULL), -EBADMSG);
	h = read_text(text);
	history_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),	 cmocka_unit_test(empty),
		cmocka_unit_test(unknown_times), cmocka_unit_test(refused),
		cmocka_unit_test(torn),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
