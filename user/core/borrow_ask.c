/* SPDX-License-Identifier: MIT */
/* borrow_ask.c - a line's visits to its pool. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "borrow.h"
#include "borrow_priv.h"
#include "pace.h"

#define S 1000000000ULL
#define MS 1000000ULL

/* Up to so many seconds, by lot. */
static uint64_t lot_ns(uint64_t s, uint32_t random)
{
	return (s * S >> 16) * (random >> 16);
}

/* ---- what is to be written ---- */

/*
 * What the pool is to say of us: never less than the kernel has or is about to get, though time has passed since
 * has_news(). allow is what the last round wrote, share what was there before.
 */
static uint32_t to_write(const struct borrow *b, const struct borrow_port *p, uint64_t now_ns)
{
	uint32_t n = borrow_target(b, p, now_ns);

	if (n < p->allow)
		n = p->allow;
	return n < p->share ? p->share : n;
}

/* That somebody waits has to be known, not who all do. */
static bool to_mark(const struct borrow *b, const struct borrow_port *p, uint64_t now_ns)
{
	return !p->full && borrow_short(b, p, now_ns) &&
	       (p->marked || p->waiting < SEATPOOL_WAITING);
}

/*
 * The kernel has no more than it ought to, or than who sit there, and `used` was counted after it had: only then
 * anything is written. Those beyond a limit that shrank may stay for long, and the other ports don't wait for them.
 */
static bool is_settled(const struct borrow *b, const struct borrow_port *p, uint64_t now_ns)
{
	uint32_t target = borrow_target(b, p, now_ns);

	return (p->share <= target || p->share <= p->now.used) && p->allow <= target;
}

static bool differs(const struct borrow *b, const struct borrow_port *p, uint64_t now_ns)
{
	uint32_t n = to_write(b, p, now_ns);

	/* What the pool has for us, but nobody knows since when, becomes ours by a write too. */
	return n != p->entry || n > p->lent || to_mark(b, p, now_ns) != p->marked;
}

static bool has_news(const struct borrow *b, uint64_t now_ns)
{
	bool news = false;

	for (size_t i = 0; b->looked && i < b->n_ports; i++) {
		if (!is_settled(b, &b->ports[i], now_ns))
			return false;
		news |= differs(b, &b->ports[i], now_ns);
	}
	return news;
}

/* Who has nothing of the pool, and wants nothing, needs no tenure to say so. */
static bool claims(const struct borrow *b, uint64_t now_ns)
{
	for (size_t i = 0; i < b->n_ports; i++)
		if (to_write(b, &b->ports[i], now_ns) || to_mark(b, &b->ports[i], now_ns))
			return true;
	return false;
}

bool borrow_wants_tenure(const struct borrow *b, uint64_t now_ns)
{
	for (size_t i = 0; i < b->n_ports; i++)
		if (b->ports[i].lent || borrow_asked_for(&b->ports[i], now_ns))
			return true;
	return has_news(b, now_ns) && claims(b, now_ns);
}

/* ---- what is asked next ---- */

static bool may_write(const struct borrow *b, const struct tenure *t, uint64_t now_ns)
{
	return b->epoch == t->epoch && (tenure_holds(t, now_ns) || !claims(b, now_ns));
}

static bool looks(const struct borrow *b, uint64_t now_ns)
{
	bool takes_part = false, unsettled = false, asked_for = false;

	for (size_t i = 0; i < b->n_ports; i++) {
		const struct borrow_port *p = &b->ports[i];

		takes_part |= p->lent || p->entry || p->marked;
		unsettled |= borrow_unsettled(b, p, now_ns);
		asked_for |= borrow_asked_for(p, now_ns);
	}
	if (!b->looked)
		return asked_for || takes_part || now_ns >= b->look_ns;
	return (takes_part && now_ns >= b->look_ns) || (unsettled && now_ns >= b->again_ns);
}

bool borrow_is_fresh(const struct borrow *b, uint64_t now_ns)
{
	return b->fresh && now_ns - b->looked_ns < BORROW_FRESH_S * S;
}

enum borrow_step borrow_next(const struct borrow *b, const struct tenure *t, uint64_t now_ns)
{
	if (!b->epoch || b->sent_ns || now_ns < b->next_ns)
		return BORROW_WAIT;
	/* Without a tenure nothing is read in vain. */
	if (has_news(b, now_ns) && may_write(b, t, now_ns)) {
		if (!borrow_is_fresh(b, now_ns))
			return BORROW_GET;
		return b->exists ? BORROW_PUT : BORROW_CREATE;
	}
	return looks(b, now_ns) ? BORROW_GET : BORROW_WAIT;
}

