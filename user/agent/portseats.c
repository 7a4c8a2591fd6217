/* SPDX-License-Identifier: MIT */
/* portseats.c - the limits of a port and what is used of them, as one number each. */
#include "portseats.h"

#include "gates.h"
#include "seating.h"

/* What licenses give together, or the policy if that leaves less. */
struct tally {
	bool limits;
	uint64_t seats, used;
	uint64_t total; /* of the cluster, of which seats are what is borrowed; 0: seats are all */
};

static const struct gate_seats *find(const struct gate_entry *entry, uint8_t ip_proto,
				     uint16_t port, const struct seat_limit *limit)
{
	for (size_t i = 0; i < entry->n_seats; i++)
		if (entry->seats[i].ip_proto == ip_proto && entry->seats[i].port == port &&
		    entry->seats[i].line == limit->line &&
		    entry->seats[i].node_wide == limit->node_wide)
			return &entry->seats[i];
	return NULL;
}

static bool is_tighter(const struct tally *a, const struct tally *b)
{
	return !b->limits || (int64_t)(a->seats - a->used) < (int64_t)(b->seats - b->used);
}

static void add(struct tally *tally, const struct gate_entry *entry, uint8_t ip_proto,
		uint16_t port, const struct seat_limit *limit)
{
	const struct gate_seats *seats = find(entry, ip_proto, port, limit);
	uint64_t share = seats && seats->share < limit->seats ? seats->share : limit->seats;

	tally->limits = true;
	tally->seats += !limit->shared ? limit->seats : seats ? share : 0;
	tally->total += limit->seats;
	tally->used += seats ? seats->used : 0;
}

static struct tally tally_of(const struct gate_entry *entry, uint8_t ip_proto, uint16_t port,
			     const struct seating *s)
{
	struct tally license = {0}, policy = {0};
	bool shared = false;

	for (size_t i = 0; i < s->n_license && !s->unlimited; i++) {
		if (!s->license[i].gives)
			continue;
		add(&license, entry, ip_proto, port, &s->license[i]);
		shared |= s->license[i].shared;
	}
	if (!shared)
		license.total = 0;
	if (!s->policy.seats)
		return license;
	add(&policy, entry, ip_proto, port, &s->policy);
	policy.total = 0;
	return license.limits && is_tighter(&license, &policy) ? license : policy;
}

void port_seats(const struct gate_entry *entry, const struct compiled_port *port, uint64_t now_ns,
		struct port_row *row)
{
	bool interim = port->has_interim && now_ns < entry->rules->compiled.until_ns;
	struct tally tightest = {0};
	struct seating s;

	if (!seating_of(compiled_rule(&entry->rules->compiled, port, now_ns),
			interim ? &port->interim_limits : &port->limits, now_ns, &s))
		return;
	tightest = tally_of(entry, port->ip_proto, port->port, &s);
	for (size_t i = 0; i < entry->n_seats; i++) {
		const struct gate_seats *seats = &entry->seats[i];
		struct tally tally;

		if (seats->ip_proto != port->ip_proto || seats->port < port->port ||
		    seats->port > port->end_port)
			continue;
		tally = tally_of(entry, port->ip_proto, seats->port, &s);
		if (is_tighter(&tally, &tightest))
			tightest = tally;
	}
	row->has_seats = tightest.limits;
	row->seats = tightest.seats;
	row->seats_used = tightest.used;
	row->seats_total = tightest.total;
}
