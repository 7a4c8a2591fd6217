/* SPDX-License-Identifier: MIT */
/* arrivals.c - the node's table of arrivals, one gate at a time. */
#include "arrivals.h"

#include <stdlib.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "hash.h"

struct record {
	struct plic_arrival_key key;
	struct plic_arrival arrival;
};

void arrivals_read(int fd, uint32_t gate, uint64_t since_ns, const bool *asked, size_t n_slots,
		   struct plic_arrival (*arrivals)[PLIC_N_ORIGINS])
{
	for (size_t slot = 1; slot < n_slots; slot++) {
		for (uint8_t origin = 0; asked[slot] && origin < PLIC_N_ORIGINS; origin++) {
			const struct plic_arrival_key key = {
				.gate = gate, .slot = (uint16_t)slot, .origin = origin};
			struct plic_arrival arrival;

			if (!bpf_map_lookup_elem(fd, &key, &arrival) && arrival.last_ns >= since_ns)
				arrivals[slot][origin] = arrival;
		}
	}
}

void arrivals_forget(int fd, uint32_t gate)
{
	_free_ struct record *list = NULL;
	size_t n = 0;

	hash_read(fd, sizeof(list->key), sizeof(list->arrival), (void **)&list, &n);
	for (size_t i = 0; i < n; i++)
		if (list[i].key.gate == gate)
			bpf_map_delete_elem(fd, &list[i].key);
}
