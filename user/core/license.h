/* SPDX-License-Identifier: MIT */
/*
 * license.h - one license: from the bytes of a file to its claims.
 *
 * Pure: bytes and a time in, values out. The buffer that was verified is the buffer that is parsed.
 */
#ifndef PORTLIC_LICENSE_H
#define PORTLIC_LICENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "portlic.h"

#define LICENSE_MAX_BYTES 65536
#define LICENSE_MAX_PORTS 1024
#define LICENSE_MAX_ISS 256
#define LICENSE_TIME_MAX 253402300799LL /* 9999-12-31T23:59:59Z, seconds since 1970 UTC */
#define LICENSE_DRAIN_S 300		/* block-new: from the refusal of new flows to the cut */

/* Why a file is rejected: stable words of the contract (license verify, metrics, events). */
#define LICENSE_REASONS(X)                                                                         \
	X(TOO_BIG, "too_big")                                                                      \
	X(BAD_FRAMING, "bad_framing")                                                              \
	X(BAD_BASE64, "bad_base64")                                                                \
	X(BAD_JSON, "bad_json")                                                                    \
	X(DUPLICATE_NAME, "duplicate_name")                                                        \
	X(TOO_DEEP, "too_deep")                                                                    \
	X(BAD_HEADER, "bad_header")                                                                \
	X(BAD_ALG, "bad_alg")                                                                      \
	X(BAD_TYP, "bad_typ")                                                                      \
	X(UNKNOWN_KID, "unknown_kid")                                                              \
	X(BAD_SIGNATURE, "bad_signature")                                                          \
	X(UNSUPPORTED, "unsupported")                                                              \
	X(MISSING_CLAIM, "missing_claim")                                                          \
	X(BAD_CLAIM, "bad_claim")                                                                  \
	X(BAD_TIME, "bad_time")                                                                    \
	X(EXP_BEFORE_NBF, "exp_before_nbf")                                                        \
	X(IAT_FUTURE, "iat_future")                                                                \
	X(BAD_PORT, "bad_port")                                                                    \
	X(ISSUER_MISMATCH, "issuer_mismatch")                                                      \
	X(WRONG_AUDIENCE, "wrong_audience")                                                        \
	X(WRONG_BINDING, "wrong_binding")                                                          \
	X(NOT_ALLOWED, "not_allowed")

enum license_reason {
	LICENSE_OK,
#define LICENSE_REASON_ENUM(name, word) LICENSE_##name,
	LICENSE_REASONS(LICENSE_REASON_ENUM)
#undef LICENSE_REASON_ENUM
		LICENSE_N_REASONS,
};

const char *license_reason_word(enum license_reason reason); /* "" for LICENSE_OK */

/* Why, and in words: the field, what is wrong with it, the remedy. */
struct rejection {
	enum license_reason reason;
	char detail[256];
};

struct license_rate {
	int64_t connections; /* 0: no limit given */
	int64_t per_s;
	int64_t burst;
};

enum license_scope { SCOPE_POD, SCOPE_NODE, SCOPE_CLUSTER };

struct license_quota {
	int64_t connections; /* 0: not given */
	int64_t bytes;	     /* 0: not given */
	int64_t window_s;    /* 0: no quota */
	bool block;	     /* over: block, else report */
	enum license_scope scope;
};

struct license_port {
	uint16_t port, end_port; /* both inclusive */
	uint8_t protocol;	 /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
	char name[64];		 /* "" if none */
	int64_t seats;		 /* 0: no limit of its own */
	struct license_rate rate;
	struct license_quota quota;
	bool tls;
};

struct license {
	char *iss, *sub, *jti, *lid, *kid;
	char *plan; /* NULL if not given */
	char **aud, **features, **bind_nodes;
	size_t n_aud, n_features, n_bind_nodes;
	char *bind_cluster;    /* NULL if not given */
	int64_t iat, nbf, exp; /* seconds since 1970 UTC */
	int64_t grace_s;
	int64_t seq;
	int64_t seats; /* 0: none */
	enum license_scope seats_scope;
	struct license_quota quota;
	int64_t rl_max_age_s; /* 0: none */
	enum plic_lapse lapse;
	struct license_port *ports; /* as in the file, in its order */
	size_t n_ports;
	uint8_t sha256[32]; /* of the token */
};

void license_free(struct license *lic); /* NULL-safe */

struct trust; /* trust.h */

/* What a token is held against. */
struct license_check {
	const struct trust *trust;
	const char *audience;	  /* the operator's own; one member of aud must equal it */
	const char *bind_cluster; /* NULL: not known, a license bound to a cluster is rejected */
	const char *bind_node;	  /* NULL: not known */
	bool skip_bind;
	int64_t now; /* effective time, seconds since 1970 UTC */
};

/*
 * Verifies and parses one token (LICENSE-FORMAT §1: the order of checks is part of the contract).
 * buf: len bytes as read from the file. Returns 0 and a new *out, or -EBADMSG and *why, or -ENOMEM.
 */
int license_read(const struct license_check *check, const void *buf, size_t len,
		 struct license **out, struct rejection *why);

/*
 * Parses a token without a look at its signature, issuer or audience: for showing, never for
 * granting. As license_read otherwise.
 */
int license_peek(const void *buf, size_t len, struct license **out, struct rejection *why);

/*
 * The checks of `sign`: all that license_read makes but those that need a trust store or an
 * audience. now: as in license_check; INT64_MAX: there is no clock to compare iat with. 0, -EBADMSG
 * and *why, or -ENOMEM.
 */
int license_check_claims(const void *payload, size_t len, int64_t now, struct rejection *why);

#endif
