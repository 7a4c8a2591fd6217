/* SPDX-License-Identifier: MIT */
/* claims.h - the payload of a license: from JSON to struct license (LICENSE-FORMAT §2). Pure. */
#ifndef PORTLIC_CLAIMS_H
#define PORTLIC_CLAIMS_H

#include "json.h"
#include "license.h"
#include "trust.h"

/*
 * Strict JSON, `ver`, `must`, then all claims and their types. Signature, issuer and audience are
 * not its business: kid and sha256 of *out stay empty. 0 and a new *out, or -EBADMSG and *why, or
 * -ENOMEM.
 */
int claims_parse(const void *payload, size_t len, struct license **out, struct rejection *why);

/* exp > nbf, and iat at most 300 s ahead of now (INT64_MAX: no clock to compare with). */
int claims_check_times(const struct license *lic, int64_t now, struct rejection *why);

/* Issuer, retirement of the key, audience, binding, times, allowed ports: in this order. */
int claims_check(const struct license_check *check, const struct trust_key *key,
		 const struct license *lic, struct rejection *why);

/* One time claim of an object: 0 and *out, or -EBADMSG with missing_claim or bad_time. */
int claims_time(const cJSON *object, const char *name, int64_t *out, struct rejection *why);

#endif
