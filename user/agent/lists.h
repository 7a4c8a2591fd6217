/* SPDX-License-Identifier: MIT */
/*
 * lists.h - revocation lists, which lie beside the licenses. The newest list of an issuer that was
 * good once holds for ever: else deleting its file, or putting an older one or another issuer's in
 * its place, would be a way round it.
 */
#ifndef PORTLIC_AGENT_LISTS_H
#define PORTLIC_AGENT_LISTS_H

#include "revocation.h"
#include "sources.h"

extern const char *const lists_suffixes[];

/*
 * Reads all lists of the source anew; *revocations is replaced. true: one comes from the near future
 * (by this clock) and wants to be tried again.
 */
bool lists_read(struct source *lists, const struct license_check *check,
		struct revocations **revocations);

/*
 * Takes one more list, which is no file of the directory. 0 and *file, its kept copy (NULL without
 * memory); -ESTALE: a newer one of its issuer is in force; -EBADMSG and *why, -ENOMEM.
 */
int lists_take(struct source *lists, const struct license_check *check,
	       struct revocations *revocations, const void *bytes, size_t len,
	       const struct source_file **file, struct rejection *why);

#endif
