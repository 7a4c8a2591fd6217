/* SPDX-License-Identifier: MIT */
/* strict.c - RFC 8259 and UTF-8, byte by byte. */
#include "strict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

#define DEPTH_MAX 64 /* bounds the recursion, whatever the caller asks for */

/* A pass over the text. Each function takes one thing at pos, or sets err and returns an errno. */
struct scan {
	const unsigned char *buf;
	size_t len, pos, depth, members;
	const struct json_limits *limits;
	struct strict_numbers *numbers;
	size_t room;
	struct json_error *err;
};

static int scan_value(struct scan *s);

static int scan_fail(struct scan *s, enum json_error_kind kind, const char *text)
{
	s->err->kind = kind;
	s->err->offset = s->pos;
	snprintf(s->err->text, sizeof(s->err->text), "%s at byte %zu", text, s->pos);
	return -EBADMSG;
}

/* The byte at pos; -1 at the end. */
static int peek(const struct scan *s)
{
	return s->pos < s->len ? s->buf[s->pos] : -1;
}

static void scan_space(struct scan *s)
{
	int c;

	while ((c = peek(s)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		s->pos++;
}

static int scan_literal(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if (s->len - s->pos < n || memcmp(s->buf + s->pos, word, n))
		return scan_fail(s, JSON_BAD, "not a JSON value");
	s->pos += n;
	return 0;
}

static bool scan_digits(struct scan *s)
{
	size_t start = s->pos;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->pos++;
	return s->pos > start;
}

static int remember_number(struct scan *s)
{
	if (array_grow(&s->numbers->at, s->numbers->n, &s->room, sizeof(*s->numbers->at)))
		return -ENOMEM;
	s->numbers->at[s->numbers->n++] = s->pos;
	return 0;
}

static int scan_number(struct scan *s)
{
	size_t start = s->pos;
	int r = remember_number(s);

	if (r)
		return r;
	if (peek(s) == '-')
		s->pos++;
	if (peek(s) == '0')
		s->pos++; /* and no digit behind it: the caller then finds one where it can't be */
	else if (!scan_digits(s))
		return scan_fail(s, JSON_BAD, "not a JSON number");
	if (peek(s) == '.') {
		s->pos++;
		if (!scan_digits(s))
			return scan_fail(s, JSON_BAD, "a fraction without digits");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->pos++;
		if (peek(s) == '+' || peek(s) == '-')
			s->pos++;
		if (!scan_digits(s))
			return scan_fail(s, JSON_BAD, "an exponent without digits");
	}
	s->numbers->long_one |= s->pos - start > STRICT_NUMBER_MAX;
	return 0;
}

/* The code unit of XXXX behind a \u; -1: these are no four hexadecimal digits. */
static int code_unit(const struct scan *s, size_t pos)
{
	int unit = 0;

	if (s->len - pos < 4)
		return -1;
	for (size_t i = pos; i < pos + 4; i++) {
		int c = s->buf[i] | 0x20;

		if (s->buf[i] >= '0' && s->buf[i] <= '9')
			unit = unit << 4 | (s->buf[i] - '0');
		else if (c >= 'a' && c <= 'f')
			unit = unit << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

/* Behind the \ of an escape. */
static int scan_escape(struct scan *s)
{
	int c = peek(s), unit, low;

	if (c < 0 || !strchr("\"\\/bfnrtu", c) || !c)
		return scan_fail(s, JSON_BAD, "not an escape");
	s->pos++;
	if (c != 'u')
		return 0;
	unit = code_unit(s, s->pos);
	if (unit < 0)
		return scan_fail(s, JSON_BAD, "\\u without four hexadecimal digits");
	if (!unit)
		return scan_fail(s, JSON_BAD, "an escaped NUL");
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return scan_fail(s, JSON_BAD, "a lone low surrogate");
	s->pos += 4;
	if (unit < 0xd800 || unit > 0xdbff)
		return 0;
	low = peek(s) == '\\' && s->len - s->pos >= 2 && s->buf[s->pos + 1] == 'u'
		      ? code_unit(s, s->pos + 2)
		      : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return scan_fail(s, JSON_BAD, "a lone high surrogate");
	s->pos += 6;
	return 0;
}

static int scan_string(struct scan *s)
{
	if (peek(s) != '"')
		return scan_fail(s, JSON_BAD, "a name in quotes is missing");
	s->pos++;
	while (peek(s) != '"') {
		size_t n;
		int r;

		if (peek(s) < 0)
			return scan_fail(s, JSON_BAD, "a string without an end");
		if (peek(s) < 0x20)
			return scan_fail(s, JSON_BAD, "a raw control character in a string");
		if (peek(s) == '\\') {
			s->pos++;
			r = scan_escape(s);
			if (r)
				return r;
			continue;
		}
		n = utf8_length(s->buf + s->pos, s->len - s->pos);
		if (!n)
			return scan_fail(s, JSON_BAD, "not UTF-8");
		s->pos += n;
	}
	s->pos++;
	return 0;
}

static int scan_member(struct scan *s, bool object)
{
	int r;

	if (++s->members > s->limits->max_members)
		return scan_fail(s, JSON_BAD, "too many members");
	scan_space(s);
	if (object) {
		r = scan_string(s);
		if (r)
			return r;
		scan_space(s);
		if (peek(s) != ':')
			return scan_fail(s, JSON_BAD, "a colon is missing");
		s->pos++;
	}
	return scan_value(s);
}

/* An object or an array; pos is at its first bracket. */
static int scan_container(struct scan *s)
{
	bool object = peek(s) == '{';
	int close = object ? '}' : ']', r;

	if (++s->depth > s->limits->max_depth || s->depth > DEPTH_MAX)
		return scan_fail(s, JSON_TOO_DEEP, "nested too deep");
	s->pos++;
	scan_space(s);
	if (peek(s) == close) {
		s->depth--;
		s->pos++;
		return 0;
	}
	for (;;) {
		r = scan_member(s, object);
		if (r)
			return r;
		if (peek(s) == close)
			break;
		if (peek(s) != ',')
			return scan_fail(s, JSON_BAD, "a comma or the closing bracket is missing");
		s->pos++;
	}
	s->depth--;
	s->pos++;
	return 0;
}

/* A value with the white space around it. */
static int scan_value(struct scan *s)
{
	int r;

	scan_space(s);
	switch (peek(s)) {
	case '{':
	case '[':
		r = scan_container(s);
		break;
	case '"':
		r = scan_string(s);
		break;
	case 't':
		r = scan_literal(s, "true");
		break;
	case 'f':
		r = scan_literal(s, "false");
		break;
	case 'n':
		r = scan_literal(s, "null");
		break;
	default:
		r = scan_number(s);
	}
	if (!r)
		scan_space(s);
	return r;
}

int strict_check(const char *buf, size_t len, const struct json_limits *limits,
		 struct strict_numbers *numbers, struct json_error *err)
{
	struct scan s = {
		.buf = (const unsigned char *)buf,
		.len = len,
		.limits = limits,
		.numbers = numbers,
		.err = err,
	};
	int r = scan_value(&s);

	if (!r && s.pos < s.len)
		r = scan_fail(&s, JSON_BAD, "something stands behind the value");
	return r;
}
