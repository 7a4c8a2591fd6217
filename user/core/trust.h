/* SPDX-License-Identifier: MIT */
/* trust.h - the vendor keys that the operator trusts, and what each vendor may license. Pure. */
#ifndef PORTLIC_TRUST_H
#define PORTLIC_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

#define TRUST_MAX_BYTES (1 << 20)

struct port_range {
	uint16_t first, last; /* inclusive */
};

struct trust_vendor {
	char *file; /* the name it was loaded under */
	char *iss;
	struct port_range *allow; /* n_allow 0: all ports */
	size_t n_allow;
	struct port_range *reserve; /* ports that only this vendor's licenses may open */
	size_t n_reserve;
	char **allow_namespaces;
	size_t n_allow_namespaces;
};

struct trust_key {
	char *kid;
	uint8_t x[32];	 /* Ed25519 public key */
	int64_t retired; /* seconds since 1970 UTC; refuses iat >= retired; INT64_MAX: not retired */
	const struct trust_vendor *vendor;
};

struct trust;

int trust_new(struct trust **out);
void trust_free(struct trust *trust); /* NULL-safe */

/*
 * Adds one *.jwks file; all of it or nothing. -EBADMSG with a message that names file, member and
 * remedy: not strict JSON, a private key ("d"), a weak or foreign key, a kid that stands twice.
 */
int trust_add(struct trust *trust, const char *file, const void *buf, size_t len, struct fault *f);

const struct trust_key *trust_find(const struct trust *trust, const char *kid);
/* Its 32 bytes, or NULL; trust is a struct trust (jws_rules.find). */
const uint8_t *trust_find_x(const void *trust, const char *kid);
size_t trust_n_keys(const struct trust *trust);
size_t trust_n_vendors(const struct trust *trust);
const struct trust_vendor *trust_vendor(const struct trust *trust, size_t i);

/* Vendor (other than iss, which may be NULL) that reserves a port of [first, last]; NULL: nobody. */
const struct trust_vendor *trust_reserved(const struct trust *trust, uint16_t first, uint16_t last,
					  const char *iss);

#endif
