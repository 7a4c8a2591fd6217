/* SPDX-License-Identifier: MIT */
/* test_kubestream.c - values out of a stream, wherever it was split; with what a real server sent, if it is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "kubeevent.h"
#include "kubestream.h"

#define CAPTURES "../shared/testbeds"
#define VALUES_MAX 64

struct taken {
	char *values[VALUES_MAX];
	size_t n;
};

static int keep(void *arg, char *json, size_t len, struct fault *f)
{
	struct taken *taken = arg;

	assert_true(taken->n < VALUES_MAX);
	taken->values[taken->n++] = strndup(json, len);
	return 0;
}

static void drop(struct taken *taken)
{
	while (taken->n)
		free(taken->values[--taken->n]);
}

/* Fed in pieces of step bytes, each in memory of its own: a read past its end is ASan's. */
static int feed(struct kube_stream *s, const char *text, size_t len, size_t step,
		struct taken *taken, struct fault *f)
{
	int err = 0;

	for (size_t at = 0; !err && at < len; at += step) {
		size_t n = len - at < step ? len - at : step;
		char *piece = malloc(n);

		memcpy(piece, text + at, n);
		err = kube_stream_feed(s, piece, n, keep, taken, f);
		free(piece);
	}
	return err;
}

static int feed_all(enum kube_stream_kind kind, const char *text, size_t step, struct taken *taken,
		    char **envelope)
{
	struct kube_stream s = {0};
	struct fault f = {0};
	int err;

	kube_stream_begin(&s, kind);
	err = feed(&s, text, strlen(text), step, taken, &f);
	if (!err)
		err = kube_stream_end(&s, &f);
	if (envelope)
		*envelope = strndup(s.envelope.at ? s.envelope.at : "", s.envelope.n);
	assert_true(!err == !f.text[0]);
	kube_stream_free(&s);
	return err;
}

static void test_events(void **state)
{
	const char *text = "{\"type\":\"ADDED\",\"object\":{\"a\":[1,{\"b\":\"}\\\"]\"}]}}\n"
			   " {\n  \"x\": {} }\r\n{\"y\":\"\\\\\"}{}";

	for (size_t step = 1; step <= strlen(text); step++) {
		struct taken taken = {0};

		assert_int_equal(feed_all(KUBE_STREAM_WATCH, text, step, &taken, NULL), 0);
		assert_int_equal(taken.n, 4);
		assert_string_equal(
			taken.values[0],
			"{\"type\":\"ADDED\",\"object\":{\"a\":[1,{\"b\":\"}\\\"]\"}]}}");
		assert_string_equal(taken.values[1], "{\n  \"x\": {} }");
		assert_string_equal(taken.values[2], "{\"y\":\"\\\\\"}");
		assert_string_equal(taken.values[3], "{}");
		drop(&taken);
	}
}

static void test_list(void **state)
{
	const char *text =
		"{\"kind\":\"PodList\",\"metadata\":{\"items\":[9],\"note\":\"items\"},\"items\":["
		"\n"
		"{\"metadata\":{\"items\":[{}]}},{\"a\":\"],{\"}\n , {}],\"after\":[{\"b\":1}]}\n";
	const char *frame = "{\"kind\":\"PodList\",\"metadata\":{\"items\":[9],\"note\":\"items\"},"
			    "\"items\":[],"
			    "\"after\":[{\"b\":1}]}\n";

	for (size_t step = 1; step <= strlen(text); step++) {
		struct taken taken = {0};
		char *envelope;

		assert_int_equal(feed_all(KUBE_STREAM_LIST, text, step, &taken, &envelope), 0);
		assert_int_equal(taken.n, 3);
		assert_string_equal(taken.values[0], "{\"metadata\":{\"items\":[{}]}}");
		assert_string_equal(taken.values[1], "{\"a\":\"],{\"}");
		assert_string_equal(taken.values[2], "{}");
		assert_string_equal(envelope, frame);
		free(envelope);
		drop(&taken);
	}
}

static void check(enum kube_stream_kind kind, const char *text, int err, size_t n)
{
	for (size_t step = 1; step <= strlen(text) + !*text; step++) {
		struct taken taken = {0};

		assert_int_equal(feed_all(kind, text, step, &taken, NULL), err);
		assert_int_equal(taken.n, n);
		drop(&taken);
	}
}

