/* SPDX-License-Identifier: MIT */
/* sourcesets.c - the trie of addresses, written and cleared. */
#include "sourcesets.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "node_priv.h"
#include "portlic.h"

#define SET_BITS 32 /* of a key, in front of the address */
#define WHOLE (SET_BITS + 128)

static struct plic_source_key key_of(uint32_t set, const uint8_t address[16], uint8_t len)
{
	struct plic_source_key key = {.prefixlen = SET_BITS + len, .set = set};

	memcpy(key.address, address, sizeof(key.address));
	return key;
}

/* An address of a set that is a pod's: only a key of all bits has that in its value. */
static bool is_pods(int map, const struct plic_source_key *key, uint32_t *value)
{
	return key->prefixlen == WHOLE && !bpf_map_lookup_elem(map, key, value) &&
	       (*value & PLIC_SOURCE_POD);
}

static int put_set(int map, const struct source_set *set)
{
	int r = 0;

	for (size_t i = 0; i < set->n_prefixes && r == 0; i++) {
		const struct source_prefix *p = &set->prefixes[i];
		struct plic_source_key key = key_of(set->id, p->address, p->len);
		uint32_t before, value = p->in ? PLIC_SOURCE_IN : 0;

		if (is_pods(map, &key, &before))
			value |= PLIC_SOURCE_POD | PLIC_SOURCE_NETWORK;
		r = bpf_map_update_elem(map, &key, &value, BPF_ANY);
	}
	return r;
}

int sourcesets_put(struct node *node, const struct source_set *const *sets, size_t n,
		   struct fault *f)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = put_set(node->map[NODE_SOURCES], sets[i]);
	if (r == -ENOSPC)
		return fault_set(f, ENOSPC,
				 "the networks of all policies are more than the %d that fit; join "
				 "some",
				 PLIC_MAX_SOURCES);
	return r < 0 ? fault_set(f, -r, "can't write the networks of a policy: %s", strerror(-r))
		     : 0;
}

static int change(int map, const struct source_change *c)
{
	struct plic_source_key key = key_of(c->set, c->address, 128);
	uint32_t value = c->under == SOURCE_UNDER_IN ? PLIC_SOURCE_IN : 0;
	int r;

	if (!c->in && c->under == SOURCE_UNDER_NONE) {
		r = bpf_map_delete_elem(map, &key);
		return r == -ENOENT ? 0 : r;
	}
	if (c->in)
		value |=
			PLIC_SOURCE_POD | (c->under == SOURCE_UNDER_NONE ? 0 : PLIC_SOURCE_NETWORK);
	return bpf_map_update_elem(map, &key, &value, BPF_ANY);
}

/* Those that come in, or the others. */
static int change_all(int map, struct source_change *changes, size_t n, bool in)
{
	int first = 0;

	for (size_t i = 0; i < n; i++) {
		int r = changes[i].in == in ? change(map, &changes[i]) : 0;

		if (changes[i].in == in)
			changes[i].done = r == 0;
		if (r < 0 && !first)
			first = r;
	}
	return first;
}

int sourcesets_change(struct node *node, struct source_change *changes, size_t n, struct fault *f)
{
	int r = change_all(node->map[NODE_SOURCES], changes, n, false);
	int in = change_all(node->map[NODE_SOURCES], changes, n, true);

	r = r ? r : in;
	if (r == -ENOSPC)
		return fault_set(f, ENOSPC,
				 "the addresses and networks of all policies are more than the %d "
				 "that fit; let policies name fewer pods",
				 PLIC_MAX_SOURCES);
	return r < 0 ? fault_set(f, -r, "can't write the addresses of pods: %s", strerror(-r)) : 0;
}

