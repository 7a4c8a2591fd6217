/* SPDX-License-Identifier: MIT */
/* moment.h - a time that somebody wrote. Pure. */
#ifndef PORTLIC_MOMENT_H
#define PORTLIC_MOMENT_H

#include <stdint.h>

#include "fault.h"

/*
 * RFC 3339 ("2027-01-01T00:00:00Z", an offset instead of Z, the seconds may be left out), seconds
 * since 1970 UTC ("1800000000"), or so long after now ("+90s", "+30m", "+12h", "+30d", "+2w").
 * Fractions of a second are dropped. *out: seconds since 1970, year 9999 at most. -EINVAL with what
 * is wrong and what it may be.
 */
int moment_parse(const char *text, int64_t now, int64_t *out, struct fault *f);

#endif
