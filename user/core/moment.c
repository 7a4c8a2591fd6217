/* SPDX-License-Identifier: MIT */
/* moment.c - reads a time in one of three ways. */
#include "moment.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "license.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number of at most 13 digits, which no sum below can make overflow. */
static bool take_number(const char **text, int64_t *out)
{
	const char *at = *text;

	for (*out = 0; is_digit(*at) && at - *text < 13; at++)
		*out = *out * 10 + (*at - '0');
	if (at == *text || is_digit(*at))
		return false;
	*text = at;
	return true;
}

/* Exactly n digits, from min to max, and the character that ends them (0: none is asked for). */
static bool take_field(const char **text, int n, int min, int max, char end, int *out)
{
	const char *at = *text;

	for (*out = 0; at - *text < n; at++) {
		if (!is_digit(*at))
			return false;
		*out = *out * 10 + (*at - '0');
	}
	if (*out < min || *out > max || (end && *at++ != end))
		return false;
	*text = at;
	return true;
}

/* "Z", "+01:00", "-08:30": what has to be taken off, in seconds. */
static bool take_offset(const char **text, int64_t *out)
{
	int sign = **text == '-' ? -1 : 1, hours, minutes;

	if (**text == 'Z' || **text == 'z') {
		++*text;
		*out = 0;
		return true;
	}
	if (**text != '+' && **text != '-')
		return false;
	++*text;
	if (!take_field(text, 2, 0, 23, ':', &hours) || !take_field(text, 2, 0, 59, 0, &minutes))
		return false;
	*out = sign * (hours * 3600LL + minutes * 60LL);
	return true;
}

/* Seconds and their fraction, both of which may be left out. A leap second is the next one. */
static bool take_seconds(const char **text, int *out)
{
	*out = 0;
	if (**text != ':')
		return true;
	++*text;
	if (!take_field(text, 2, 0, 60, 0, out))
		return false;
	if (**text != '.')
		return true;
	++*text;
	if (!is_digit(**text))
		return false;
	while (is_digit(**text))
		++*text;
	return true;
}

static bool parse_date(const char *text, int64_t *out)
{
	struct tm tm = {0}, day = {0};
	int64_t offset;

	if (!take_field(&text, 4, 1970, 9999, '-', &tm.tm_year) ||
	    !take_field(&text, 2, 1, 12, '-', &tm.tm_mon) ||
	    !take_field(&text, 2, 1, 31, 0, &tm.tm_mday) || (*text != 'T' && *text != 't'))
		return false;
	text++;
	if (!take_field(&text, 2, 0, 23, ':', &tm.tm_hour) ||
	    !take_field(&text, 2, 0, 59, 0, &tm.tm_min) || !take_seconds(&text, &tm.tm_sec) ||
	    !take_offset(&text, &offset) || *text)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	day.tm_year = tm.tm_year;
	day.tm_mon = tm.tm_mon;
	day.tm_mday = tm.tm_mday;
	if (timegm(&day) < 0 || day.tm_mon != tm.tm_mon) /* 30 February is a day of March */
		return false;
	*out = timegm(&tm) - offset;
	return true;
}

static bool parse_span(const char *text, int64_t now, int64_t *out)
{
	static const char units[] = "smhdw";
	static const int64_t seconds[] = {1, 60, 3600, 86400, 7 * 86400};
	const char *unit;
	int64_t n;

	if (!take_number(&text, &n) || !*text || !(unit = strchr(units, *text)) || text[1])
		return false;
	*out = now + n * seconds[unit - units];
	return true;
}

static bool parse_epoch(const char *text, int64_t *out)
{
	return take_number(&text, out) && !*text;
}

int moment_parse(const char *text, int64_t now, int64_t *out, struct fault *f)
{
	int64_t t = 0;

	if (!(text[0] == '+' ? parse_span(text + 1, now, &t) : parse_epoch(text, &t)) &&
	    !parse_date(text, &t))
		return fault_set(f, EINVAL,
				 "\"%.64s\" is no time: give RFC 3339 (2027-01-01T00:00:00Z), "
				 "seconds since 1970, or a span from now (+90s, +30m, +12h, +30d)",
				 text);
	if (t < 1 || t > LICENSE_TIME_MAX)
		return fault_set(f, EINVAL, "\"%.64s\" lies outside the years 1970 to 9999%s", text,
				 t > LICENSE_TIME_MAX && text[0] != '+'
					 ? ": it looks like milliseconds, give seconds"
					 : "");
	*out = t;
	return 0;
}
