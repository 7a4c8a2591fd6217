/* SPDX-License-Identifier: MIT */
/* peerset_priv.h - the inside of a peerset, for peerset*.c. */
#ifndef PORTLIC_PEERSET_PRIV_H
#define PORTLIC_PEERSET_PRIV_H

#include "peerset.h"

struct peer_namespace {
	char *name;
	struct labels labels;
	bool known;  /* its labels are */
	size_t refs; /* pods */
	uint32_t round;
};

struct peer_address {
	uint8_t at[16];
	struct peer *owner; /* NULL: nobody's any more */
	size_t refs;	    /* pods that say it is theirs */
	uint32_t *sets;	    /* that it is in, in the kernel */
	size_t n_sets;
	size_t index; /* in the list of all */
	bool dirty;
	bool inherited; /* in a set by an earlier agent's word, whose feeds may not be known yet */
};

struct peer_membership {
	struct peer_feed *feed;
	uint32_t round; /* of the last list that showed it */
};

struct peer {
	char *uid;
	struct peer_namespace *namespace;
	int64_t created;
	bool terminating;
	size_t index; /* in the list of all */
	struct peer_membership *feeds;
	size_t n_feeds;
	struct peer_address **addresses;
	size_t n_addresses;
};

/* An entry of a set. */
struct peer_use {
	struct peer_set *set;
	struct peer_feed *feed;
	struct selector *namespaces; /* NULL: all of the feed */
};

struct peer_set {
	uint32_t id;
	struct peer_use **uses;
	size_t n_uses;
};

struct peerset {
	struct peer_feed **feeds;
	struct peer_set **sets;
	size_t n_feeds, n_sets;
	/* By UID, address and name (tsearch), and the same in lists. */
	void *peers_by_uid, *addresses_by_at, *namespaces_by_name;
	struct peer **peers;
	struct peer_address **addresses, **dirty;
	struct peer_namespace **namespaces;
	size_t n_peers, peers_room, n_addresses, addresses_room;
	size_t n_dirty, dirty_room; /* never less than addresses_room: to mark one can't fail */
	size_t n_namespaces, namespaces_room;
	uint32_t namespaces_round;
	bool namespaces_listing, namespaces_known;
	bool changed; /* since peerset_changed() */
	size_t in_force, lacking;
};

/* peerset_pods.c */
void peerset_mark(struct peerset *ps, struct peer_address *address);
void peerset_mark_pod(struct peerset *ps, struct peer *peer);
void peerset_mark_feed(struct peerset *ps, const struct peer_feed *feed);
struct peer_address *peerset_address(struct peerset *ps, const uint8_t at[16]); /* new or not */
void peerset_drop_address(struct peerset *ps, struct peer_address *address); /* that nobody has */
void peerset_drop_pods(struct peerset *ps);				     /* all */

/* peerset_names.c */
struct peer_namespace *peerset_namespace_ref(struct peerset *ps, const char *name);
void peerset_namespace_put(struct peerset *ps, struct peer_namespace *ns);
void peerset_drop_namespaces(struct peerset *ps);

/* peerset.c: a feed by namespace and text, new or not. selector NULL: as it is. */
struct peer_feed *peerset_feed_of(struct peerset *ps, const char *namespace, const char *text,
				  const struct selector *selector);

#endif