static int enter_port(struct borrow *b, struct borrow_port *p, struct seatpool_node *node,
		      uint64_t now_ns)
{
	uint32_t n = to_write(b, p, now_ns);
	bool mark = to_mark(b, p, now_ns);
	size_t at = n || mark ? seatpool_add_port(&b->pool, p->now.proto, p->now.port)
			      : seatpool_port(&b->pool, p->now.proto, p->now.port);

	p->sent = 0;
	p->sent_mark = false;
	p->in_flight = true;
	p->full |= at == SEATPOOL_PORTS && (n || mark);
	if (at == SEATPOOL_PORTS)
		return p->allow || p->share ? -ENOSPC : 0;
	node->seats[at] = p->sent = n;
	node->waits &= ~(1ULL << at);
	if (mark)
		node->waits |= 1ULL << at;
	p->sent_mark = mark;
	return 0;
}

int borrow_enter(struct borrow *b, uint64_t now_ns)
{
	struct seatpool_node *node;
	int err = 0;

	if (!b->exists) {
		seatpool_free(&b->pool);
		err = seatpool_new(&b->pool, b->iss ? b->iss : "?", b->lid ? b->lid : "?");
	}
	node = err ? NULL : seatpool_add_node(&b->pool, b->node);
	if (!node)
		return err ? err : -ENOMEM;
	for (size_t i = 0; i < b->n_ports && !err; i++)
		err = enter_port(b, &b->ports[i], node, now_ns);
	return err;
}

void borrow_sent(struct borrow *b, enum borrow_step step, uint64_t now_ns)
{
	b->sent_ns = now_ns;
	b->sent_epoch = b->epoch;
	b->asked = step;
	if (step == BORROW_GET)
		return;
	b->fresh = false;
	/* Done or not: what is given back is ours no more from now on. */
	for (size_t i = 0; i < b->n_ports; i++)
		if (b->ports[i].in_flight && b->ports[i].sent < b->ports[i].lent)
			b->ports[i].lent = b->ports[i].sent;
}

/* ---- what came of it ---- */

/* A server that fails is left alone for longer and longer; one that only says no, not so. */
static void failed(struct borrow *b, bool conflict, uint64_t now_ns, uint32_t random)
{
	uint64_t ns = pace_retry_ms(++b->failures, 0, random) * MS;
	uint64_t most = BORROW_CONFLICT_MAX_S * S / 2 + lot_ns(BORROW_CONFLICT_MAX_S / 2, random);

	b->next_ns = now_ns + (conflict && ns > most ? most : ns);
}

/* When to look again without a reason: by lot, and with many nodes more seldom. */
static void plan_look(struct borrow *b, uint64_t now_ns, uint32_t random)
{
	uint64_t s = BORROW_LOOK_S;

	for (size_t i = 0; i < b->n_ports; i++)
		if (b->ports[i].lent > b->ports[i].now.used)
			s = BORROW_LOOK_IDLE_S;
	if (s < b->crowd / BORROW_LOOKS_PER_S)
		s = b->crowd / BORROW_LOOKS_PER_S;
	b->look_ns = now_ns + s * S / 2 + lot_ns(s, random);
}

/* When to look again because it wasn't enough. */
static void plan_again(struct borrow *b, uint64_t now_ns, uint32_t random)
{
	bool unsettled = false, marked = false;
	uint64_t s;

	for (size_t i = 0; i < b->n_ports; i++) {
		unsettled |= borrow_unsettled(b, &b->ports[i], now_ns);
		marked |= b->ports[i].marked;
	}
	b->unlucky = unsettled ? b->unlucky + 1 : 0;
	if (!unsettled)
		return;
	s = (uint64_t)pace_backoff(BORROW_AGAIN_S, marked ? 1 : b->unlucky, BORROW_AGAIN_MAX_S);
	b->again_ns = now_ns + s * S + lot_ns(s, random);
}

