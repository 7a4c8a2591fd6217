/* SPDX-License-Identifier: MIT */
/*
 * nodereport.h - what one node says of the licenses that came to it from the API: a short JSON text in an
 * annotation of its own Lease. Pure.
 *
 *   {"generation":12,"licenses":{"secret:acme:license.key":"active:9f86d081"}}
 *
 * A license is named as its file in the store is; behind its state stand the first 8 hexadecimal digits of the
 * SHA-256 of the token that holds there, none where nothing does.
 */
#ifndef PORTLIC_NODEREPORT_H
#define PORTLIC_NODEREPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "lifecycle.h"

#define NODEREPORT_MAX_BYTES 131072 /* all annotations of an object may be 256 KiB */
#define NODEREPORT_HASH_LEN 9
#define NODEREPORT_VALID_S 1800 /* a node that said nothing for longer doesn't count */

struct nodereport_entry {
	char *file;
	enum license_state state;
	char hash[NODEREPORT_HASH_LEN]; /* "": no license holds */
};

struct nodereport {
	int64_t generation;
	struct nodereport_entry *entries;
	size_t n, room; /* sorted by file once it was read */
};

/* sha256 NULL: nothing holds. -ENOMEM. */
int nodereport_add(struct nodereport *report, const char *file, enum license_state state,
		   const uint8_t *sha256);
char *nodereport_text(const struct nodereport *report); /* NULL: no memory */
void nodereport_hash(const uint8_t *sha256, char hash[NODEREPORT_HASH_LEN]);

/* -EBADMSG and why; -ENOMEM. Another version's states are left out. */
int nodereport_read(const char *text, size_t len, struct nodereport *out, struct fault *f);
void nodereport_free(struct nodereport *report);

/* In a report that was read; NULL: it has none. */
const struct nodereport_entry *nodereport_find(const struct nodereport *report, const char *file);

/* The license of this state gives rights now. */
bool license_state_holds(enum license_state state);

#endif
