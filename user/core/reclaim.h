/* SPDX-License-Identifier: MIT */
/*
 * reclaim.h - takes back what nodes have borrowed that are gone. The elected writer does it. Pure.
 *
 * A node's Lease (tenure.h) is unchanged for what it says, a twentieth of that for clocks that differ, and
 * RECLAIM_MARGIN_S, since the writer saw that version first: what the node had isn't in force any more. Then, in
 * this order: the pool is read; the node's Lease is read: the version is still that one; the pool is written
 * without the node, in place of the version that was read. The order matters: a node that comes back writes
 * the pool only after it has renewed its Lease. So either the second step sees that, or the third conflicts.
 * That holds whoever does it and however long a step takes: being the only one saves requests, no more.
 *
 * A node in a pool without a Lease (somebody has deleted it) may hold for as long as any node may.
 */
#ifndef PORTLIC_RECLAIM_H
#define PORTLIC_RECLAIM_H

#include "outcome.h"
#include "seatpool.h"
#include "tenure.h"

#define RECLAIM_MARGIN_S 15  /* more than a request lasts */
#define RECLAIM_DRIFT 20     /* a twentieth of hold */
#define RECLAIM_AT_ONCE 8    /* nodes taken out of a pool by one write */
#define RECLAIM_PAUSE_S 10   /* between two lists of the pools */
#define RECLAIM_LIST_S 600   /* the pools are listed so often at least */
#define RECLAIM_EMPTY_S 3600 /* a pool that is empty for so long is deleted */
#define RECLAIM_RETRY_S 5    /* after a conflict or a failure, twice that at most */

enum reclaim_step {
	RECLAIM_WAIT,
	RECLAIM_LIST,	      /* all pools: reclaim_listed for each, then reclaim_answered */
	RECLAIM_POOL,	      /* GET of the pool: reclaim_got_pool */
	RECLAIM_LEASE,	      /* GET of the node's Lease: reclaim_got_lease, or MISSING */
	RECLAIM_PUT,	      /* the pool: reclaim_pool() in place of the version that was read */
	RECLAIM_DELETE_POOL,  /* with that version as precondition */
	RECLAIM_DELETE_LEASE, /* of a node that is in no pool: with the version as precondition */
};

struct reclaim; /* the book */

/* Texts are valid until the next call of a function with the book that isn't reclaim_sent. */
struct reclaim_request {
	enum reclaim_step step;
	const char *pool;	      /* name of its Lease */
	const char *node;	      /* whose Lease */
	const char *version;	      /* what PUT replaces; the precondition of DELETE */
	const struct seatpool *write; /* PUT */
};

int reclaim_new(struct reclaim **out); /* -ENOMEM */
void reclaim_free(struct reclaim *r);  /* NULL-safe */

/*
 * The watch of the borrowers' Leases. A list: begin, saw .., end. node: the holder, whose Lease is called after
 * it (another one is none). -ENOMEM.
 */
void reclaim_begin(struct reclaim *r);
int reclaim_saw(struct reclaim *r, const char *node, const char *version, int64_t duration_s,
		uint64_t now_ns);
void reclaim_gone(struct reclaim *r, const char *node, uint64_t now_ns);
void reclaim_end(struct reclaim *r, uint64_t now_ns);

struct reclaim_request reclaim_next(struct reclaim *r, uint64_t now_ns);
void reclaim_sent(struct reclaim *r, const struct reclaim_request *request, uint64_t now_ns);

/*
 * What came, before reclaim_answered(OUTCOME_DONE). -ENOMEM, and a text that can't be read: OUTCOME_FAILED instead.
 * LIST: each pool; NULL: its text is none, it is left alone. POOL: the book takes it over. LEASE: a version is
 * there.
 */
int reclaim_listed(struct reclaim *r, const char *name, const char *version,
		   const struct seatpool *pool, uint64_t now_ns);
int reclaim_got_pool(struct reclaim *r, const char *name, const char *version,
		     struct seatpool *pool, uint64_t now_ns);
int reclaim_got_lease(struct reclaim *r, const char *version, int64_t duration_s, uint64_t now_ns);
/* The end of the request. Returns how many nodes a PUT has taken out. */
size_t reclaim_answered(struct reclaim *r, enum outcome answer, uint64_t now_ns, uint32_t random);

#endif
