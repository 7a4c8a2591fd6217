/* SPDX-License-Identifier: MIT */
/* borrow_wish.c - how many seats of a port a node ought to have. */
#include "borrow_priv.h"

#define S 1000000000ULL

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
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
 * each node could have of the rest: a pool that runs low is left to those who need it.
 */
static uint64_t block_of(const struct borrow *b, const struct borrow_port *port)
{
	uint64_t block = least(port->now.total / BORROW_BLOCKS, BORROW_BLOCK_MAX);

	block = least(block, left(port, port->lent) / (2 * (b->crowd + 1)));
	return block ? block : 1;
}

/* So much, or what it has if that is about as good: each change is a write that others have to wait for. */
static uint64_t about(const struct borrow_port *port, uint64_t low, uint64_t block)
{
	uint64_t used = port->now.used;

	return port->lent >= used + low && port->lent <= used + 2 * block ? port->lent
									  : used + block;
}

static uint64_t wish(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns)
{
	uint64_t used = port->now.used, block = block_of(b, port), idle;

	if (!port->now.total)
		return 0;
	/* Somebody waits: what is idle here is refused there. */
	if (port->waiting)
		return used + refused(port, now_ns);
	if (lively(port, now_ns))
		return about(port, (block + 1) / 2, block);
	if (!used && !port->lent && b->n_ports > BORROW_PREFETCH_PORTS)
		return 0;
	/* Nobody came for long: a block, so that the next one isn't refused, where there is plenty. */
	idle = about(port, 1, block);
	return left(port, idle) >= port->now.total / 2 ? idle : used;
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

bool borrow_short(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns)
{
	return borrow_unsettled(b, port, now_ns) && borrow_asked_for(port, now_ns);
}
