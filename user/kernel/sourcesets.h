/* SPDX-License-Identifier: MIT */
/*
 * sourcesets.h - addresses in the kernel's trie (plic_sources): the sets that rules name, and set 0, which
 * tells the origin of an address.
 */
#ifndef PORTLIC_SOURCESETS_H
#define PORTLIC_SOURCESETS_H

#include <stddef.h>
#include <stdint.h>

#include "cidr.h"
#include "fault.h"
#include "sourceset.h"

struct node;

/*
 * Writes the networks of the sets, before a rule set that names them goes into force: what isn't there admits
 * nobody. Pods that are in stay in. -ENOSPC: the trie is full.
 */
int sourcesets_put(struct node *node, const struct source_set *const *sets, size_t n,
		   struct fault *f);

/*
 * Takes addresses of pods out of sets and into them, in this order, and sets `done` of each that the kernel
 * has. -ENOSPC: there was no room for all; other errors likewise, with the first one's reason.
 */
int sourcesets_change(struct node *node, struct source_change *changes, size_t n, struct fault *f);

/* The pods' addresses that are in, of all sets (in, done), in a new array. -ENOMEM. */
int sourcesets_pods(struct node *node, struct source_change **out, size_t *n);

/* Drops all sets but these: rules in force, or on their way, name no other. */
int sourcesets_keep(struct node *node, const uint32_t *ids, size_t n, struct fault *f);

struct origin_network {
	struct cidr at;
	uint8_t origin; /* enum plic_origin */
};

/* What set 0 says from now on; of networks that are listed twice, the first origin holds. */
int sourcesets_origins(struct node *node, const struct origin_network *list, size_t n,
		       struct fault *f);

#endif
