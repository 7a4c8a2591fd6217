/* SPDX-License-Identifier: MIT */
/* condition.h - status.conditions, as the Kubernetes API's conventions have them. Pure. */
#ifndef PORTLIC_CONDITION_H
#define PORTLIC_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

struct condition {
	const char *type;
	bool is;
	const char *reason;  /* CamelCase */
	const char *message; /* a sentence; may be "" */
};

/* "bad_signature" becomes "BadSignature". */
void condition_reason(const char *word, char *out, size_t size);

/*
 * Appends it to the array. lastTransitionTime is now, or what it was in the array `before` (may be NULL or no
 * array) if `is` hasn't changed since.
 */
void condition_put(cJSON *array, const cJSON *before, const struct condition *condition,
		   int64_t generation, int64_t now);

/* The condition of that type in an array; NULL: none. Members of what others wrote may be anything. */
const cJSON *condition_find(const cJSON *array, const char *type);
bool condition_is(const cJSON *condition, bool is);
/* A member that is a text, else "". */
const char *condition_text(const cJSON *condition, const char *member);

#endif
