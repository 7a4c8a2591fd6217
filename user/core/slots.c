/* SPDX-License-Identifier: MIT */
/* slots.c - the slots of a gate, sorted to be searched. */
#include "slots.h"

#include <errno.h>
#include <stdlib.h>

struct slot_entry {
	__u64 ports; /* protocol, port, end_port in one number */
	__u32 slot;
};

static __u64 pack(const struct plic_slot *s)
{
	return (__u64)s->ip_proto << 32 | (__u32)s->port << 16 | s->end_port;
}

static int compare(const void *a, const void *b)
{
	const struct slot_entry *x = a, *y = b;

	if (x->ports != y->ports)
		return x->ports < y->ports ? -1 : 1;
	return (x->slot > y->slot) - (x->slot < y->slot);
}

int slot_index_init(struct slot_index *index, const struct plic_slot *slots, size_t n)
{
	index->entries = calloc(n, sizeof(*index->entries));
	if (!index->entries)
		return -ENOMEM;
	index->n = n - 1;
	for (size_t i = 0; i < index->n; i++)
		index->entries[i] = (struct slot_entry){pack(&slots[i + 1]), i + 1};
	qsort(index->entries, index->n, sizeof(*index->entries), compare);
	return 0;
}

void slot_index_free(struct slot_index *index)
{
	free(index->entries);
	*index = (struct slot_index){0};
}

__u16 slot_index_find(const struct slot_index *index, const struct plic_slot *key)
{
	__u64 ports = pack(key);
	size_t low = 0, high = index->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->entries[middle].ports < ports)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == index->n || index->entries[low].ports != ports)
		return PLIC_SLOT_OTHER;
	return index->entries[low].slot;
}
