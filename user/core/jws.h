/* SPDX-License-Identifier: MIT */
/* jws.h - JWS Compact with Ed25519 and a header of exactly alg, typ, kid. Pure. */
#ifndef PORTLIC_JWS_H
#define PORTLIC_JWS_H

#include "license.h"

#define JWS_TYP_LICENSE "portlic+jwt"
#define JWS_TYP_REVOCATION "portlic-rl+jwt"
#define JWS_MAX_HEADER 1024 /* bytes of the decoded header */
#define JWS_MAX_KID 128

/* A token taken apart. */
struct jws {
	char alg[8]; /* "EdDSA" or "Ed25519": both mean Ed25519 */
	char *kid;
	uint8_t *payload;
	size_t payload_len;
	uint8_t sha256[32]; /* of the token, without the line end of the file */
};

/* What a token has to be. */
struct jws_rules {
	const char *typ;
	size_t max_bytes; /* of the file, its line end included */
	/* The public key (32 bytes) of a kid, or NULL: not trusted. */
	const uint8_t *(*find)(const void *keys, const char *kid);
	const void *keys;
};

/*
 * Size, framing, base64url, header, kid, signature: in this order, each with its reason. buf: len
 * bytes as read from the file, with at most one LF or CRLF behind the token. rules->find NULL: the
 * signature is not looked at (`license show`). Returns 0 and fills *out (jws_free), or -EBADMSG and
 * *why, or -ENOMEM.
 */
int jws_read(const struct jws_rules *rules, const void *buf, size_t len, struct jws *out,
	     struct rejection *why);
void jws_free(struct jws *jws);

/*
 * Signs payload. alg: "EdDSA" or "Ed25519"; kid: 1 to JWS_MAX_KID bytes; secret_key: libsodium's 64
 * bytes (seed, public key). Returns 0 and a new *token without a line end, -EINVAL (alg, kid), -ENOMEM.
 */
int jws_sign(const uint8_t secret_key[64], const char *alg, const char *typ, const char *kid,
	     const void *payload, size_t len, char **token);

#endif
