/* SPDX-License-Identifier: MIT */
/* token.h - what the tests of the license core share: keys, a trust store, tokens made on the fly. */
#ifndef PORTLIC_TEST_TOKEN_H
#define PORTLIC_TEST_TOKEN_H

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jwk.h"
#include "license.h"
#include "revocation.h"
#include "trust.h"

#define NOW 1800000000LL /* "now" of all tests, 2027 */
#define ISS "https://vendor.example"
#define AUD "plant-7"

/* A vendor with one key, a store that trusts it, and a check against both. */
struct world {
	struct jwk key;
	struct trust *trust;
	struct license_check check;
};

void world_setup(struct world *w);
void world_teardown(struct world *w);
/* One for a whole program: cmocka_run_group_tests(tests, world_begin, world_end). */
extern struct world world;
int world_begin(void **state);
int world_end(void **state);

/* A key made of one repeated byte. kid NULL: the thumbprint. */
struct jwk test_key(uint8_t byte, const char *kid);
/* Adds a trust file; its text is printf-like. */
__attribute__((format(printf, 4, 5))) int add_trust(struct trust *trust, const char *file,
						    struct fault *f, const char *fmt, ...);
/* {"kty":...} of the public half, with more members (",..." or ""). New string. */
char *public_jwk(const struct jwk *key, const char *more);

/* Valid claims with one member set to this JSON, or without it (json NULL). New string. */
char *claims_with(const char *member, const char *json);
/* As claims_with, for several members: name, json, name, json, ..., NULL. */
char *claims_of(const char *member, ...);

/* A token over the payload. typ NULL: a license's. New string. */
char *sign_as(const struct jwk *key, const char *typ, const char *payload);
/* A token with this header (JSON text) over this payload, signed with key. New string. */
char *sign_raw(const struct jwk *key, const char *header, const char *payload);

/* Reads a token in the world; the word of the reason, "" when it is accepted. Frees the token. */
const char *verdict(const struct world *w, char *token, struct rejection *why);
/* Signs the payload and reads it. Frees the payload. */
const char *verdict_of(const struct world *w, char *payload, struct rejection *why);
/* Signs and reads a license that must be accepted. Frees the payload. */
struct license *accept_license(const struct world *w, char *payload);

#endif
