/* SPDX-License-Identifier: MIT */
/* borrow.c - a node's ports of a line: readings in, what the kernel is to have out. */
#include "borrow.h"

#include <string.h>

#include "borrow_priv.h"
#include "cleanup.h"

#define S 1000000000ULL

int borrow_begin(struct borrow *b, const char *iss, const char *lid, const char *node,
		 uint64_t now_ns, uint32_t random)
{
	struct borrow begun = {.iss = iss ? strdup(iss) : NULL,
			       .lid = lid ? strdup(lid) : NULL,
			       .node = strdup(node),
			       .look_ns = now_ns + (BORROW_PREFETCH_S * S >> 16) * (random >> 16)};

	if (!begun.node || (iss && !begun.iss) || (lid && !begun.lid)) {
		borrow_free(&begun);
		return -ENOMEM;
	}
	*b = begun;
	return 0;
}

void borrow_free(struct borrow *b)
{
	seatpool_free(&b->pool);
	free(b->ports);
	free(b->iss);
	free(b->lid);
	free(b->node);
	*b = (struct borrow){0};
}

const struct borrow_port *borrow_find(const struct borrow *b, uint8_t proto, uint16_t port)
{
	for (size_t i = 0; i < b->n_ports; i++)
		if (b->ports[i].now.proto == proto && b->ports[i].now.port == port)
			return &b->ports[i];
	return NULL;
}

struct borrow_port *borrow_add_port(struct borrow *b, uint8_t proto, uint16_t port)
{
	struct borrow_port *p = (struct borrow_port *)borrow_find(b, proto, port);

	if (p)
		return p;
	if (array_grow(&b->ports, b->n_ports, &b->room, sizeof(*b->ports)))
		return NULL;
	p = &b->ports[b->n_ports++];
	*p = (struct borrow_port){.now = {.port = port, .proto = proto}};
	return p;
}

/* A new epoch: what we had may be somebody else's by now. */
static void lose_all(struct borrow *b, uint64_t now_ns)
{
	for (size_t i = 0; i < b->n_ports; i++)
		b->ports[i].lent = b->ports[i].allow = 0;
	b->looked = b->fresh = false;
	/* What is still written of us is to be had anew, or given back; and the server answers again. */
	b->look_ns = b->next_ns = now_ns;
	b->failures = 0;
}

static void hear_of_clients(struct borrow_port *p, const struct borrow_reading *r, uint64_t now_ns)
{
	/* An entry that no agent ever wrote was made by the first client that was refused. */
	uint64_t before = p->named ? p->now.asked : r->until_ns ? r->asked : 0;
	uint64_t refused = r->asked > before ? r->asked - before : 1;

	/* An entry that went and came again begins with 0. */
	if (r->asked && r->asked != before) {
		p->demand_ns = p->refused_ns = now_ns;
		/* A client tries again and again: those of one second are about as many as there are. */
		p->refused = refused > p->refused ? refused : p->refused;
	}
	if (p->named && r->used > p->now.used) {
		p->demand_ns = now_ns;
		p->refused_ns = p->refused = 0;
	}
}

static int take_reading(struct borrow *b, const struct borrow_reading *r, uint64_t now_ns)
{
	bool known = borrow_find(b, r->proto, r->port);
	struct borrow_port *p = borrow_add_port(b, r->proto, r->port);

	if (!p)
		return -ENOMEM;
	hear_of_clients(p, r, now_ns);
	p->now = *r;
	p->share = now_ns < r->until_ns ? r->seats : 0;
	/* What an earlier life of this agent has borrowed; it goes on, for its tenure does. */
	if (!known)
		p->lent = p->share;
	p->named = true;
	return 0;
}

static void name_ports(struct borrow *b, const struct borrow_reading *readings, size_t n)
{
	for (size_t i = 0; i < b->n_ports; i++) {
		const struct borrow_reading *is = &b->ports[i].now;

		b->ports[i].named = false;
		for (size_t k = 0; k < n && !b->ports[i].named; k++)
			b->ports[i].named =
				is->port == readings[k].port && is->proto == readings[k].proto;
	}
}

/*
 * A port that nobody names any more has no rule and no entry in the kernel. What the pool may still say of us the next
 * look finds (add_forgotten), so it needn't be known: ports of a range come and go while the server is away.
 */
static void forget_unnamed(struct borrow *b)
{
	for (size_t i = b->n_ports; i-- > 0;) {
		struct borrow_port *p = &b->ports[i];

		if (p->named)
			continue;
		p->now = (struct borrow_reading){.port = p->now.port, .proto = p->now.proto};
		p->share = 0;
		if (!b->sent_ns && !p->lent && !p->entry && !p->marked)
			memmove(p, p + 1, (--b->n_ports - i) * sizeof(*p));
	}
}

static void settle(struct borrow *b, uint64_t now_ns)
{
	bool unsettled = !b->looked;

	for (size_t i = 0; i < b->n_ports; i++) {
		struct borrow_port *p = &b->ports[i];
		uint32_t target = borrow_target(b, p, now_ns);

		p->allow = target < p->lent ? target : p->lent;
		unsettled |= borrow_unsettled(b, p, now_ns);
	}
	if (unsettled)
		return;
	b->unlucky = 0;
	b->again_ns = 0;
}

int borrow_round(struct borrow *b, const struct borrow_reading *readings, size_t n,
		 const struct tenure *t, uint64_t now_ns)
{
	int err = 0;

	if (b->epoch && b->epoch != t->epoch)
		lose_all(b, now_ns);
	b->epoch = t->epoch;
	for (size_t i = 0; i < n && !err; i++)
		err = take_reading(b, &readings[i], now_ns);
	if (err)
		return err;
	name_ports(b, readings, n);
	forget_unnamed(b);
	/* It may be large, and is of no use any more. */
	if (b->fresh && !b->sent_ns && !borrow_is_fresh(b, now_ns)) {
		b->fresh = false;
		seatpool_free(&b->pool);
	}
	settle(b, now_ns);
	return 0;
}

bool borrow_kernel(const struct borrow *b, const struct borrow_port *port, const struct tenure *t,
		   uint32_t *seats, uint64_t *until_ns)
{
	/* An entry that is over stays so until something was borrowed: nobody is to sit by it. */
	if (b->epoch != t->epoch || !port->named || (!port->allow && !port->share))
		return false;
	*seats = port->allow;
	*until_ns = t->until_ns;
	return port->allow != port->now.seats || t->until_ns != port->now.until_ns;
}

bool borrow_over(const struct borrow *b, const struct borrow_port *port)
{
	return b->looked && !b->sent_ns && !port->now.total && !port->share && !port->lent &&
	       !port->entry && !port->marked;
}

bool borrow_done(const struct borrow *b)
{
	for (size_t i = 0; i < b->n_ports; i++)
		if (!borrow_over(b, &b->ports[i]))
			return false;
	return b->looked && !b->sent_ns;
}
