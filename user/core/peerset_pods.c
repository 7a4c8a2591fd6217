/* SPDX-License-Identifier: MIT */
/* peerset_pods.c - pods, and whose an address is. */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "peerset_priv.h"

static int by_uid(const void *a, const void *b)
{
	const struct peer *x = a, *y = b;

	return strcmp(x->uid, y->uid);
}

static int by_at(const void *a, const void *b)
{
	const struct peer_address *x = a, *y = b;

	return memcmp(x->at, y->at, sizeof(x->at));
}

static struct peer *find(const struct peerset *ps, const char *uid)
{
	const struct peer key = {.uid = (char *)uid};
	struct peer **found = tfind(&key, &ps->peers_by_uid, by_uid);

	return found ? *found : NULL;
}

void peerset_mark(struct peerset *ps, struct peer_address *address)
{
	if (!address->dirty)
		ps->dirty[ps->n_dirty++] = address;
	address->dirty = true;
}

void peerset_mark_pod(struct peerset *ps, struct peer *peer)
{
	for (size_t i = 0; i < peer->n_addresses; i++)
		peerset_mark(ps, peer->addresses[i]);
}

static struct peer_membership *member(const struct peer *peer, const struct peer_feed *feed)
{
	for (size_t i = 0; i < peer->n_feeds; i++)
		if (peer->feeds[i].feed == feed)
			return &peer->feeds[i];
	return NULL;
}

void peerset_mark_feed(struct peerset *ps, const struct peer_feed *feed)
{
	for (size_t i = 0; feed->n_pods && i < ps->n_peers; i++)
		if (member(ps->peers[i], feed))
			peerset_mark_pod(ps, ps->peers[i]);
}

/* --- addresses */

static struct peer_address *find_address(const struct peerset *ps, const uint8_t at[16])
{
	struct peer_address key = {0}, **found;

	memcpy(key.at, at, sizeof(key.at));
	found = tfind(&key, &ps->addresses_by_at, by_at);
	return found ? *found : NULL;
}

struct peer_address *peerset_address(struct peerset *ps, const uint8_t at[16])
{
	struct peer_address *a = find_address(ps, at);

	if (a)
		return a;
	if (array_grow(&ps->addresses, ps->n_addresses, &ps->addresses_room, sizeof(a)) ||
	    (ps->dirty_room < ps->addresses_room &&
	     array_grow(&ps->dirty, ps->dirty_room, &ps->dirty_room, sizeof(a))))
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	memcpy(a->at, at, sizeof(a->at));
	if (!tsearch(a, &ps->addresses_by_at, by_at)) {
		free(a);
		return NULL;
	}
	a->index = ps->n_addresses;
	ps->addresses[ps->n_addresses++] = a;
	return a;
}

void peerset_drop_address(struct peerset *ps, struct peer_address *a)
{
	struct peer_address *last = ps->addresses[--ps->n_addresses];

	last->index = a->index;
	ps->addresses[a->index] = last;
	tdelete(a, &ps->addresses_by_at, by_at);
	free(a->sets);
	free(a);
}

static bool has(struct peer_address *const *list, size_t n, const struct peer_address *a)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == a)
			return true;
	return false;
}

/*
 * Who has it now stays its owner: a pod that ends gets no address any more, and of two in one list, where the
 * order says nothing, the younger one came later.
 */
static bool outlasts(const struct peer *owner, const struct peer *claimer, bool listed)
{
	if (owner->terminating != claimer->terminating)
		return claimer->terminating;
	return listed && owner->created > claimer->created;
}

static void claim(struct peerset *ps, struct peer_address *a, struct peer *peer, bool listed)
{
	if (a->owner == peer || (a->owner && outlasts(a->owner, peer, listed)))
		return;
	a->owner = peer;
	peerset_mark(ps, a);
}

static void give_up(struct peerset *ps, struct peer_address *a, const struct peer *peer)
{
	if (a->owner == peer)
		a->owner = NULL;
	a->refs--;
	ps->changed = true;
	peerset_mark(ps, a);
}

/* The addresses of a pod from now on. One that another pod took over comes back only if that one is gone. */
static int set_addresses(struct peerset *ps, struct peer *peer, const struct pod *pod, bool listed)
{
	struct peer_address **list = calloc(pod->n_ips, sizeof(struct peer_address *));
	struct peer_address **before = peer->addresses;
	size_t n_before = peer->n_addresses, n = 0;

	for (size_t i = 0; list && i < pod->n_ips; i++) {
		struct peer_address *a = peerset_address(ps, pod->ips[i].address);

		if (a && !has(list, n, a))
			list[n++] = a;
	}
	if (!list || n == 0) {
		free(list);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		bool had = has(before, n_before, list[i]);

		list[i]->refs++;
		if (!had || (!list[i]->owner && !peer->terminating))
			claim(ps, list[i], peer, listed);
		ps->changed |= !had;
	}
	peer->addresses = list;
	peer->n_addresses = n;
	for (size_t i = 0; i < n_before; i++) {
		if (has(list, n, before[i]))
			before[i]->refs--; /* counted once more above */
		else
			give_up(ps, before[i], peer);
	}
	free(before);
	return 0;
}

/* --- pods */

static void peer_free(struct peer *peer)
{
	free(peer->uid);
	free(peer->feeds);
	free(peer->addresses);
	free(peer);
}