int sourcesets_pods(struct node *node, struct source_change **out, size_t *n)
{
	int map = node->map[NODE_SOURCES];
	_free_ struct source_change *list = NULL;
	struct plic_source_key key, *last = NULL, next;
	size_t room = 0, found = 0;
	uint32_t value;

	for (; !bpf_map_get_next_key(map, last, &next); key = next, last = &key) {
		if (next.set == PLIC_SOURCES_ORIGINS || !is_pods(map, &next, &value))
			continue;
		if (array_grow(&list, found, &room, sizeof(*list)))
			return -ENOMEM;
		list[found] = (struct source_change){.set = next.set, .in = true, .done = true};
		if (value & PLIC_SOURCE_NETWORK)
			list[found].under =
				value & PLIC_SOURCE_IN ? SOURCE_UNDER_IN : SOURCE_UNDER_OUT;
		memcpy(list[found++].address, next.address, sizeof(next.address));
	}
	*out = TAKE_PTR(list);
	*n = found;
	return 0;
}

/* Deletes what keep() doesn't want. All keys are read first: the walk goes astray when one goes. */
static int sweep(int map, bool (*keep)(const struct plic_source_key *key, void *data), void *data)
{
	_free_ struct plic_source_key *keys = calloc(PLIC_MAX_SOURCES, sizeof(*keys));
	size_t n = 0;

	if (!keys)
		return -ENOMEM;
	while (n < PLIC_MAX_SOURCES &&
	       !bpf_map_get_next_key(map, n ? &keys[n - 1] : NULL, &keys[n]))
		n++;
	while (n--)
		if (!keep(&keys[n], data))
			bpf_map_delete_elem(map, &keys[n]);
	return 0;
}

struct ids {
	const uint32_t *list;
	size_t n;
};

static bool keeps_set(const struct plic_source_key *key, void *data)
{
	const struct ids *ids = data;
	bool keep = key->set == PLIC_SOURCES_ORIGINS;

	for (size_t i = 0; i < ids->n && !keep; i++)
		keep = key->set == ids->list[i];
	return keep;
}

int sourcesets_keep(struct node *node, const uint32_t *ids, size_t n, struct fault *f)
{
	struct ids keep = {ids, n};

	return sweep(node->map[NODE_SOURCES], keeps_set, &keep)
		       ? fault_set(f, ENOMEM, "no memory for the networks of policies")
		       : 0;
}

struct origins {
	struct cidr *list; /* sorted: a cluster may have thousands of nodes */
	size_t n;
};

static int by_network(const void *a, const void *b)
{
	const struct cidr *x = a, *y = b;
	int r = memcmp(x->address, y->address, sizeof(x->address));

	return r ? r : x->len - y->len;
}

static bool keeps_origin(const struct plic_source_key *key, void *data)
{
	const struct origins *origins = data;
	struct cidr at = {.len = (uint8_t)(key->prefixlen - SET_BITS)};

	memcpy(at.address, key->address, sizeof(at.address));
	return key->set != PLIC_SOURCES_ORIGINS ||
	       bsearch(&at, origins->list, origins->n, sizeof(at), by_network);
}

int sourcesets_origins(struct node *node, const struct origin_network *list, size_t n,
		       struct fault *f)
{
	int map = node->map[NODE_SOURCES], r = 0;
	_free_ struct cidr *sorted = calloc(n + 1, sizeof(*sorted));
	struct origins origins = {sorted, n};

	if (!sorted)
		return fault_set(f, ENOMEM, "no memory for whose addresses are whose");
	for (size_t i = 0; i < n; i++)
		sorted[i] = list[i].at;
	qsort(sorted, n, sizeof(*sorted), by_network);
	for (size_t i = n; i > 0 && r == 0; i--) {
		const struct origin_network *o = &list[i - 1];
		struct plic_source_key key = key_of(PLIC_SOURCES_ORIGINS, o->at.address, o->at.len);
		uint32_t origin = o->origin;

		r = bpf_map_update_elem(map, &key, &origin, BPF_ANY);
	}
	if (r == 0)
		r = sweep(map, keeps_origin, &origins);
	return r < 0 ? fault_set(f, -r, "can't write whose addresses are whose: %s", strerror(-r))
		     : 0;
}
