/* SPDX-License-Identifier: MIT */
/* traffic.c - a gate's counters of allowed traffic: slots of one lane for each CPU and one for us. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "traffic.h"

#define MIN_SLOTS 64
#define CHUNK 4096 /* elements read at once: 128 KiB */

uint32_t traffic_room(uint32_t n_slots)
{
	uint32_t room = MIN_SLOTS;

	while (room < n_slots)
		room *= 2;
	return room;
}

int traffic_create(unsigned int n_cpus, uint32_t n_slots, struct fault *f)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "plic_lanes", sizeof(uint32_t),
				sizeof(struct plic_traffic), n_slots * (n_cpus + 1), &opts);

	return fd < 0 ? fault_set(f, -fd, "can't make counters for %u ports: %s", n_slots,
				  strerror(-fd))
		      : fd;
}

static void add(struct plic_traffic *to, const struct plic_traffic *t)
{
	to->packets += t->packets;
	to->bytes += t->bytes;
	to->connections += t->connections;
	if (t->last_ns > to->last_ns)
		to->last_ns = t->last_ns;
}

int traffic_read(int fd, unsigned int n_cpus, uint32_t n_slots, struct plic_traffic *totals,
		 struct fault *f)
{
	uint32_t lanes = n_cpus + 1;
	uint32_t end = n_slots * lanes;
	uint32_t room = end < CHUNK ? end : CHUNK;
	_free_ struct plic_traffic *values = calloc(room, sizeof(*values));
	_free_ uint32_t *keys = calloc(room, sizeof(*keys));
	uint32_t last = 0;

	if (!values || !keys)
		return fault_set(f, ENOMEM, "no memory to read %u counters", end);
	memset(totals, 0, n_slots * sizeof(*totals));
	for (uint32_t at = 0; at < end;) {
		__u32 count = end - at < room ? end - at : room;
		int r = bpf_map_lookup_batch(fd, at ? &last : NULL, &last, keys, values, &count,
					     NULL);

		if ((r < 0 && r != -ENOENT) || !count)
			return fault_set(f, r ? -r : ENODATA, "can't read the counters: %s",
					 strerror(r ? -r : ENODATA));
		for (uint32_t i = 0; i < count; i++)
			add(&totals[(at + i) / lanes], &values[i]);
		at += count;
	}
	return 0;
}

int traffic_carry(int from, int to, unsigned int n_cpus, uint32_t n_slots, struct fault *f)
{
	_free_ struct plic_traffic *totals = calloc(n_slots, sizeof(*totals));
	_free_ uint32_t *keys = calloc(n_slots, sizeof(*keys));
	__u32 count = n_slots;
	int r;

	if (!totals || !keys)
		return fault_set(f, ENOMEM, "no memory to carry %u counters over", n_slots);
	r = traffic_read(from, n_cpus, n_slots, totals, f);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n_slots; i++)
		keys[i] = i * (n_cpus + 1) + n_cpus;
	r = bpf_map_update_batch(to, keys, totals, &count, NULL);
	return r < 0 ? fault_set(f, -r, "can't carry the counters over: %s", strerror(-r)) : 0;
}
