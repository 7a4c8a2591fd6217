/* SPDX-License-Identifier: MIT */
/* peerset_changes.c - what the kernel has to be told, and what it has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "peerset_priv.h"

struct changes {
	struct source_change *list;
	size_t n, room;
};

static bool contains(const uint32_t *ids, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* The sets that an address has to be in; ids has room for all. */
static size_t wanted(const struct peer_address *a, uint32_t *ids)
{
	const struct peer *owner = a->owner;
	size_t n = 0;

	for (size_t i = 0; owner && i < owner->n_feeds; i++) {
		const struct peer_feed *feed = owner->feeds[i].feed;

		for (size_t j = 0; j < feed->n_uses; j++) {
			const struct peer_use *use = feed->uses[j];
			const struct peer_namespace *ns = owner->namespace;

			if ((!use->namespaces ||
			     (ns->known && selector_matches(use->namespaces, &ns->labels))) &&
			    !contains(ids, n, use->set->id))
				ids[n++] = use->set->id;
		}
	}
	return n;
}

static bool put(struct changes *changes, const struct peer_address *a, uint32_t id, bool in)
{
	struct source_change *c;

	if (array_grow(&changes->list, changes->n, &changes->room, sizeof(*changes->list)))
		return false;
	c = &changes->list[changes->n++];
	*c = (struct source_change){.set = id, .in = in};
	memcpy(c->address, a->at, sizeof(c->address));
	return true;
}

static bool add_set(struct peerset *ps, struct peer_address *a, uint32_t id)
{
	uint32_t *grown;

	if (contains(a->sets, a->n_sets, id))
		return true;
	grown = reallocarray(a->sets, a->n_sets + 1, sizeof(*grown));
	if (!grown)
		return false;
	a->sets = grown;
	a->sets[a->n_sets++] = id;
	ps->in_force++;
	return true;
}

static void remove_set(struct peerset *ps, struct peer_address *a, uint32_t id)
{
	for (size_t i = 0; i < a->n_sets; i++) {
		if (a->sets[i] != id)
			continue;
		a->sets[i] = a->sets[--a->n_sets];
		ps->in_force--;
		return;
	}
}

/* false: not all of it. */
static bool take_out(struct peerset *ps, struct peer_address *a, const uint32_t *ids, size_t n,
		     struct changes *changes)
{
	bool inherited = false;

	for (size_t i = a->n_sets; i-- > 0;) {
		uint32_t id = a->sets[i];

		if (contains(ids, n, id))
			continue;
		if (a->inherited && !peerset_knows(ps, id)) {
			inherited = true;
			continue;
		}
		if (!put(changes, a, id, false))
			return false;
		remove_set(ps, a, id);
	}
	a->inherited = inherited;
	return true;
}

static bool let_in(struct peerset *ps, struct peer_address *a, const uint32_t *ids, size_t n,
		   struct changes *changes)
{
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		if (contains(a->sets, a->n_sets, ids[i]))
			continue;
		if (ps->in_force >= PEERSET_MAX) {
			ps->lacking++;
			all = false;
		} else if (!add_set(ps, a, ids[i])) {
			all = false;
		} else if (!put(changes, a, ids[i], true)) {
			remove_set(ps, a, ids[i]);
			all = false;
		}
	}
	return all;
}

/* Nothing is left to do of it. */
static void done(struct peerset *ps, struct peer_address *a)
{
	a->dirty = false;
	if (!a->refs && !a->n_sets)
		peerset_drop_address(ps, a);
}

int peerset_changes(struct peerset *ps, struct source_change **out, size_t *n)
{
	_free_ uint32_t *ids = calloc(ps->n_sets + 1, sizeof(*ids));
	_free_ bool *left = calloc(ps->n_dirty + 1, sizeof(*left));
	struct changes changes = {0};
	size_t before = ps->n_dirty;

	if (!ids || !left)
		return -ENOMEM;
	ps->lacking = 0;
	for (size_t i = 0; i < before; i++)
		left[i] = !take_out(ps, ps->dirty[i], ids, wanted(ps->dirty[i], ids), &changes);
	for (size_t i = 0; i < before; i++)
		left[i] |= !let_in(ps, ps->dirty[i], ids, wanted(ps->dirty[i], ids), &changes);
	for (size_t i = ps->n_dirty = 0; i < before; i++) {
		if (left[i])
			ps->dirty[ps->n_dirty++] = ps->dirty[i];
		else
			done(ps, ps->dirty[i]);
	}
	*out = changes.list;
	*n = changes.n;
	return 0;
}

bool peerset_is_dirty(const struct peerset *ps)
{
	return ps->n_dirty;
}

void peerset_untold(struct peerset *ps, const struct source_change *change)
{
	struct peer_address *a = peerset_address(ps, change->address);

	if (!a)
		return;
	if (change->in)
		remove_set(ps, a, change->set);
	else
		add_set(ps, a, change->set);
	peerset_mark(ps, a);
}

int peerset_found(struct peerset *ps, const struct source_change *in_force, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < ps->n_addresses; i++)
		ps->addresses[i]->n_sets = 0;
	ps->in_force = 0;
	for (size_t i = 0; i < n && !err; i++) {
		struct peer_address *a = peerset_address(ps, in_force[i].address);

		if (!a || !add_set(ps, a, in_force[i].set))
			err = -ENOMEM;
		else
			a->inherited = true;
	}
	for (size_t i = 0; i < ps->n_addresses; i++)
		peerset_mark(ps, ps->addresses[i]);
	return err;
}

struct peerset_size peerset_size(const struct peerset *ps)
{
	struct peerset_size size = {.pods = ps->n_peers,
				    .addresses = ps->n_addresses,
				    .in_force = ps->in_force,
				    .lacking = ps->lacking};
	const size_t node = 4 * sizeof(void *); /* of a tree */

	size.bytes = ps->n_peers * (sizeof(struct peer) + node) +
		     ps->n_addresses * (sizeof(struct peer_address) + node) +
		     ps->in_force * sizeof(uint32_t) +
		     sizeof(void *) * (ps->peers_room + ps->addresses_room + ps->dirty_room);
	for (size_t i = 0; i < ps->n_peers; i++)
		size.bytes += strlen(ps->peers[i]->uid) + 1 +
			      ps->peers[i]->n_feeds * sizeof(struct peer_membership) +
			      ps->peers[i]->n_addresses * sizeof(void *);
	return size;
}
