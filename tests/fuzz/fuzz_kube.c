/* SPDX-License-Identifier: MIT */
/* fuzz_kube.c - what an API server sends, whole and in pieces: the same values must come out. */
#include "fuzz_kube.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kubeevent.h"

/* What must hold for any input; a breach is a finding. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

struct sum {
	size_t n, bytes;
	uint64_t hash;
	bool read; /* the values, too */
};

static void read_value(const char *json, size_t len)
{
	char *copy = malloc(len + !len);
	struct kube_event event;
	struct kube_list list;
	struct fault f = {""};
	cJSON *tree;
	int err;

	MUST(copy);
	memcpy(copy, json, len);
	err = kube_event_read(copy, len, &event, &f);
	MUST(!err == !f.text[0]);
	if (!err) {
		MUST(cJSON_IsObject(event.object));
		MUST(event.version || event.type == KUBE_ERROR);
		kube_event_free(&event);
	}
	if (!kube_list_read(copy, len, &list, NULL)) {
		char *escaped = list.continued ? kube_escape(list.continued) : NULL;

		MUST(!escaped || !strpbrk(escaped, "&# ?=/"));
		free(escaped);
		kube_list_free(&list);
	}
	if (!kube_json(copy, len, &tree, NULL)) {
		kube_status_text(tree);
		cJSON_Delete(tree);
	}
	free(copy);
}

static int take(void *arg, char *json, size_t len, struct fault *f)
{
	struct sum *sum = arg;

	MUST(len >= 2 && json[0] == '{' && strchr("]}", json[len - 1]));
	sum->n++;
	sum->bytes += len;
	for (size_t i = 0; i < len; i++)
		sum->hash = (sum->hash ^ (unsigned char)json[i]) * 0x100000001b3ULL;
	if (sum->read)
		read_value(json, len);
	return 0;
}

static int run(enum kube_stream_kind kind, const char *bytes, size_t len, size_t step,
	       struct sum *sum)
{
	struct kube_stream stream = {0};
	struct fault f = {""};
	int err = 0;

	kube_stream_begin(&stream, kind);
	for (size_t at = 0; at < len && !err; at += step)
		err = kube_stream_feed(&stream, bytes + at, len - at < step ? len - at : step, take,
				       sum, &f);
	if (!err)
		err = kube_stream_end(&stream, &f);
	MUST(!err == !f.text[0]);
	if (!err && kind == KUBE_STREAM_LIST && sum->read)
		read_value(stream.envelope.at, stream.envelope.n);
	kube_stream_free(&stream);
	return err;
}

void fuzz_kube(enum kube_stream_kind kind, const char *bytes, size_t len)
{
	struct sum whole = {.read = true};
	int err = run(kind, bytes, len, len + !len, &whole);

	MUST(err == 0 || err == -EBADMSG || err == -EPIPE);
	MUST(whole.bytes <= len);
	for (size_t step = 1; step < len && step < 16; step = step * 2 + 1) {
		struct sum cut = {0};

		MUST(run(kind, bytes, len, step, &cut) == err);
		MUST(cut.n == whole.n && cut.hash == whole.hash);
	}
	read_value(bytes, len);
}
