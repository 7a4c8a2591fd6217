/* SPDX-License-Identifier: MIT */
/* kube_seats_wish.c - what the rules in force on this node name of the cluster's seats. */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_seats.h"
#include "seating.h"
#include "shares.h"

#define RANGE_PORTS 8 /* ports of a wider range are borrowed for once somebody knocks */

struct wishes {
	struct seat_wish *list;
	size_t n, room;
	int err;
};

static void add(struct wishes *w, const struct seat_limit *limit, uint8_t proto, uint16_t port)
{
	w->err = w->err ?: array_grow(&w->list, w->n, &w->room, sizeof(*w->list));
	if (!w->err)
		w->list[w->n++] = (struct seat_wish){
			.line = limit->line, .total = limit->seats, .proto = proto, .port = port};
}

static void add_asked(struct wishes *w, const struct seat_limit *limit,
		      const struct compiled_port *at, const struct share *shares, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (shares[i].usage.line == limit->line && shares[i].usage.proto == at->ip_proto &&
		    at->port <= shares[i].usage.port && shares[i].usage.port <= at->end_port)
			add(w, limit, at->ip_proto, shares[i].usage.port);
}

/* The rules as the kernel has them, those of an earlier agent too. */
static void add_port(struct wishes *w, const struct ruleset *set, const struct compiled_port *at,
		     const struct share *shares, size_t n)
{
	struct seating s;

	if (!seating_at(set, at->ip_proto, at->port, clock_boot_ns(), &s))
		return;
	for (size_t i = 0; i < s.n_license; i++) {
		if (!s.license[i].shared)
			continue;
		if (at->end_port - at->port >= RANGE_PORTS) {
			add_asked(w, &s.license[i], at, shares, n);
			continue;
		}
		for (uint32_t port = at->port; port <= at->end_port; port++)
			add(w, &s.license[i], at->ip_proto, (uint16_t)port);
	}
}

static int by_key(const void *a, const void *b)
{
	const struct seat_wish *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->proto != y->proto)
		return x->proto - y->proto;
	return x->port - y->port;
}

/* Of two gates whose rules differ for a moment the larger number holds: the kernel minds each one's. */
static void merge(struct wishes *w)
{
	size_t i, n = 0;

	if (w->n)
		qsort(w->list, w->n, sizeof(*w->list), by_key);
	for (i = 0; i < w->n; i++) {
		if (n && !by_key(&w->list[n - 1], &w->list[i])) {
			if (w->list[i].total > w->list[n - 1].total)
				w->list[n - 1].total = w->list[i].total;
			continue;
		}
		w->list[n++] = w->list[i];
	}
	w->n = n;
}

int kube_seats_wishes(const struct agent *agent, const struct share *shares, size_t n_shares,
		      struct seat_wish **out, size_t *n)
{
	struct wishes w = {0};
	size_t i, j;

	for (i = 0; i < agent->gates.n_entries; i++) {
		const struct gate_entry *entry = agent->gates.entries[i];
		const struct compiled *c = entry->rules ? &entry->rules->compiled : NULL;

		for (j = 0; c && entry->state == GATE_ATTACHED && j < c->n_ports; j++)
			add_port(&w, &c->set, &c->ports[j], shares, n_shares);
	}
	if (w.err) {
		free(w.list);
		return w.err;
	}
	merge(&w);
	*out = w.list;
	*n = w.n;
	return 0;
}