static void test_bad(void **state)
{
	check(KUBE_STREAM_WATCH, "", 0, 0);
	check(KUBE_STREAM_WATCH, "{} \n", 0, 1);
	check(KUBE_STREAM_WATCH, "{}{\"a\":", -EPIPE, 1);
	check(KUBE_STREAM_WATCH, "{\"a\":\"", -EPIPE, 0);
	check(KUBE_STREAM_WATCH, "{}x", -EBADMSG, 1);
	check(KUBE_STREAM_WATCH, "{},{}", -EBADMSG, 1);
	check(KUBE_STREAM_WATCH, "[{}]", -EBADMSG, 0);
	check(KUBE_STREAM_WATCH, "\"a\"", -EBADMSG, 0);
	check(KUBE_STREAM_WATCH, "}", -EBADMSG, 0);
	check(KUBE_STREAM_WATCH, "<html>", -EBADMSG, 0);
	check(KUBE_STREAM_LIST, "", -EPIPE, 0);
	check(KUBE_STREAM_LIST, "{\"items\":[{}", -EPIPE, 1);
	check(KUBE_STREAM_LIST, "{\"items\":[{}]", -EPIPE, 1);
	check(KUBE_STREAM_LIST, "{\"items\":[{}]}", 0, 1);
	check(KUBE_STREAM_LIST, "{\"items\":null}", 0, 0);
	check(KUBE_STREAM_LIST, "{\"items\":[1]}", -EBADMSG, 0);
	check(KUBE_STREAM_LIST, "{\"items\":[{},\"a\"]}", -EBADMSG, 1);
	check(KUBE_STREAM_LIST, "{\"items\":[]}{", -EBADMSG, 0);
	check(KUBE_STREAM_LIST, "[]", -EBADMSG, 0);
	check(KUBE_STREAM_LIST, "{\"a\":\"items\",\"b\":[{}]}", 0, 0);
	check(KUBE_STREAM_LIST, "{\"items2\":[{}],\"xitems\":[{}]}", 0, 0);
}

/* One object, and what is in its way: as much as is allowed, then a byte more. */
static int feed_string(enum kube_stream_kind kind, size_t len, struct taken *taken, struct fault *f)
{
	const char *head = kind == KUBE_STREAM_LIST ? "{\"items\":[" : "";
	struct kube_stream s = {0};
	char *text = malloc(len + 64);
	size_t n = (size_t)sprintf(text, "%s{\"a\":\"", head), frame = n - strlen(head) + 2;
	int err;

	memset(text + n, 'x', len - frame);
	memcpy(text + n + len - frame, "\"}", 2);
	kube_stream_begin(&s, kind);
	err = feed(&s, text, n + len - frame + 2, 65536, taken, f);
	kube_stream_free(&s);
	free(text);
	return err;
}

static void test_large(void **state)
{
	static const enum kube_stream_kind kinds[] = {KUBE_STREAM_WATCH, KUBE_STREAM_LIST};

	for (size_t i = 0; i < 2; i++) {
		struct taken taken = {0};
		struct fault f = {0};

		assert_int_equal(feed_string(kinds[i], KUBE_VALUE_MAX_BYTES, &taken, &f), 0);
		assert_int_equal(taken.n, 1);
		assert_int_equal(strlen(taken.values[0]), KUBE_VALUE_MAX_BYTES);
		drop(&taken);
		assert_int_equal(feed_string(kinds[i], KUBE_VALUE_MAX_BYTES + 1, &taken, &f),
				 -EFBIG);
		assert_int_equal(taken.n, 0);
		assert_string_equal(f.text,
				    "the API server sent an object of more than 33554432 bytes");
	}
}

/* The frame of a list has the same cap: an endless one doesn't take all memory. */
static void test_large_frame(void **state)
{
	struct taken taken = {0};
	struct kube_stream s = {0};
	struct fault f = {0};
	char blanks[65536];
	int err;

	memset(blanks, ' ', sizeof(blanks));
	kube_stream_begin(&s, KUBE_STREAM_LIST);
	err = feed(&s, "{", 1, 1, &taken, &f);
	for (int i = 0; !err && i < 600; i++)
		err = feed(&s, blanks, sizeof(blanks), sizeof(blanks), &taken, &f);
	assert_int_equal(err, -EFBIG);
	kube_stream_free(&s);
}

static int refuse(void *arg, char *json, size_t len, struct fault *f)
{
	return ++*(int *)arg == 2 ? -ECANCELED : 0;
}

static void test_taker_ends_it(void **state)
{
	struct kube_stream s = {0};
	int n = 0;

	kube_stream_begin(&s, KUBE_STREAM_WATCH);
	assert_int_equal(kube_stream_feed(&s, "{}{}{}", 6, refuse, &n, NULL), -ECANCELED);
	assert_int_equal(n, 2);
	kube_stream_free(&s);
}

