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

static struct plic_source_key key_of(uint32_t set, const uint8_t address[16], uint8_t len)
{
	struct plic_source_key key = {.prefixlen = SET_BITS + len, .set = set};

	memcpy(key.address, address, sizeof(key.address));
	return key;
}

static int put_set(int map, const struct source_set *set)
{
	int r = 0;

	for (size_t i = 0; i < set->n_prefixes && r == 0; i++) {
		const struct source_prefix *p = &set->prefixes[i];
		struct plic_source_key key = key_of(set->id, p->address, p->len);
		uint32_t in = p->in;

		r = bpf_map_update_elem(map, &key, &in, BPF_ANY);
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
	const struct origin_network *list;
	size_t n;
};

static bool keeps_origin(const struct plic_source_key *key, void *data)
{
	const struct origins *origins = data;
	bool keep = key->set != PLIC_SOURCES_ORIGINS;

	for (size_t i = 0; i < origins->n && !keep; i++) {
		const struct cidr *at = &origins->list[i].at;

		keep = key->prefixlen == SET_BITS + (uint32_t)at->len &&
		       !memcmp(key->address, at->address, sizeof(at->address));
	}
	return keep;
}

int sourcesets_origins(struct node *node, const struct origin_network *list, size_t n,
		       struct fault *f)
{
	int map = node->map[NODE_SOURCES], r = 0;
	struct origins origins = {list, n};

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
