/* SPDX-License-Identifier: MIT */
/* borrow_wish.c - how many seats of a port a node ought to have. */
#include "borrow_priv.h"

#define S 1000000000ULL

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool within(uint64_t at_ns, uint64_t s, uint64_t now_ns)
{
	return at_ns && now_ns - at_ns < s * S;
}

/* Somebody was refused, and may come again. */
static bool refused(const struct borrow_port *port, uint64_t now_ns)
{
	return within(port->refused_ns, BORROW_REFUSED_S, now_ns);
}

static bool lively(const struct borrow_port *port, uint64_t now_ns)
{
	return within(port->demand_ns, BORROW_DEMAND_S, now_ns);
}

bool borrow_asked_for(const struct borrow_port *port, uint64_t now_ns)
{
	return port->now.total && (port->now.used > port->lent || refused(port, now_ns));
}

/* What nobody would have if this node had so much. */
static uint64_t left(const struct borrow_port *port, uint64_t ours)
{
	uint64_t taken = port->others + ours;

	return port->now.total > taken ? port->now.total - taken : 0;
}

/*
 * What is borrowed in advance, so that not each client costs a visit to the pool. Not more than half of what
 * each node could have of the rest: a pool that runs low is left to those who need it. A small one, of which no
 * more than a few nodes have something, has a seat for each as long as it can.
 */
static uint64_t block_of(const struct borrow *b, const struct borrow_port *port)
{
	uint64_t block = least(port->now.total / BORROW_BLOCKS, BORROW_BLOCK_MAX);

	return least(block ? block : 1, left(port, port->lent) / (2 * (b->crowd + 1)));
}

/* For those who were refused: a block, or as many as they were, up to an equal part for each node. */
static uint64_t spare_of(const struct borrow *b, const struct borrow_port *port, uint64_t block)
{
	uint64_t refused = least(port->refused, port->now.total / (b->crowd + 1));

	return most(refused ? refused : 1, block);
}

/* With less than so many idle it asks for a block. */
static uint64_t low_of(const struct borrow *b, const struct borrow_port *port, uint64_t block,
		       uint64_t now_ns)
{
	uint64_t used = port->now.used;

	if (lively(port, now_ns))
		return (block + 1) / 2;
	/* Nobody came for long: so that the next one isn't refused, where there is plenty. */
	if (left(port, used + block) < port->now.total / 2 ||
	    (!used && !port->lent && b->taken > SEATPOOL_PORTS / 2))
		return 0;
	return least(block, 1);
}

static uint64_t wish_of(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns)
{
	uint64_t used = port->now.used, block = block_of(b, port);

	/* Somebody waits: what is idle here is refused there. */
	if (port->waiting)
		return used + refused(port, now_ns);
	if (refused(port, now_ns))
		return used + spare_of(b, port, block);
	/* Each port has its place in the pool, of which there are few: none for those of a range that nobody uses. */
	if (!used && !lively(port, now_ns) &&
	    (b->taken == SEATPOOL_PORTS || b->n_ports > BORROW_PREFETCH_PORTS))
		return 0;
	if (port->lent < used + low_of(b, port, block, now_ns))
		return used + block;
	/* What is about right stays: each change is a write that others have to wait for. */
	return port->lent > used + 2 * most(block, 1) ? used + block : port->lent;
}

static uint64_t wish(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns)
{
	uint64_t n = port->now.total ? wish_of(b, port, now_ns) : 0;

	return n < port->lent && within(port->given_ns, BORROW_KEEP_S, now_ns) ? port->lent : n;
}

/*
 * More is lent than there is, for there were more: each gives up the same part. What we gave up since we
 * looked doesn't count, or we would do it again and again.
 */
static bool is_over(const struct borrow_port *port)
{
	return port->looked + port->others > port->now.total;
}

static uint64_t may_have(const struct borrow_port *port)
{
	if (port->full)
		return 0;
	if (is_over(port))
		return port->looked * (uint64_t)port->now.total / (port->looked + port->others);
	return left(port, 0);
}

uint32_t borrow_target(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns)
{
	if (!port->now.total)
		return 0;
	if (!b->looked)
		return port->lent;
	return (uint32_t)least(wish(b, port, now_ns), may_have(port));
}

bool borrow_unsettled(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns)
{
	if (!port->now.total || !b->looked)
		return false;
	return is_over(port) || (borrow_asked_for(port, now_ns) &&
				 wish(b, port, now_ns) > borrow_target(b, port, now_ns));
}

bool borrow_exhausted(const struct borrow *b, const struct borrow_port *port)
{
	return b->looked && port->now.total && (port->full || !left(port, port->lent));
}

bool borrow_short(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns)
{
	return borrow_unsettled(b, port, now_ns) && borrow_asked_for(port, now_ns);
}

bool borrow_idle(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns)
{
	bool ours = port->lent || port->share || port->entry || port->marked || port->in_flight;

	return b->epoch && !ours && !port->now.used && !refused(port, now_ns);
}
