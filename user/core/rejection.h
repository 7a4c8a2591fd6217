/* SPDX-License-Identifier: MIT */
/* rejection.h - the ways to write a struct rejection. All return -EBADMSG (or -ENOMEM). */
#ifndef PORTLIC_REJECTION_H
#define PORTLIC_REJECTION_H

#include "fault.h"
#include "json.h"
#include "license.h"

/* The detail names the field, what is wrong with it, the remedy. */
__attribute__((format(printf, 3, 4))) int reject(struct rejection *why, enum license_reason reason,
						 const char *fmt, ...);

/*
 * Passes on what an accessor of json.h returned: 0, -ENOMEM, or -EINVAL with f, which becomes a
 * rejection for this reason.
 */
int reject_fault(struct rejection *why, enum license_reason reason, int r, const struct fault *f);

/*
 * Parses an object: bad_json, duplicate_name or too_deep; no object: not_object. what ("payload")
 * begins the detail.
 */
int parse_or_reject(const char *what, const void *buf, size_t len, const struct json_limits *limits,
		    enum license_reason not_object, cJSON **out, struct rejection *why);

#endif
