/* SPDX-License-Identifier: MIT */
/* seattable.c - the kernel's tables of seats. */
#include "seattable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "hash.h"
#include "node_priv.h"

_Static_assert(sizeof(struct seat) == sizeof(struct plic_seated_key) + sizeof(struct plic_seated),
	       "records of hash_read");
_Static_assert(sizeof(struct seats_used) ==
		       sizeof(struct plic_usage_key) + sizeof(struct plic_seats),
	       "records of hash_read");

static int read_seats(int fd, struct seat **out, size_t *n)
{
	return hash_read(fd, sizeof(struct plic_seated_key), sizeof(struct plic_seated),
			 (void **)out, n);
}

static int read_used(int fd, struct seats_used **out, size_t *n)
{
	return hash_read(fd, sizeof(struct plic_usage_key), sizeof(struct plic_seats), (void **)out,
			 n);
}

int seattable_read(const struct node *node, struct seat **out, size_t *n)
{
	return read_seats(node->map[NODE_SEATED], out, n);
}

int seattable_read_used(const struct node *node, struct seats_used **out, size_t *n)
{
	return read_used(node->map[NODE_SEATS], out, n);
}

uint64_t seattable_used(const struct node *node, const struct plic_usage_key *usage)
{
	struct plic_seats seats;

	return bpf_map_lookup_elem(node->map[NODE_SEATS], usage, &seats) ? 0 : seats.used;
}

bool seattable_has(const struct node *node, const struct plic_seated_key *key)
{
	struct plic_seated seated;

	return bpf_map_lookup_elem(node->map[NODE_SEATED], key, &seated) == 0;
}

bool seattable_give(const struct node *node, const struct plic_seated_key *key, uint32_t seats,
		    bool over, uint64_t connections, uint64_t now_ns)
{
	struct plic_seated seated = {.connections = connections, .last_ns = now_ns};
	struct plic_seats used = {.used = seattable_used(node, &key->usage)};

	if (!over && used.used >= seats)
		return false;
	if (bpf_map_update_elem(node->map[NODE_SEATED], key, &seated, BPF_NOEXIST))
		return seattable_has(node, key);
	used.used++;
	bpf_map_update_elem(node->map[NODE_SEATS], &key->usage, &used, BPF_ANY);
	return true;
}

void seattable_free(const struct node *node, const struct seat *seat)
{
	struct plic_seated now;

	if (bpf_map_lookup_elem(node->map[NODE_SEATED], &seat->key, &now) == 0 &&
	    now.last_ns == seat->value.last_ns)
		bpf_map_delete_elem(node->map[NODE_SEATED], &seat->key);
}

static int by_usage(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct plic_usage_key));
}

/* seats is sorted by usage, which is where each record begins. */
static size_t count(const struct seat *seats, size_t n, const struct plic_usage_key *usage)
{
	const struct seat *at =
		n ? bsearch(usage, seats, n, sizeof(*seats), by_usage) : NULL; /* one of them */
	const struct seat *end = at;

	if (!at)
		return 0;
	while (at > seats && !by_usage(&at[-1], usage))
		at--;
	while (end < seats + n && !by_usage(end, usage))
		end++;
	return (size_t)(end - at);
}

int seattable_recount(const struct node *node,
		      bool (*alive)(const struct plic_usage_key *usage, void *data), void *data)
{
	int fd = node->map[NODE_SEATS];
	_free_ struct seats_used *used = NULL;
	_free_ struct seat *seats = NULL;
	size_t n_used, n;
	int r = seattable_read_used(node, &used, &n_used);

	if (r == 0)
		r = seattable_read(node, &seats, &n);
	if (r < 0)
		return r;
	qsort(seats, n, sizeof(*seats), by_usage);
	for (size_t i = 0; i < n_used; i++) {
		const struct plic_usage_key *usage = &used[i].usage;
		struct plic_seats counted = {.used = count(seats, n, usage)};
		uint64_t before = used[i].value.used, now = seattable_used(node, usage);

		if (!counted.used && !alive(usage, data))
			bpf_map_delete_elem(fd, usage);
		else if (before == now && now != counted.used) /* nobody was at it meanwhile */
			bpf_map_update_elem(fd, usage, &counted, BPF_EXIST);
	}
	return 0;
}

void seattable_forget(int seated, int seats, uint32_t gate)
{
	_free_ struct seats_used *used = NULL;
	_free_ struct seat *list = NULL;
	size_t n;

	if (read_seats(seated, &list, &n) == 0)
		for (size_t i = 0; i < n; i++)
			if (list[i].key.usage.owner == gate)
				bpf_map_delete_elem(seated, &list[i].key);
	if (read_used(seats, &used, &n) == 0)
		for (size_t i = 0; i < n; i++)
			if (used[i].usage.owner == gate)
				bpf_map_delete_elem(seats, &used[i].usage);
}
