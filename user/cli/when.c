/* SPDX-License-Identifier: MIT */
/* when.c - times for people and for JSON. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