static struct peer *peer_new(struct peerset *ps, const struct pod *pod)
{
	struct peer *peer;

	if (array_grow(&ps->peers, ps->n_peers, &ps->peers_room, sizeof(peer)))
		return NULL;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->uid = strdup(pod->uid);
	peer->namespace = peer->uid ? peerset_namespace_ref(ps, pod->namespace) : NULL;
	if (!peer->namespace || !tsearch(peer, &ps->peers_by_uid, by_uid)) {
		if (peer->namespace)
			peerset_namespace_put(ps, peer->namespace);
		peer_free(peer);
		return NULL;
	}
	peer->index = ps->n_peers;
	ps->peers[ps->n_peers++] = peer;
	return peer;
}

static void peer_drop(struct peerset *ps, struct peer *peer)
{
	struct peer *last = ps->peers[--ps->n_peers];

	for (size_t i = 0; i < peer->n_addresses; i++)
		give_up(ps, peer->addresses[i], peer);
	last->index = peer->index;
	ps->peers[peer->index] = last;
	tdelete(peer, &ps->peers_by_uid, by_uid);
	peerset_namespace_put(ps, peer->namespace);
	peer_free(peer);
}

void peerset_drop_pods(struct peerset *ps)
{
	while (ps->n_peers)
		peer_drop(ps, ps->peers[ps->n_peers - 1]);
	while (ps->n_addresses)
		peerset_drop_address(ps, ps->addresses[ps->n_addresses - 1]);
	free(ps->peers);
	free(ps->addresses);
	free(ps->dirty);
}

static int join(struct peerset *ps, struct peer *peer, struct peer_feed *feed)
{
	struct peer_membership *m = member(peer, feed), *grown;

	if (!m) {
		grown = reallocarray(peer->feeds, peer->n_feeds + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		peer->feeds = grown;
		m = &grown[peer->n_feeds++];
		m->feed = feed;
		feed->n_pods++;
		ps->changed = true;
		peerset_mark_pod(ps, peer);
	}
	m->round = feed->round;
	return 0;
}

/* false: it was the last feed that showed it, and it is gone. */
static bool leave(struct peerset *ps, struct peer *peer, struct peer_feed *feed)
{
	struct peer_membership *m = member(peer, feed);

	if (!m)
		return true;
	*m = peer->feeds[--peer->n_feeds];
	feed->n_pods--;
	ps->changed = true;
	peerset_mark_pod(ps, peer);
	if (peer->n_feeds)
		return true;
	peer_drop(ps, peer);
	return false;
}

static bool is_in(const struct peer_feed *feed, const struct pod *pod)
{
	return !pod->host_network && !pod->ended && pod->n_ips &&
	       (!feed->namespace || !strcmp(feed->namespace, pod->namespace)) &&
	       (!feed->selector || selector_matches(feed->selector, &pod->labels));
}

void peerset_begin(struct peerset *ps, struct peer_feed *feed)
{
	feed->round++;
	feed->listing = true;
}

int peerset_pod(struct peerset *ps, struct peer_feed *feed, const struct pod *pod)
{
	struct peer *peer;
	int err;

	peer = find(ps, pod->uid);
	if (peer && strcmp(peer->namespace->name, pod->namespace) != 0)
		return 0;	  /* it isn't that one: see pod_uid() */
	if (peer && pod->ended) { /* whatever other feeds haven't heard yet */
		while (leave(ps, peer, peer->feeds[0].feed))
			;
		return 0;
	}
	if (!is_in(feed, pod)) {
		if (peer)
			leave(ps, peer, feed);
		return 0;
	}
	if (!peer)
		peer = peer_new(ps, pod);
	if (!peer)
		return -ENOMEM;
	peer->created = pod->created;
	peer->terminating = pod->terminating;
	err = set_addresses(ps, peer, pod, feed->listing);
	if (!err)
		err = join(ps, peer, feed);
	if (err && !peer->n_feeds)
		peer_drop(ps, peer);
	return err;
}

void peerset_gone(struct peerset *ps, struct peer_feed *feed, const char *uid)
{
	struct peer *peer = find(ps, uid);

	if (peer)
		leave(ps, peer, feed);
}

void peerset_end(struct peerset *ps, struct peer_feed *feed)
{
	if (!feed->listing)
		return;
	feed->listing = false;
	for (size_t i = ps->n_peers; i-- > 0;) {
		struct peer_membership *m = member(ps->peers[i], feed);

		if (m && m->round != feed->round)
			leave(ps, ps->peers[i], feed);
	}
	if (feed->known)
		return;
	feed->known = ps->changed = true;
	/* What an earlier agent left in its sets may go now. */
	for (size_t i = 0; i < ps->n_addresses; i++)
		peerset_mark(ps, ps->addresses[i]);
}

void peerset_claim(struct peerset *ps, const struct pod *pod)
{
	if (pod->host_network || pod->ended || pod->terminating || find(ps, pod->uid))
		return;
	for (size_t i = 0; i < pod->n_ips; i++) {
		struct peer_address *a = find_address(ps, pod->ips[i].address);

		if (!a || !a->owner || a->owner->created > pod->created)
			continue;
		a->owner = NULL;
		peerset_mark(ps, a);
	}
}
