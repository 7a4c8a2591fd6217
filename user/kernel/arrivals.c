/* SPDX-License-Identifier: MIT */
/* arrivals.c - the node's table of arrivals, one gate at a time. */
#include "arrivals.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "cleanup.h"

#define BATCH 1024

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
	_free_ struct plic_arrival_key *keys = calloc(BATCH, sizeof(*keys));
	_free_ struct plic_arrival *values = calloc(BATCH, sizeof(*values));
	uint32_t batch, *from = NULL, n;
	int r = keys && values ? 0 : -ENOMEM;

	while (r == 0) {
		n = BATCH;
		r = bpf_map_lookup_batch(fd, from, &batch, keys, values, &n, NULL);
		if (r < 0 && r != -ENOENT) /* -ENOENT: the end */
			break;
		for (uint32_t i = 0; i < n; i++)
			if (keys[i].gate == gate)
				bpf_map_delete_elem(fd, &keys[i]);
		from = &batch;
	}
}
