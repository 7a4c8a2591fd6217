/* SPDX-License-Identifier: MIT */
/* strict.h - the check of the bytes that runs before cJSON (json.c's own; use json.h). */
#ifndef PORTLIC_STRICT_H
#define PORTLIC_STRICT_H

#include "json.h"

#define STRICT_NUMBER_MAX 63 /* cJSON reads no more characters of a number */

/* Where the number tokens of a text begin (bytes from its start), in order. */
struct strict_numbers {
	size_t *at;
	size_t n;
	bool long_one; /* one is longer than STRICT_NUMBER_MAX */
};

/*
 * Everything json.h promises but duplicate names. The caller frees numbers->at, after a failure too.
 * 0, -EBADMSG and *err, or -ENOMEM.
 */
int strict_check(const char *buf, size_t len, const struct json_limits *limits,
		 struct strict_numbers *numbers, struct json_error *err);

#endif
