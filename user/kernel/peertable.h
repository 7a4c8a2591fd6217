/* SPDX-License-Identifier: MIT */
/* peertable.h - the ledger's table of who connected to which gate. */
#ifndef PORTLIC_PEERTABLE_H
#define PORTLIC_PEERTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "portlic.h"

/* Calls each() for every entry of a gate; a negative return ends it. fd: of the map. */
int peertable_each(int fd, uint32_t gate,
		   int (*each)(const struct plic_peer_key *key, const struct plic_peer *peer,
			       void *data),
		   void *data);

/* Forgets a gate: its id is given out again. */
int peertable_forget(int fd, uint32_t gate);

#endif
