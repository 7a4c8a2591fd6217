/* SPDX-License-Identifier: MIT */
/* denials.c - the bounded table of denials, and keeping room in it. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "denials.h"
#include "hash.h"

#define HIGH_WATER (PLIC_MAX_DENIALS * 3 / 4)
#define LOW_WATER (PLIC_MAX_DENIALS / 2)

_Static_assert(sizeof(struct gate_denial) ==
		       sizeof(struct plic_denial_key) + sizeof(struct plic_denial),
	       "records of hash_read");

int denials_read(int fd, struct gate_denial **out, size_t *n, struct fault *f)
{
	int r = hash_read(fd, sizeof((*out)->key), sizeof((*out)->count), (void **)out, n);

	return r < 0 ? fault_set(f, -r, "can't read the denials: %s", strerror(-r)) : 0;
}

static void add(struct plic_denial *to, const struct plic_denial *d)
{
	to->packets += d->packets;
	to->bytes += d->bytes;
	to->connections += d->connections;
	if (d->last_ns > to->last_ns)
		to->last_ns = d->last_ns;
}

static struct gate_denial *find(struct gate_denial *list, size_t n,
				const struct plic_denial_key *key)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(&list[i].key, key, sizeof(*key)) == 0)
			return &list[i];
	return NULL;
}

static void take(__u64 *from, __u64 n)
{
	*from -= n < *from ? n : *from;
}

/* Its entry, or where that was moved to when the table was full. */
static struct gate_denial *raised_by(struct gate_denial *list, size_t n,
				     const struct plic_denial_key *probes)
{
	struct plic_denial_key key = *probes;
	struct gate_denial *entry;

	key.pad = 0;
	entry = find(list, n, &key);
	key.port = 0;
	return entry ? entry : find(list, n, &key);
}

static size_t leave_out(struct gate_denial *list, size_t n, uint64_t *n_probes)
{
	*n_probes = 0;
	for (size_t i = 0; i < n; i++) {
		const struct plic_denial *probes = &list[i].count;
		struct gate_denial *entry;

		if (list[i].key.pad != DENIALS_PROBES)
			continue;
		*n_probes += probes->connections;
		entry = raised_by(list, n, &list[i].key);
		if (!entry)
			continue;
		take(&entry->count.packets, probes->packets);
		take(&entry->count.bytes, probes->bytes);
		take(&entry->count.connections, probes->connections);
	}
	/* Nothing is left of those that nobody else raised. */
	for (size_t i = 0; i < n; i++)
		if (list[i].key.pad == DENIALS_PROBES || !list[i].count.packets)
			list[i--] = list[--n];
	return n;
}

static size_t merge_carried(struct gate_denial *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct plic_denial_key key = list[i].key;
		struct gate_denial *other;

		if (key.pad != DENIALS_CARRIED)
			continue;
		key.pad = 0;
		other = find(list, n, &key);
		if (!other) {
			list[i].key = key;
			continue;
		}
		add(&other->count, &list[i].count);
		list[i--] = list[--n];
	}
	return n;
}

size_t denials_merge(struct gate_denial *list, size_t n, uint64_t *n_probes)
{
	return leave_out(list, merge_carried(list, n), n_probes);
}

int denials_note_probe(int fd, const struct plic_denial_key *key, const struct plic_denial *probe)
{
	struct plic_denial_key noted = *key;
	struct plic_denial total = {0};
	int r;

	noted.pad = DENIALS_PROBES;
	r = bpf_map_lookup_elem(fd, &noted, &total);
	if (r < 0 && r != -ENOENT)
		return r;
	add(&total, probe);
	return bpf_map_update_elem(fd, &noted, &total, BPF_ANY);
}

/* A port of its own that no license or policy names. */
static bool expendable(const struct gate_denial *d)
{
	return d->key.slot == PLIC_SLOT_OTHER && d->key.port && d->key.pad != DENIALS_PROBES;
}

/* Expendable ones first, among them those that were knocked on least, then longest ago. */
static int by_worth(const void *va, const void *vb)
{
	const struct gate_denial *a = va, *b = vb;

	if (expendable(a) != expendable(b))
		return expendable(a) ? -1 : 1;
	if (a->count.packets != b->count.packets)
		return a->count.packets < b->count.packets ? -1 : 1;
	return a->count.last_ns < b->count.last_ns ? -1 : a->count.last_ns > b->count.last_ns;
}

static int carry(int fd, const struct plic_denial_key *from, const struct plic_denial *count)
{
	struct plic_denial_key key = *from;
	struct plic_denial total = {0};
	int r;

	key.port = 0;
	if (key.pad != DENIALS_PROBES)
		key.pad = DENIALS_CARRIED;
	r = bpf_map_lookup_elem(fd, &key, &total);
	if (r < 0 && r != -ENOENT)
		return r;
	add(&total, count);
	return bpf_map_update_elem(fd, &key, &total, BPF_ANY);
}

/* Takes an entry out with what it has counted up to that very moment (where the kernel can, 5.14). */
static int take_out(int fd, const struct plic_denial_key *key, struct plic_denial *count)
{
	int r = bpf_map_lookup_and_delete_elem(fd, key, count);

	if (r == 0 || r == -ENOENT)
		return r;
	r = bpf_map_lookup_elem(fd, key, count);
	return r < 0 ? r : bpf_map_delete_elem(fd, key);
}

/* 0 too if somebody else has just taken it out. */
static int move_out(int fd, const struct plic_denial_key *key)
{
	struct plic_denial count;
	int r = take_out(fd, key, &count);

	if (r == 0)
		r = carry(fd, key, &count);
	return r == -ENOENT ? 0 : r;
}

int denials_prune(int fd, struct fault *f)
{
	_free_ struct gate_denial *list = NULL;
	size_t n;
	int r = denials_read(fd, &list, &n, f);

	if (r < 0 || n < HIGH_WATER)
		return r;
	qsort(list, n, sizeof(*list), by_worth);
	for (size_t i = 0; i < n - LOW_WATER && expendable(&list[i]) && r == 0; i++) {
		struct plic_denial_key probes = list[i].key;

		r = move_out(fd, &list[i].key);
		probes.pad = DENIALS_PROBES;
		if (r == 0)
			r = move_out(fd, &probes);
	}
	return r < 0 ? fault_set(f, -r, "can't make room among the denials: %s", strerror(-r)) : 0;
}