/* ---- what a real API server sent ---- */

static char *capture(const char *name)
{
	const char *beds = getenv("PORTLIC_TESTBEDS");
	char path[4096], *text;
	long len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/captures/%s", beds ? beds : CAPTURES, name);
	file = fopen(path, "re");
	if (!file) {
		print_message("SKIP: no %s: set PORTLIC_TESTBEDS\n", path);
		skip();
	}
	fseek(file, 0, SEEK_END);
	len = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)len + 1);
	assert_int_equal(fread(text, 1, (size_t)len, file), len);
	fclose(file);
	return text;
}

/* The body, chunks put together. */
static char *body_of(char *wire)
{
	char *at = strstr(wire, "\r\n\r\n") + 4, *out = calloc(1, strlen(wire) + 1), *to = out;
	size_t n;

	if (!strstr(wire, "chunked")) {
		strcpy(out, at);
		return out;
	}
	while ((n = strtoul(at, &at, 16))) {
		memcpy(to, at + 2, n);
		to += n;
		at += 2 + n;
	}
	return out;
}

static void expect_types(const char *text, const char *want)
{
	for (size_t step = 1; step < 9000; step = step * 3 + 1) {
		struct taken taken = {0};
		char types[1024] = "";
		struct fault f = {0};

		assert_int_equal(feed_all(KUBE_STREAM_WATCH, text, step, &taken, NULL), 0);
		for (size_t i = 0; i < taken.n; i++) {
			struct kube_event event;

			assert_int_equal(kube_event_read(taken.values[i], strlen(taken.values[i]),
							 &event, &f),
					 0);
			snprintf(types + strlen(types), sizeof(types) - strlen(types), "%c",
				 "AMDBE"[event.type]);
			if (event.type == KUBE_ERROR)
				assert_int_equal(event.code, 410);
			else
				assert_non_null(event.version);
			kube_event_free(&event);
		}
		assert_string_equal(types, want);
		drop(&taken);
	}
}

static void test_captured_watch(void **state)
{
	char *wire = capture("watch-http11.txt"), *body = body_of(wire), *life;

	expect_types(body, "AMMMMMDBB");
	free(body);
	free(wire);
	life = capture("pod-life.jsonl");
	expect_types(life, "AMMMMMDBB");
	free(life);
}

static void test_captured_expiry(void **state)
{
	char *wire = capture("watch-410.txt"), *body = body_of(wire);

	expect_types(body, "E");
	free(body);
	free(wire);
}

static void test_captured_list(void **state)
{
	char *wire = capture("list.txt"), *body = body_of(wire), *envelope;
	struct taken taken = {0};
	struct kube_list list;
	struct fault f = {0};

	assert_int_equal(feed_all(KUBE_STREAM_LIST, body, 7, &taken, &envelope), 0);
	assert_int_equal(kube_list_read(envelope, strlen(envelope), &list, &f), 0);
	assert_true(taken.n >= 1);
	assert_null(list.continued);
	for (size_t i = 0; i < taken.n; i++) {
		cJSON *tree;

		assert_int_equal(kube_json(taken.values[i], strlen(taken.values[i]), &tree, &f), 0);
		assert_true(atoi(kube_version(tree)) <= atoi(list.version));
		cJSON_Delete(tree);
	}
	kube_list_free(&list);
	free(envelope);
	drop(&taken);
	free(body);
	free(wire);
}

static void test_captured_statuses(void **state)
{
	static const struct {
		const char *file, *text;
	} statuses[] = {{"401.txt", "Unauthorized"},
			{"403.txt", "secrets is forbidden: User "},
			{"list-410.txt", "The resourceVersion for the provided list is too old."}};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		char *wire = capture(statuses[i].file), *body = body_of(wire);
		struct fault f = {0};
		cJSON *tree;

		assert_int_equal(kube_json(body, strlen(body), &tree, &f), 0);
		assert_memory_equal(kube_status_text(tree), statuses[i].text,
				    strlen(statuses[i].text));
		cJSON_Delete(tree);
		free(body);
		free(wire);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_large_frame),
		cmocka_unit_test(test_taker_ends_it),
		cmocka_unit_test(test_captured_watch),
		cmocka_unit_test(test_captured_expiry),
		cmocka_unit_test(test_captured_list),
		cmocka_unit_test(test_captured_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
