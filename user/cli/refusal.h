/* SPDX-License-Identifier: MIT */
/* refusal.h - a rejection of the license core as the CLI's failure. */
#ifndef PORTLIC_REFUSAL_H
#define PORTLIC_REFUSAL_H

#include <stdio.h>

#include "cli.h"
#include "license.h"

/* "FILE" is WHAT: reason: detail. No reason: memory ran out. */
static inline int refusal(struct failure *why, const char *what, const char *file,
			  const struct rejection *rejection)
{
	const char *word = license_reason_word(rejection->reason);

	if (rejection->reason == LICENSE_OK)
		return fail(why, EXIT_USAGE, "out of memory");
	snprintf(why->reason, sizeof(why->reason), "%s", word);
	return fail(why, EXIT_REFUSED, "\"%s\" is %s: %s: %s", file, what, word, rejection->detail);
}

#endif
