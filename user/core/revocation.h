/* SPDX-License-Identifier: MIT */
/* revocation.h - signed lists of what a vendor took back (portlic-rl+jwt). Pure. */
#ifndef PORTLIC_REVOCATION_H
#define PORTLIC_REVOCATION_H

#include "license.h"

#define REVOCATION_MAX_BYTES (4 << 20)
#define REVOCATION_MAX_ENTRIES 20000

struct revocations; /* the newest list of each issuer */

int revocations_new(struct revocations **out);
void revocations_free(struct revocations *r); /* NULL-safe */

/*
 * Verifies a list and takes it unless a newer one (higher seq) of its issuer is there already
 * (-ESTALE). -EBADMSG with *why: rejected.
 */
int revocations_add(struct revocations *r, const struct license_check *check, const void *buf,
		    size_t len, struct rejection *why);

/* The same; if it was taken, *iss is its issuer (of r, as long as no other list is added). */
int revocations_take(struct revocations *r, const struct license_check *check, const void *buf,
		     size_t len, const char **iss, struct rejection *why);

/* Time from which lic is revoked by jti, lid or kid; INT64_MAX: it isn't. */
int64_t revocations_at(const struct revocations *r, const struct license *lic);

/* As revocations_at, but for entries that name the jti: they end a supersession too. */
int64_t revocations_at_jti(const struct revocations *r, const struct license *lic);

/* iat of the newest list of iss; -1: none. */
int64_t revocations_newest(const struct revocations *r, const char *iss);

/* The latest iat of all lists; -1: there is none. */
int64_t revocations_latest(const struct revocations *r);

#endif
