/* SPDX-License-Identifier: MIT */
/* reclaim_priv.h - the writer's book of borrowers and pools: what reclaim.c and reclaim_book.c share. */
#ifndef PORTLIC_RECLAIM_PRIV_H
#define PORTLIC_RECLAIM_PRIV_H

#include "reclaim.h"

struct borrower {
	char *node;
	char *version;	  /* of its Lease; NULL: there is none */
	uint32_t hold_s;  /* as the Lease says */
	uint64_t seen_ns; /* when that was seen first */
	uint32_t round;	  /* of the watch's lists */
	bool in_pool;	  /* by the last list of pools */
};

struct known_pool {
	char *name, *version;
	uint64_t empty_ns; /* since when it is seen empty; 0: it isn't */
	bool due;	   /* somebody is to be taken out of it */
	bool listed;
};

struct pick {
	char *node;
	bool asked, gone;
};

struct reclaim {
	struct borrower *nodes; /* by name */
	size_t n_nodes, nodes_room;
	struct known_pool *pools;
	size_t n_pools, pools_room;
	uint32_t round;
	bool listing, synced;  /* the watch */
	uint64_t list_sent_ns; /* of the last list of pools that came whole, 0: none did */
	uint64_t list_ns;      /* when the next one is due at the latest */
	uint64_t sent_ns, next_ns;
	enum reclaim_step asked;
	/* The one that runs. */
	char *name, *version; /* of a pool, read: its name and version; NULL: none is at work */
	struct seatpool pool;
	struct pick picks[RECLAIM_AT_ONCE];
	size_t n_picks;
	char *doomed; /* of RECLAIM_DELETE_*: what is being deleted */
};

struct borrower *reclaim_find(const struct reclaim *r, const char *node);
/* Puts it there, seen now, without a Lease. NULL: no memory. */
struct borrower *reclaim_add(struct reclaim *r, const char *node, uint64_t now_ns);
void reclaim_forget(struct reclaim *r, size_t i);
/* What the node had is in force no more. */
bool reclaim_is_due(const struct borrower *node, uint64_t now_ns);
uint64_t reclaim_due_ns(const struct borrower *node);
/* Lets go of the pool that is at work. */
void reclaim_put_down(struct reclaim *r);

#endif
