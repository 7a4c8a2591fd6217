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

#endif
