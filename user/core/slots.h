/* SPDX-License-Identifier: MIT */
/* slots.h - finds the counter slot that a range of ports has had so far. Pure. */
#ifndef PORTLIC_SLOTS_H
#define PORTLIC_SLOTS_H

#include <stddef.h>

#include "portlic.h"

struct slot_index {
	struct slot_entry *entries; /* sorted by protocol, port, end_port, slot */
	size_t n;
};

/* Indexes slots[1] to slots[n - 1]; n >= 1. -ENOMEM. */
int slot_index_init(struct slot_index *index, const struct plic_slot *slots, size_t n);
void slot_index_free(struct slot_index *index);

/* The lowest slot of exactly these ports; PLIC_SLOT_OTHER: they have none yet. */
__u16 slot_index_find(const struct slot_index *index, const struct plic_slot *key);

#endif
