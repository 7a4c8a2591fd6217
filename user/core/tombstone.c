/* SPDX-License-Identifier: MIT */
/* tombstone.c - which ports lost their right between two rule sets, and until when they drain. */
#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "compile.h"
#include "grants.h"

struct difference {
	__u64 now_ns, drain_ns;
	__u8 reason;
	bool lax; /* of the piece that is looked at: let through by the mode alone */
	struct tombstone *found;
	size_t n, room;
};

static bool begun(const struct plic_grant *g, const struct difference *d)
{
	return g->from_ns <= d->now_ns;
}

static bool is_tombstone(const struct plic_grant *g)
{
	return !g->license && !g->new_until_ns;
}

/* When flows on this port would be cut, or were, if nothing kept them; false: there can be none. */
static bool find_cut(struct difference *d, const struct plic_rule *rule, struct tombstone *t)
{
	bool found = false;

	d->lax = false;
	for (size_t i = 0; i < rule->n_grants; i++) {
		const struct plic_grant *g = &rule->grants[i];
		__u64 cut = d->now_ns + d->drain_ns;

		if (!begun(g, d) || (is_tombstone(g) && d->now_ns >= g->cut_at_ns))
			continue; /* the graveyard knows how long a tombstone is needed */
		if (g->lapse == PLIC_BLOCK)
			cut = d->now_ns;
		if (g->cut_at_ns < cut)
			cut = g->cut_at_ns;
		if (found && cut <= t->cut_at_ns)
			continue;
		found = true;
		t->cut_at_ns = cut;
		t->reason = grant_admits(g, d->now_ns) ? d->reason : g->ended_reason;
	}
	if (!found && rule->mode != PLIC_ENFORCE) {
		d->lax = found = true;
		t->cut_at_ns = d->now_ns + d->drain_ns;
		t->reason = PLIC_REASON_UNLICENSED;
	}
	return found;
}

/*
 * Whether the new rule looks after the flows of a lost one itself. A revoked license does even when
 * it is past its cut: its `at` says when flows end, and a drain from now would put that off.
 */
static bool cares(const struct difference *d, const struct plic_rule *rule, __u64 cut_at_ns)
{
	if (d->lax && rule->mode != PLIC_ENFORCE)
		return true;
	for (size_t i = 0; i < rule->n_grants; i++) {
		const struct plic_grant *g = &rule->grants[i];

		if (!begun(g, d))
			continue;
		if (cut_at_ns <= d->now_ns) /* the port is named, so what stands is cut */
			return true;
		if (is_tombstone(g)
			    ? g->cut_at_ns >= cut_at_ns
			    : g->cut_at_ns > d->now_ns || g->ended_reason == PLIC_REASON_REVOKED)
			return true;
	}
	return false;
}

static int add(struct difference *d, struct tombstone t, __u32 first, __u32 last)
{
	if (array_grow(&d->found, d->n, &d->room, sizeof(*d->found)))
		return -ENOMEM;
	t.port = first;
	t.end_port = last;
	d->found[d->n++] = t;
	return 0;
}

/* The first piece of c that ends at or behind port; c->n_ports: none. */
static size_t find_piece(const struct compiled *c, __u8 ip_proto, __u16 port)
{
	size_t low = 0, high = c->n_ports;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct compiled_port *p = &c->ports[middle];

		if (p->ip_proto < ip_proto || (p->ip_proto == ip_proto && p->end_port < port))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Cuts the lost piece t by the pieces of `after`, and adds what none cares for. */
static int add_uncared(struct difference *d, const struct compiled *after,
		       const struct tombstone *t)
{
	__u32 first = t->port; /* of the stretch that nothing cared for so far */
	int err = 0;

	for (size_t i = find_piece(after, t->ip_proto, t->port); !err && i < after->n_ports; i++) {
		const struct compiled_port *p = &after->ports[i];

		if (p->ip_proto != t->ip_proto || p->port > t->end_port)
			break;
		if (!cares(d, compiled_rule(after, p, d->now_ns), t->cut_at_ns))
			continue;
		if (p->port > first)
			err = add(d, *t, first, p->port - 1);
		first = p->end_port + 1U;
	}
	if (!err && first <= t->end_port)
		err = add(d, *t, first, t->end_port);
	return err;
}

int compile_diff_tombstones(const struct compiled *before, const struct compiled *after,
			    __u64 now_ns, __u64 drain_ns, __u8 reason, struct tombstone **out,
			    size_t *n)
{
	struct difference d = {.now_ns = now_ns, .drain_ns = drain_ns, .reason = reason};

	for (size_t i = 0; i < before->n_ports; i++) {
		const struct compiled_port *p = &before->ports[i];
		struct tombstone t = {
			.port = p->port, .end_port = p->end_port, .ip_proto = p->ip_proto};

		if (!find_cut(&d, compiled_rule(before, p, now_ns), &t))
			continue;
		if (add_uncared(&d, after, &t)) {
			free(d.found);
			return -ENOMEM;
		}
	}
	*out = d.found;
	*n = d.n;
	return 0;
}
