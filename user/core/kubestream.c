/* SPDX-License-Identifier: MIT */
/* kubestream.c - counts brackets, outside of strings. */
#include "kubestream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 8192

void kube_stream_begin(struct kube_stream *stream, enum kube_stream_kind kind)
{
	*stream = (struct kube_stream){.kind = kind};
}

void kube_stream_free(struct kube_stream *stream)
{
	free(stream->value.at);
	free(stream->envelope.at);
	*stream = (struct kube_stream){0};
}

static int append(struct kube_bytes *bytes, const char *from, size_t n, struct fault *f)
{
	size_t room = bytes->room ? bytes->room : FIRST_ROOM;
	char *grown;

	if (n > KUBE_VALUE_MAX_BYTES - bytes->n)
		return fault_set(f, EFBIG, "the API server sent an object of more than %u bytes",
				 KUBE_VALUE_MAX_BYTES);
	while (room < bytes->n + n)
		room *= 2;
	if (room > bytes->room) {
		grown = realloc(bytes->at, room);
		if (!grown)
			return -ENOMEM;
		bytes->at = grown;
		bytes->room = room;
	}
	memcpy(bytes->at + bytes->n, from, n);
	bytes->n += n;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int misplaced(char c, struct fault *f)
{
	return fault_set(f, EBADMSG,
			 "the API server sent no JSON objects: '%c' stands between them", c);
}

/* Depth at which values stand: of a watch at the outermost, of a list in "items". */
static size_t floor_of(const struct kube_stream *stream)
{
	return stream->kind == KUBE_STREAM_LIST ? 2 : 0;
}

static bool in_value(const struct kube_stream *stream)
{
	return (stream->kind == KUBE_STREAM_WATCH || stream->in_items) &&
	       (stream->depth > floor_of(stream));
}

/* The string's end, or one more byte of it. */
static void read_string(struct kube_stream *stream, char c)
{
	if (stream->escaped)
		stream->escaped = false;
	else if (c == '\\')
		stream->escaped = true;
	else if (c == '"')
		stream->in_string = false;
	if (stream->in_string && stream->is_name && stream->name_len < sizeof(stream->name))
		stream->name[stream->name_len++] = c;
}

static void begin_string(struct kube_stream *stream)
{
	stream->in_string = true;
	stream->is_name = stream->kind == KUBE_STREAM_LIST && stream->depth == 1;
	if (stream->is_name)
		stream->name_len = 0;
}

/* Is the bracket that opens here that of "items"? The last string at this depth is its name then. */
static bool opens_items(const struct kube_stream *stream, char c)
{
	return stream->kind == KUBE_STREAM_LIST && stream->depth == 1 && c == '[' &&
	       stream->name_len == 5 && !memcmp(stream->name, "items", 5);
}

static int value_done(struct kube_stream *stream, kube_stream_take *take, void *arg,
		      struct fault *f)
{
	int err = take(arg, stream->value.at, stream->value.n, f);

	stream->value.n = 0;
	/* One large object must not cost its memory for ever. */
	if (stream->value.room > 16 * FIRST_ROOM) {
		free(stream->value.at);
		stream->value = (struct kube_bytes){0};
	}
	return err;
}

static int close_bracket(struct kube_stream *stream, struct fault *f)
{
	if (!stream->depth)
		return fault_set(f, EBADMSG, "the API server sent a bracket too many");
	stream->depth--;
	if (stream->in_items && stream->depth < floor_of(stream))
		stream->in_items = false;
	if (stream->kind == KUBE_STREAM_LIST && !stream->depth)
		stream->complete = true;
	return 0;
}

/* A byte outside of strings and values: what may stand there? */
static int check_between(const struct kube_stream *stream, char c, struct fault *f)
{
	bool between = stream->kind == KUBE_STREAM_WATCH ? !stream->depth : stream->in_items;

	if (stream->kind == KUBE_STREAM_LIST && !stream->depth)
		return is_blank(c) || (c == '{' && !stream->began) ? 0 : misplaced(c, f);
	if (!between || is_blank(c) || c == '{')
		return 0;
	if (stream->in_items && (c == ',' || c == ']'))
		return 0;
	return misplaced(c, f);
}

/* Where the byte belongs to; NULL: nowhere, it stands between values. */
static struct kube_bytes *place_of(struct kube_stream *stream, bool was_in_value, char c)
{
	if (was_in_value || in_value(stream))
		return &stream->value;
	if (stream->kind == KUBE_STREAM_WATCH)
		return NULL;
	return stream->in_items && c != '[' ? NULL : &stream->envelope;
}

static int take_byte(struct kube_stream *stream, char c, kube_stream_take *take, void *arg,
		     struct fault *f)
{
	bool was_in_value = in_value(stream), closes;
	struct kube_bytes *place;
	int err = 0;

	if (stream->in_string) {
		read_string(stream, c);
		return append(was_in_value ? &stream->value : &stream->envelope, &c, 1, f);
	}
	if (!was_in_value)
		err = check_between(stream, c, f);
	if (err)
		return err;
	closes = c == '}' || c == ']';
	if (c == '"') {
		begin_string(stream);
	} else if (c == '{' || c == '[') {
		stream->in_items |= opens_items(stream, c);
		stream->began = true;
		stream->depth++;
	} else if (closes) {
		err = close_bracket(stream, f);
	}
	place = place_of(stream, was_in_value, c);
	if (!err && place)
		err = append(place, &c, 1, f);
	if (!err && closes && was_in_value && !in_value(stream))
		err = value_done(stream, take, arg, f);
	return err;
}

/* Bytes from the start that are neither quotes, brackets nor blanks: they change nothing but the length. */
static size_t plain_length(const struct kube_stream *stream, const char *bytes, size_t len)
{
	size_t n = 0;

	if (!in_value(stream))
		return 0;
	if (stream->escaped)
		return 0;
	if (stream->in_string)
		while (n < len && bytes[n] != '"' && bytes[n] != '\\')
			n++;
	else
		while (n < len && !strchr("\"{}[]", bytes[n]) && bytes[n])
			n++;
	return n;
}

int kube_stream_feed(struct kube_stream *stream, const char *bytes, size_t len,
		     kube_stream_take *take, void *arg, struct fault *f)
{
	while (len) {
		size_t n = plain_length(stream, bytes, len);
		int err = n ? append(&stream->value, bytes, n, f)
			    : take_byte(stream, *bytes, take, arg, f);

		if (err)
			return err;
		n = n ? n : 1;
		bytes += n;
		len -= n;
	}
	return 0;
}

int kube_stream_end(const struct kube_stream *stream, struct fault *f)
{
	if (stream->kind == KUBE_STREAM_LIST ? stream->complete : !stream->depth)
		return 0;
	return fault_set(f, EPIPE, "the API server's answer ends in the middle");
}
