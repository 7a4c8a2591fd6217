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

/* A key signs for its vendor only, and nothing issued at its retirement or later. */
int claims_check_issuer(const struct trust_key *key, const char *iss, int64_t iat,
			struct rejection *why);

/* A required time: missing_claim or bad_time. */
int claims_time(const cJSON *object, const char *name, int64_t *out, struct rejection *why);
/* A required string of 1 to max bytes, copied: missing_claim or bad_claim. */
int claims_text(const cJSON *object, const char *name, size_t max, char **out,
		struct rejection *why);

/*
 * Limits, as they stand in the payload and in a port's entry; an absent one leaves *out as it is.
 * 0, -EINVAL with the member in *f.
 */
int claims_seats(const cJSON *object, int64_t *seats, enum license_scope *scope, struct fault *f);
int claims_quota(const cJSON *object, struct license_quota *out, struct fault *f);
int claims_rate(const cJSON *object, struct license_rate *out, struct fault *f);

/* The claim `ports`: bad_claim (no array of 0 to LICENSE_MAX_PORTS), bad_port (an entry). */
int claims_ports(const cJSON *payload, struct license *lic, struct rejection *why);

#endif
