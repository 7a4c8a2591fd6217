/* SPDX-License-Identifier: MIT */
/* arrival.h - new connections by where they came from (plic_arrivals). */
#ifndef PORTLIC_BPF_ARRIVAL_H
#define PORTLIC_BPF_ARRIVAL_H

#include "maps.h"
#include "source.h"

static __always_inline void arrival_count(__u32 gate, __u32 slot, __u32 origins, __u64 now)
{
	struct plic_arrival_key key = {
		.gate = gate, .slot = slot, .origin = origin_of_mask(origins)};
	struct plic_arrival first = {.connections = 1, .last_ns = now}, *arrival;

	arrival = bpf_map_lookup_elem(&plic_arrivals, &key);
	if (!arrival && !bpf_map_update_elem(&plic_arrivals, &key, &first, BPF_NOEXIST))
		return;
	if (!arrival) /* another CPU was faster, or the table is full */
		arrival = bpf_map_lookup_elem(&plic_arrivals, &key);
	if (!arrival)
		return;
	__sync_fetch_and_add(&arrival->connections, 1);
	arrival->last_ns = now;
}

#endif
