/* SPDX-License-Identifier: MIT */
/* json.c - a checked text becomes a cJSON tree that remembers which numbers are integers. */
#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "strict.h"

#define JSON_UINT (1 << 16) /* our mark in cJSON.type, above cJSON's own bits: integer syntax */
#define FEW 32		    /* names that are sorted on the stack */

const struct json_limits json_default_limits = {.max_depth = 8, .max_members = 16384};

/* A text whose bytes are in order, and where its numbers are. */
struct source {
	const char *buf;
	size_t len;
	struct strict_numbers numbers;
};

/* Bytes of the number token at start. */
static size_t number_length(const struct source *s, size_t start)
{
	size_t end = start;

	while (end < s->len && s->buf[end] && strchr("+-.0123456789Ee", s->buf[end]))
		end++;
	return end - start;
}

/* cJSON_ParseWithLength, with a stand-in for numbers that are longer than it can read. */
static cJSON *build(const struct source *s)
{
	_free_ char *copy = NULL;

	if (!s->numbers.long_one)
		return cJSON_ParseWithLength(s->buf, s->len);
	copy = malloc(s->len);
	if (!copy)
		return NULL;
	memcpy(copy, s->buf, s->len);
	for (size_t i = 0; i < s->numbers.n; i++) {
		size_t n = number_length(s, s->numbers.at[i]);

		if (n > STRICT_NUMBER_MAX) {
			memset(copy + s->numbers.at[i], ' ', n);
			copy[s->numbers.at[i]] = '0';
		}
	}
	return cJSON_ParseWithLength(copy, s->len);
}

/* cJSON keeps a number as a double only: marks the syntax, gives long ones their value. */
static int finish_number(const struct source *s, size_t start, cJSON *item)
{
	const char *token = s->buf + start;
	size_t n = number_length(s, start), digits = 0;

	while (digits < n && token[digits] >= '0' && token[digits] <= '9')
		digits++;
	if (digits == n)
		item->type |= JSON_UINT;
	if (n > STRICT_NUMBER_MAX) {
		_free_ char *text = strndup(token, n);

		if (!text)
			return -ENOMEM;
		item->valuedouble = strtod(text, NULL);
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, not compared pairwise: an object may have 131,072 members. */
static int refuse_duplicates(const cJSON *object, struct json_error *err)
{
	const char *few[FEW], **names = few;
	_free_ const char **many = NULL;
	size_t n = (size_t)cJSON_GetArraySize(object), i = 0;
	const cJSON *item;

	if (n > FEW) {
		many = calloc(n, sizeof(*many));
		if (!many)
			return -ENOMEM;
		names = many;
	}
	cJSON_ArrayForEach (item, object)
		names[i++] = item->string;
	qsort(names, n, sizeof(*names), compare_names);
	for (i = 1; i < n; i++) {
		if (strcmp(names[i - 1], names[i]))
			continue;
		err->kind = JSON_DUPLICATE;
		err->offset = 0;
		snprintf(err->text, sizeof(err->text), "the name \"%.100s\" stands twice",
			 names[i]);
		return -EBADMSG;
	}
	return 0;
}

/* Walks the tree in the order of the text; *number counts its numbers. */
static int finish(const struct source *s, cJSON *item, size_t *number, struct json_error *err)
{
	int r = 0;

	if (cJSON_IsNumber(item))
		return finish_number(s, s->numbers.at[(*number)++], item);
	if (cJSON_IsObject(item))
		r = refuse_duplicates(item, err);
	for (cJSON *child = item->child; child && !r; child = child->next)
		r = finish(s, child, number, err);
	return r;
}

int json_parse(const char *buf, size_t len, const struct json_limits *limits, cJSON **out,
	       struct json_error *err)
{
	struct source s = {.buf = buf, .len = len};
	_free_ size_t *numbers = NULL;
	_json_ cJSON *tree = NULL;
	size_t number = 0;
	int r = strict_check(buf, len, limits ? limits : &json_default_limits, &s.numbers, err);

	numbers = s.numbers.at;
	if (r)
		return r;
	tree = build(&s);
	if (!tree)
		return -ENOMEM;
	r = finish(&s, tree, &number, err);
	if (r)
		return r;
	*out = TAKE_PTR(tree);
	return 0;
}

int64_t json_int_value(const cJSON *item)
{
	if (!cJSON_IsNumber(item) || !(item->type & JSON_UINT))
		return -1;
	return item->valuedouble <= (double)JSON_INT_MAX ? (int64_t)item->valuedouble : INT64_MAX;
}
