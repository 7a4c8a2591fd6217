/* SPDX-License-Identifier: MIT */
/* trust_store.h - trust stores: out of a directory of *.jwks files, out of one own key. */
#ifndef PORTLIC_TRUST_STORE_H
#define PORTLIC_TRUST_STORE_H

#include "cleanup.h"
#include "cli.h"
#include "jwk.h"
#include "trust.h"

/*
 * Loads the files in the order of their names. A bad one is warned about and does not unload the
 * others. EXIT_USAGE when the directory can't be read.
 */
int trust_store_load(const char *dir, struct trust **out, struct failure *why);

/* A store that trusts this key alone, as the vendor iss. EXIT_USAGE: no store would take it. */
int trust_store_own(const struct jwk *key, const char *iss, struct trust **out,
		    struct failure *why);

static inline void cleanup_trust(struct trust **trust)
{
	trust_free(*trust);
}
#define _trust_ _cleanup_(cleanup_trust)

#endif
