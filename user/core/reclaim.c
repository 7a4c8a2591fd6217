/* SPDX-License-Identifier: MIT */
/* reclaim.c - the steps of taking back. */
#include "reclaim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "reclaim_priv.h"

#define S 1000000000ULL

static const struct reclaim_request nothing = {.step = RECLAIM_WAIT};

void reclaim_put_down(struct reclaim *r)
{
	for (size_t i = 0; i < r->n_picks; i++)
		free(r->picks[i].node);
	r->n_picks = 0;
	seatpool_free(&r->pool);
	free(TAKE_PTR(r->name));
	free(TAKE_PTR(r->version));
}

static struct known_pool *find_pool(const struct reclaim *r, const char *name)
{
	for (size_t i = 0; i < r->n_pools; i++)
		if (!strcmp(r->pools[i].name, name))
			return &r->pools[i];
	return NULL;
}

static void forget_pool(struct reclaim *r, struct known_pool *pool)
{
	free(pool->name);
	free(pool->version);
	memmove(pool, pool + 1, (size_t)(&r->pools[--r->n_pools] - pool) * sizeof(*pool));
}

/* ---- what is asked next ---- */

/* The pool that is at work: the Leases of those who are to be taken out, then the write. */
static struct reclaim_request next_of_pool(const struct reclaim *r)
{
	struct reclaim_request put = {
		.step = RECLAIM_PUT, .pool = r->name, .version = r->version, .write = &r->pool};

	for (size_t i = 0; i < r->n_picks; i++)
		if (!r->picks[i].asked)
			return (struct reclaim_request){.step = RECLAIM_LEASE,
							.node = r->picks[i].node};
	return put;
}

static struct reclaim_request doom(struct reclaim *r, enum reclaim_step step, const char *what,
				   const char *version)
{
	free(r->doomed);
	r->doomed = strdup(what);
	if (!r->doomed)
		return nothing;
	return (struct reclaim_request){.step = step,
					.pool = step == RECLAIM_DELETE_POOL ? r->doomed : NULL,
					.node = step == RECLAIM_DELETE_LEASE ? r->doomed : NULL,
					.version = version};
}

/* A node that is in no pool doesn't miss its Lease; nodes come and go under new names for ever. */
static struct reclaim_request next_deletion(struct reclaim *r, uint64_t now_ns)
{
	for (size_t i = 0; i < r->n_pools; i++)
		if (r->pools[i].empty_ns && now_ns - r->pools[i].empty_ns >= RECLAIM_EMPTY_S * S)
			return doom(r, RECLAIM_DELETE_POOL, r->pools[i].name, r->pools[i].version);
	for (size_t i = 0; r->list_sent_ns && i < r->n_nodes; i++) {
		struct borrower *b = &r->nodes[i];

		if (b->version && !b->in_pool && reclaim_is_due(b, now_ns))
			return doom(r, RECLAIM_DELETE_LEASE, b->node, b->version);
	}
	return nothing;
}

/* Who is due since the last list: which pools it is in isn't known. Of many that go one by one some share a list. */
static bool calls_for_list(const struct reclaim *r, uint64_t now_ns)
{
	if (!r->list_sent_ns || now_ns >= r->list_ns)
		return true;
	if (now_ns < r->list_sent_ns + RECLAIM_PAUSE_S * S)
		return false;
	for (size_t i = 0; i < r->n_nodes; i++)
		if (reclaim_is_due(&r->nodes[i], now_ns) &&
		    reclaim_due_ns(&r->nodes[i]) > r->list_sent_ns)
			return true;
	return false;
}

struct reclaim_request reclaim_next(struct reclaim *r, uint64_t now_ns)
{
	if (!r->synced || r->sent_ns || now_ns < r->next_ns)
		return nothing;
	if (r->name)
		return next_of_pool(r);
	for (size_t i = 0; i < r->n_pools; i++)
		if (r->pools[i].due)
			return (struct reclaim_request){.step = RECLAIM_POOL,
							.pool = r->pools[i].name};
	if (calls_for_list(r, now_ns))
		return (struct reclaim_request){.step = RECLAIM_LIST};
	return next_deletion(r, now_ns);
}

