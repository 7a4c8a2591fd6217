/* SPDX-License-Identifier: MIT */
/* portseats.c - the limits of a port and what is used of them, as one number each. */
#include "portseats.h"

#include "gates.h"
#include "seating.h"

/* What licenses give together, or the policy if that leaves less. */
struct tally {
	uint64_t seats, used;
};

static bool is_of(const struct gate_seats *seats, const struct seat_limit *limit)
{
	return seats->line == limit->line && seats->node_wide == limit->node_wide;
}

static uint64_t used_of(const struct gate_entry *entry, uint8_t ip_proto, uint16_t port,
			const struct seat_limit *limit)
{
	for (size_t i = 0; i < entry->n_seats; i++)
		if (entry->seats[i].ip_proto == ip_proto && entry->seats[i].port == port &&
		    is_of(&entry->seats[i], limit))
			return entry->seats[i].used;
	return 0;
}

static bool is_tighter(const struct tally *a, const struct tally *b)
{
	return !b->seats || (int64_t)(a->seats - a->used) < (int64_t)(b->seats - b->used);
}

static struct tally tally_of(const struct gate_entry *entry, uint8_t ip_proto, uint16_t port,
			     const struct seating *s)
{
	struct tally license = {0}, policy = {.seats = s->policy.seats};

	for (size_t i = 0; i < s->n_license && !s->unlimited; i++) {
		if (!s->license[i].gives)
			continue;
		license.seats += s->license[i].seats;
		license.used += used_of(entry, ip_proto, port, &s->license[i]);
	}
	if (!policy.seats)
		return license;
	policy.used = used_of(entry, ip_proto, port, &s->policy);
	return license.seats && is_tighter(&license, &policy) ? license : policy;
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
	row->seats = tightest.seats;
	row->seats_used = tightest.used;
}
