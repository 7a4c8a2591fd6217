/* SPDX-License-Identifier: MIT */
/* stamp.h - times as the API and the log write them: RFC 3339, UTC, whole seconds. Pure. */
#ifndef PORTLIC_STAMP_H
#define PORTLIC_STAMP_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define STAMP_LEN 32

/* t: seconds since 1970 UTC, year 9999 at most. Returns text. */
static inline const char *stamp_format(int64_t t, char text[STAMP_LEN])
{
	time_t seconds = t;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(text, STAMP_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(text, STAMP_LEN, "out of range");
	return text;
}

#endif
