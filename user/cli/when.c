/* SPDX-License-Identifier: MIT */
/* when.c - times for people and for JSON. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "license.h"
#include "when.h"

const char *when_text(int64_t t, char out[WHEN_LEN])
{
	time_t seconds = t;
	struct tm tm;

	if (t < 0 || t > LICENSE_TIME_MAX || !gmtime_r(&seconds, &tm))
		return NULL;
	strftime(out, WHEN_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

int when_parse(const char *text, int64_t *out)
{
	struct tm tm = {};
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (end && *end == '.')
		for (end++; isdigit((unsigned char)*end);)
			end++;
	if (!end || strcmp(end, "Z") != 0)
		return -EINVAL;
	*out = timegm(&tm);
	return 0;
}

int when_parse_span(const char *text, int64_t *seconds)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	const int64_t most = 10 * 366 * 86400LL;
	char *end;
	long long n;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoll(text, &end, 10);
	for (size_t i = 0; !errno && i < ARRAY_SIZE(units); i++) {
		if (*end != units[i].letter || (*end && end[1]))
			continue;
		if (n < 1 || n > most / units[i].seconds)
			break;
		*seconds = n * units[i].seconds;
		return 0;
	}
	return -EINVAL;
}

const char *when_span(int64_t seconds, char out[WHEN_LEN])
{
	if (seconds < 120)
		snprintf(out, WHEN_LEN, "%" PRId64 "s", seconds);
	else if (seconds < 2 * 3600)
		snprintf(out, WHEN_LEN, "%" PRId64 "m", seconds / 60);
	else if (seconds < 2 * 86400)
		snprintf(out, WHEN_LEN, "%" PRId64 "h", seconds / 3600);
	else
		snprintf(out, WHEN_LEN, "%" PRId64 "d", seconds / 86400);
	return out;
}

const char *when_relative(int64_t t, int64_t now, char out[WHEN_LEN])
{
	char span[WHEN_LEN];

	if (t == now)
		snprintf(out, WHEN_LEN, "now");
	else if (t > now)
		snprintf(out, WHEN_LEN, "in %.20s", when_span(t - now, span));
	else
		snprintf(out, WHEN_LEN, "%.20s ago", when_span(now - t, span));
	return out;
}
