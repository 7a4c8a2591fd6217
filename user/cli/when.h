/* SPDX-License-Identifier: MIT */
/* when.h - times for people and for JSON. */
#ifndef PORTLIC_WHEN_H
#define PORTLIC_WHEN_H

#include <stdint.h>

#define WHEN_LEN 32

/* "2026-01-31T23:59:59Z"; NULL for a time outside 1970 .. 9999. */
const char *when_text(int64_t t, char out[WHEN_LEN]);

/* Reads RFC 3339 in UTC, fractions dropped; NULL, no time or another offset: -EINVAL. */
int when_parse(const char *text, int64_t *out);

/* "in 12d", "3h ago", "now". */
const char *when_relative(int64_t t, int64_t now, char out[WHEN_LEN]);

/* Reads a span: "90s", "30m", "1h", "7d", "90" (seconds); 1 s to 10 years, else -EINVAL. */
int when_parse_span(const char *text, int64_t *seconds);

/* A span: "90s", "45m", "36h", "12d". */
const char *when_span(int64_t seconds, char out[WHEN_LEN]);

#endif