void reclaim_sent(struct reclaim *r, const struct reclaim_request *request, uint64_t now_ns)
{
	r->sent_ns = now_ns;
	r->asked = request->step;
	if (request->step != RECLAIM_LIST)
		return;
	r->list_sent_ns = 0; /* nothing is known until all of it came */
	for (size_t i = 0; i < r->n_nodes; i++)
		r->nodes[i].in_pool = false;
	for (size_t i = 0; i < r->n_pools; i++)
		r->pools[i].listed = r->pools[i].due = false;
}

/* ---- the list of pools ---- */

static struct known_pool *add_pool(struct reclaim *r, const char *name)
{
	struct known_pool *pool = find_pool(r, name);
	char *copy;

	if (pool)
		return pool;
	copy = strdup(name);
	if (!copy || array_grow(&r->pools, r->n_pools, &r->pools_room, sizeof(*r->pools))) {
		free(copy);
		return NULL;
	}
	pool = &r->pools[r->n_pools++];
	*pool = (struct known_pool){.name = copy};
	return pool;
}

static int look_at_nodes(struct reclaim *r, struct known_pool *known, const struct seatpool *pool,
			 uint64_t now_ns)
{
	for (size_t i = 0; i < pool->n_nodes; i++) {
		struct borrower *b = reclaim_add(r, pool->nodes[i].name, now_ns);

		if (!b)
			return -ENOMEM;
		b->in_pool = true;
		known->due |= reclaim_is_due(b, now_ns);
	}
	return 0;
}

int reclaim_listed(struct reclaim *r, const char *name, const char *version,
		   const struct seatpool *pool, uint64_t now_ns)
{
	struct known_pool *known = add_pool(r, name);
	bool same = known && known->version && !strcmp(known->version, version);
	char *copy = known && !same ? strdup(version) : NULL;

	if (!known || (!same && !copy))
		return -ENOMEM;
	if (!same) {
		free(known->version);
		known->version = copy;
		known->empty_ns = 0;
	}
	known->listed = true;
	if (!pool)
		return 0;
	if (!seatpool_empty(pool))
		known->empty_ns = 0;
	else if (!known->empty_ns)
		known->empty_ns = now_ns;
	return look_at_nodes(r, known, pool, now_ns);
}

/* What wasn't named is gone; a node without a Lease that is in no pool is of no interest. */
static void listed_all(struct reclaim *r, uint64_t sent_ns, uint64_t now_ns)
{
	r->list_sent_ns = sent_ns;
	r->list_ns = now_ns + RECLAIM_LIST_S * S;
	for (size_t i = r->n_pools; i-- > 0;)
		if (!r->pools[i].listed)
			forget_pool(r, &r->pools[i]);
	for (size_t i = r->n_nodes; i-- > 0;)
		if (!r->nodes[i].version && !r->nodes[i].in_pool)
			reclaim_forget(r, i);
}

/* ---- one pool ---- */

static int pick(struct reclaim *r, uint64_t now_ns)
{
	for (size_t i = 0; i < r->pool.n_nodes && r->n_picks < RECLAIM_AT_ONCE; i++) {
		const char *node = r->pool.nodes[i].name;
		const struct borrower *b = reclaim_find(r, node);
		char *copy;

		if (!b || !reclaim_is_due(b, now_ns))
			continue;
		copy = strdup(node);
		if (!copy)
			return -ENOMEM;
		r->picks[r->n_picks++] = (struct pick){.node = copy};
	}
	return 0;
}

int reclaim_got_pool(struct reclaim *r, const char *name, const char *version,
		     struct seatpool *pool, uint64_t now_ns)
{
	struct known_pool *known = find_pool(r, name);
	int err = 0;

	reclaim_put_down(r);
	r->pool = *pool;
	*pool = (struct seatpool){0};
	r->name = strdup(name);
	r->version = strdup(version);
	if (!r->name || !r->version || pick(r, now_ns))
		err = -ENOMEM;
	if (err || !r->n_picks) {
		reclaim_put_down(r);
		if (known && !err)
			known->due = false;
	}
	return err;
}

