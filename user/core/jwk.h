/* SPDX-License-Identifier: MIT */
/* jwk.h - Ed25519 keys as JSON Web Keys (RFC 7517, RFC 8037): the vendor's side. Pure but for
 * jwk_generate, which draws random bytes. */
#ifndef PORTLIC_JWK_H
#define PORTLIC_JWK_H

#include "fault.h"
#include "json.h"

#define JWK_THUMBPRINT_CHARS 43

/* A key pair. Wipe it when done. */
struct jwk {
	char kid[129];
	uint8_t public_key[32];
	uint8_t secret_key[64]; /* libsodium's form: seed, public key */
};

/* kid NULL: the RFC 7638 thumbprint. -EINVAL: kid isn't 1 to 128 printable bytes. */
int jwk_generate(const char *kid, struct jwk *out);
int jwk_from_seed(const uint8_t seed[32], const char *kid, struct jwk *out);
void jwk_wipe(struct jwk *key);

/* RFC 7638: base64url of the SHA-256 over {"crv":"Ed25519","kty":"OKP","x":"..."}. */
void jwk_thumbprint(const uint8_t public_key[32], char out[JWK_THUMBPRINT_CHARS + 1]);

/* The private key as one JWK, a line of JSON with LF. New string: sodium_memzero it, then free. */
int jwk_write_private(const struct jwk *key, char **out);
/* A trust file: {"iss":...,"keys":[{public JWK}]} with LF. */
int jwk_write_trust(const struct jwk *key, const char *iss, char **out);

/*
 * Reads a private JWK. -EBADMSG with the member and the remedy: no "d", not OKP/Ed25519, "x" isn't
 * the public key of "d". No "kid": the thumbprint. The fault begins with `file`, quoted.
 */
int jwk_read_private(const char *file, const void *buf, size_t len, struct jwk *out,
		     struct fault *f);

/*
 * Reads a public JWK: kty, crv, use, alg, x and the point's soundness; "d" is refused. The fault
 * names the member. -EINVAL.
 */
int jwk_read_public(const cJSON *jwk, uint8_t public_key[32], struct fault *f);

#endif