/* The pool says that we have less than we know: somebody took it, or made the pool anew. */
static void look_at_port(struct borrow *b, struct borrow_port *p)
{
	size_t at = seatpool_port(&b->pool, p->now.proto, p->now.port);
	const struct seatpool_node *node = seatpool_node(&b->pool, b->node);

	p->full = at == SEATPOOL_PORTS && !seatpool_has_room(&b->pool);
	p->looked = p->entry = node && at < SEATPOOL_PORTS ? node->seats[at] : 0;
	p->marked = node && at < SEATPOOL_PORTS && (node->waits >> at & 1);
	p->others = at < SEATPOOL_PORTS ? seatpool_lent(&b->pool, at) - p->entry : 0;
	p->waiting = at < SEATPOOL_PORTS ? seatpool_waiting(&b->pool, at, b->node) : 0;
	if (p->entry < p->lent)
		p->lent = p->entry;
}

/* Ports that an earlier life had: they are given back. */
static int add_forgotten(struct borrow *b)
{
	const struct seatpool_node *node = seatpool_node(&b->pool, b->node);

	for (size_t i = 0; node && i < b->pool.n_ports; i++)
		if ((node->seats[i] || node->waits >> i & 1) &&
		    !borrow_add_port(b, b->pool.ports[i].proto, b->pool.ports[i].port))
			return -ENOMEM;
	return 0;
}

static void look(struct borrow *b, uint64_t now_ns, uint32_t random)
{
	for (size_t i = 0; i < b->n_ports; i++)
		look_at_port(b, &b->ports[i]);
	b->looked = b->fresh = true;
	b->looked_ns = now_ns;
	b->crowd = b->pool.n_nodes;
	b->taken = 0;
	for (size_t i = 0; i < b->pool.n_ports; i++)
		b->taken += seatpool_port_used(&b->pool, i);
	plan_look(b, now_ns, random);
	plan_again(b, now_ns, random);
}

static int learn_line(struct borrow *b, const struct seatpool *pool)
{
	if (b->iss && (strcmp(b->iss, pool->iss) != 0 || strcmp(b->lid, pool->lid) != 0))
		return -EINVAL;
	if (b->iss)
		return 0;
	b->iss = strdup(pool->iss);
	b->lid = strdup(pool->lid);
	if (b->iss && b->lid)
		return 0;
	free(b->iss);
	free(b->lid);
	b->iss = b->lid = NULL;
	return -ENOMEM;
}

int borrow_got(struct borrow *b, struct seatpool *pool, uint64_t now_ns, uint32_t random)
{
	int err = learn_line(b, pool);

	b->sent_ns = 0;
	if (!err) {
		seatpool_free(&b->pool);
		b->pool = *pool;
		*pool = (struct seatpool){0};
		b->exists = true;
		err = add_forgotten(b);
	}
	if (err) {
		seatpool_free(pool);
		b->looked = b->fresh = false;
		failed(b, false, now_ns, random);
		return err;
	}
	look(b, now_ns, random);
	if (!has_news(b, now_ns)) {
		b->failures = 0;
		b->next_ns = now_ns + BORROW_PAUSE_S * S;
	}
	return 0;
}

static void written(struct borrow *b, uint64_t now_ns, uint32_t random)
{
	for (size_t i = 0; i < b->n_ports; i++) {
		struct borrow_port *p = &b->ports[i];

		if (!p->in_flight)
			continue;
		if (p->sent > p->lent) {
			p->given_ns = now_ns;
			p->refused = 0;
		}
		p->lent = p->entry = p->sent;
		p->marked = p->sent_mark;
	}
	b->failures = 0;
	b->next_ns = now_ns + BORROW_PAUSE_S * S;
	plan_look(b, now_ns, random);
}

/* There is no pool: as if it were empty. */
static void missing(struct borrow *b, uint64_t now_ns, uint32_t random)
{
	seatpool_free(&b->pool);
	b->exists = false;
	look(b, now_ns, random);
}

void borrow_answered(struct borrow *b, enum outcome answer, uint64_t now_ns, uint32_t random)
{
	bool write = b->asked != BORROW_GET;

	b->sent_ns = 0;
	if (answer == OUTCOME_DONE && write && b->sent_epoch == b->epoch) {
		b->exists = true;
		written(b, now_ns, random);
	} else if (answer == OUTCOME_MISSING && !write) {
		missing(b, now_ns, random);
	} else {
		/* Whether it was done, and for whom, is for the pool to say. */
		if (answer == OUTCOME_FAILED || answer == OUTCOME_DONE)
			b->looked = false;
		b->fresh = false;
		failed(b, answer == OUTCOME_CONFLICT, now_ns, random);
	}
	for (size_t i = 0; write && i < b->n_ports; i++)
		b->ports[i].in_flight = false;
	if (!b->fresh)
		seatpool_free(&b->pool);
}