/* The first whose Lease wasn't asked for yet: it is the one that was. */
static struct pick *picked(struct reclaim *r)
{
	for (size_t i = 0; i < r->n_picks; i++)
		if (!r->picks[i].asked)
			return &r->picks[i];
	return NULL;
}

/* All are asked for: those who came back stay, and with nobody left to take out the pool is put down. */
static void judge(struct reclaim *r, struct pick *p, bool gone)
{
	bool any = false;

	p->asked = true;
	p->gone = gone;
	if (gone)
		seatpool_remove(&r->pool, p->node);
	for (size_t i = 0; i < r->n_picks; i++)
		any |= r->picks[i].gone || !r->picks[i].asked;
	if (!any)
		reclaim_put_down(r);
}

int reclaim_got_lease(struct reclaim *r, const char *version, int64_t duration_s, uint64_t now_ns)
{
	struct pick *p = picked(r);
	const struct borrower *b = p ? reclaim_find(r, p->node) : NULL;
	int err = 0;

	if (!p)
		return 0;
	if (b && b->version && !strcmp(b->version, version) && reclaim_is_due(b, now_ns)) {
		judge(r, p, true);
		return 0;
	}
	err = reclaim_saw(r, p->node, version, duration_s, now_ns);
	judge(r, p, false);
	return err;
}

static void lease_missing(struct reclaim *r, uint64_t now_ns)
{
	struct pick *p = picked(r);
	struct borrower *b = p ? reclaim_find(r, p->node) : NULL;

	if (!p)
		return;
	if (b && b->version)
		reclaim_gone(r, p->node, now_ns);
	judge(r, p, b && reclaim_is_due(b, now_ns));
}

/* ---- any other answer ---- */

static size_t was_put(struct reclaim *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_picks; i++)
		n += r->picks[i].gone;
	/* There may be more in it than one write takes out: it stays due until a look finds none. */
	reclaim_put_down(r);
	return n;
}

static void was_deleted(struct reclaim *r, uint64_t now_ns)
{
	struct known_pool *pool = find_pool(r, r->doomed);

	if (r->asked == RECLAIM_DELETE_LEASE)
		reclaim_gone(r, r->doomed, now_ns);
	else if (pool)
		forget_pool(r, pool);
}

static void pool_missing(struct reclaim *r)
{
	for (size_t i = r->n_pools; i-- > 0;)
		if (r->pools[i].due) {
			forget_pool(r, &r->pools[i]);
			break;
		}
}

/* A pool that somebody else has written is looked at again; else with the list. */
static void begin_anew(struct reclaim *r, uint64_t now_ns, uint32_t random)
{
	if (!r->name || r->asked != RECLAIM_PUT) {
		r->list_sent_ns = 0;
		for (size_t i = 0; i < r->n_pools; i++)
			r->pools[i].due = false;
	}
	reclaim_put_down(r);
	r->next_ns = now_ns + RECLAIM_RETRY_S * S + (RECLAIM_RETRY_S * S >> 16) * (random >> 16);
}

size_t reclaim_answered(struct reclaim *r, enum outcome answer, uint64_t now_ns, uint32_t random)
{
	uint64_t sent_ns = r->sent_ns;
	bool deletes = r->asked == RECLAIM_DELETE_POOL || r->asked == RECLAIM_DELETE_LEASE;

	r->sent_ns = 0;
	if (answer == OUTCOME_MISSING && r->asked == RECLAIM_LEASE) {
		lease_missing(r, now_ns);
	} else if (deletes && (answer == OUTCOME_DONE || answer == OUTCOME_MISSING)) {
		was_deleted(r, now_ns);
	} else if (answer == OUTCOME_MISSING && r->asked == RECLAIM_POOL) {
		pool_missing(r);
	} else if (answer != OUTCOME_DONE) {
		begin_anew(r, now_ns, random);
	} else if (r->asked == RECLAIM_LIST) {
		listed_all(r, sent_ns, now_ns);
	} else if (r->asked == RECLAIM_PUT) {
		return was_put(r);
	}
	return 0;
}
