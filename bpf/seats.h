/* SPDX-License-Identifier: MIT */
/*
 * seats.h - distinct clients at a time: who has a seat (plic_seated), and is one free (plic_seats)?
 *
 * A client has one seat of a license line at most, and one of the policy. TCP: the ledger gives it to the
 * first connection that stands and takes it back with the last; wire only looks, so that forged packets
 * fill nothing. UDP and SCTP: wire gives it with the first packet. User space sees to the rest.
 */
#ifndef PORTLIC_BPF_SEATS_H
#define PORTLIC_BPF_SEATS_H

#include <stdbool.h>

#include "clock.h"
#include "decide.h"
#include "maps.h"

#define SEAT_REFRESH_NS NSEC_PER_SEC /* a seat's time is written no more often */

/* What a rule limits: [i] of its grants[i], and [0] of its policy. */
struct seating {
	const struct plic_limit *grants, *policy;
};

/* False: the set can't be read. */
static __always_inline bool seats_of(void *set, __u32 cell, struct seating *s)
{
	struct plic_cell *grants = set_cell(set, cell + 1), *policy = set_cell(set, cell + 2);

	if (!grants || !policy)
		return false;
	s->grants = grants->limits;
	s->policy = policy->limits;
	return true;
}

/*
 * The grants that take the client of a connection, a bit each: those under which it may stand, and << 8
 * those that give new seats. Who sends on lo may be forgotten by now: then it is any.
 */
#define SEATS_GIVING 8
static __always_inline __u32 seats_grants(const struct plic_rule *rule, const struct client *client,
					  __u64 now)
{
	bool unknown = client->origins == 1U << PLIC_ORIGIN_UNKNOWN;
	__u32 grants = 0;

	for (int i = 0; i < PLIC_MAX_GRANTS && i < rule->n_grants; i++) {
		const struct plic_grant *g = &rule->grants[i];

		if (now < g->from_ns || now >= g->cut_at_ns ||
		    !(source_admitted(g->origins, g->sources, client) || (g->origins && unknown)))
			continue;
		grants |= 1U << i;
		if (now < g->new_until_ns)
			grants |= 1U << (i + SEATS_GIVING);
	}
	return grants;
}

/* Turns a client's key to the seats of a limit. */
static __always_inline void seat_turn(struct plic_seated_key *key, const struct plic_limit *limit,
				      __u32 gate)
{
	key->usage.line = limit->line;
	/* PLIC_NODE_WIDE has all bits; without a branch, each of which doubles the verifier's work. */
	key->usage.owner = gate | -(limit->flags / PLIC_LIMIT_SEATS_NODE % 2);
}

static __always_inline bool seat_is_free(const struct plic_limit *limit,
					 const struct plic_usage_key *usage)
{
	struct plic_seats *seats = bpf_map_lookup_elem(&plic_seats, usage);

	return !seats || (__s64)seats->used < (__s64)limit->seats;
}

/* The client's own seat, which more connections come to hold. */
static __always_inline bool seat_held(const struct plic_seated_key *key, __u32 connections,
				      __u64 now)
{
	struct plic_seated *seated = bpf_map_lookup_elem(&plic_seated, key);

	if (!seated)
		return false;
	if (plic_dry_run)
		return true;
	if (connections)
		__sync_fetch_and_add(&seated->connections, connections);
	if (connections || now > seated->last_ns + SEAT_REFRESH_NS)
		seated->last_ns = now;
	return true;
}

/*
 * A seat for a client that has none. Linux before 5.12 has no addition that tells the sum, so it is read
 * afterwards: of two who take the last one at the same time both may get none, never both one.
 */
static __always_inline bool seat_new(const struct plic_limit *limit,
				     const struct plic_seated_key *key, __u32 connections,
				     bool anyway, __u64 now)
{
	struct plic_seated fresh = {.connections = connections, .last_ns = now};
	struct plic_seats *seats = bpf_map_lookup_elem(&plic_seats, &key->usage), none = {};

	if (!seats) {
		bpf_map_update_elem(&plic_seats, &key->usage, &none, BPF_NOEXIST);
		seats = bpf_map_lookup_elem(&plic_seats, &key->usage);
	}
	if (!seats)
		return false;
	__sync_fetch_and_add(&seats->used, 1);
	if ((anyway || *(volatile __s64 *)&seats->used <= (__s64)limit->seats) &&
	    !bpf_map_update_elem(&plic_seated, key, &fresh, BPF_NOEXIST))
		return true;
	__sync_fetch_and_add(&seats->used, -1);
	return seat_held(key, connections, now); /* another CPU gave it one meanwhile */
}

/* One connection less; the last one frees the seat. */
static __always_inline void seat_leave(const struct plic_seated_key *key)
{
	struct plic_seated *seated = bpf_map_lookup_elem(&plic_seated, key);
	struct plic_seats *seats;

	if (!seated)
		return;
	__sync_fetch_and_add(&seated->connections, -1);
	if (*(volatile __s64 *)&seated->connections > 0 || bpf_map_delete_elem(&plic_seated, key))
		return;
	seats = bpf_map_lookup_elem(&plic_seats, &key->usage);
	if (seats)
		__sync_fetch_and_add(&seats->used, -1);
}

enum seats_found {
	SEATS_NONE, /* false: no seat for it */
	SEATS_FREE, /* it could have one */
	SEATS_OWN,  /* it has all that it needs */
};

/*
 * What there is for a client. standing: grants in which it may have a seat, a bit each; giving: those that
 * may give it one.
 */
static __always_inline enum seats_found seats_find(const struct seating *s,
						   struct plic_seated_key *key, __u32 gate,
						   __u32 standing, __u32 giving, __u64 now)
{
	enum seats_found own = SEATS_OWN, found = SEATS_NONE;

	if (s->policy->seats) {
		seat_turn(key, s->policy, gate);
		if (!seat_held(key, 0, now))
			own = SEATS_FREE;
		if (own == SEATS_FREE && !seat_is_free(s->policy, &key->usage))
			return SEATS_NONE;
	}
	for (int i = 0; i < PLIC_MAX_GRANTS; i++) {
		const struct plic_limit *limit = &s->grants[i];

		if (!((standing | giving) >> i & 1))
			continue;
		if (!limit->seats) /* unlimited wins */
			return own;
		seat_turn(key, limit, gate);
		if (seat_held(key, 0, now))
			return own;
		if (giving >> i & 1 && seat_is_free(limit, &key->usage))
			found = SEATS_FREE;
	}
	return found;
}

/*
 * Turns key to the seat of a license line that the client now has: the one that it had, else one of the
 * grant that ends first, which is the last. *needed: no grant is unlimited.
 */
static __always_inline bool seats_take(const struct seating *s, struct plic_seated_key *key,
				       __u32 gate, __u32 giving, __u32 connections, bool anyway,
				       bool *needed, __u64 now)
{
	*needed = false;
	for (int i = 0; i < PLIC_MAX_GRANTS; i++)
		if (giving >> i & 1 && !s->grants[i].seats)
			return true;
	*needed = true;
	for (int i = 0; i < PLIC_MAX_GRANTS; i++) {
		seat_turn(key, &s->grants[i], gate);
		if (giving >> i & 1 && seat_held(key, connections, now))
			return true;
	}
	for (int i = PLIC_MAX_GRANTS - 1; i >= 0; i--) {
		seat_turn(key, &s->grants[i], gate);
		if (giving >> i & 1 && seat_new(&s->grants[i], key, connections, anyway, now))
			return true;
	}
	return false;
}

/* The policy's own seat. */
static __always_inline bool seats_take_policy(const struct seating *s, struct plic_seated_key *key,
					      __u32 gate, __u32 connections, bool anyway, __u64 now)
{
	seat_turn(key, s->policy, gate);
	return seat_held(key, connections, now) ||
	       seat_new(s->policy, key, connections, anyway, now);
}

#ifndef PORTLIC_LEDGER
#include "admit.h"

/* Limits of the rule of a packet, and its client's key but for the limit's part. False: state is lost. */
static __always_inline bool seats_of_packet(struct __sk_buff *skb, __u64 packed, __u32 ports,
					    struct decision *d, struct seating *s,
					    struct client *client, struct plic_seated_key *key,
					    __u64 now)
{
	void *set = gate_set();
	struct packet p;

	packet_unpack(&p, packed);
	p.sport = ports >> 16;
	p.dport = ports & 0xffff;
	admit_client(skb, &p, client);
	*key = (struct plic_seated_key){.usage = {.port = p.dport, .proto = p.proto}};
	__builtin_memcpy(key->address, client->address, sizeof(key->address));
	return decide_rule(d, set, p.proto, p.dport, now) && seats_of(set, d->cell, s);
}

/*
 * enum seats_found for the client of this packet. packed: packet_pack(); ports: source << 16 | destination;
 * grants: those that admit it (admit()), 0: a segment of a TCP connection.
 */
PLIC_FUNC int seats_look(struct __sk_buff *skb, __u64 packed, __u32 ports, __u32 grants, __u64 now)
{
	struct plic_seated_key key;
	struct decision d = {};
	struct client client;
	struct seating s;

	if (!seats_of_packet(skb, packed, ports, &d, &s, &client, &key, now))
		return SEATS_NONE;
	if (!grants)
		grants = seats_grants(d.rule, &client, now);
	else
		grants |= grants << SEATS_GIVING;
	return seats_find(&s, &key, plic_gate_id, grants, grants >> SEATS_GIVING, now);
}

/* Gives it one. With SEATS_ANYWAY among the grants also beyond the limit. */
#define SEATS_ANYWAY 0x100
PLIC_FUNC int seats_give(struct __sk_buff *skb, __u64 packed, __u32 ports, __u32 grants, __u64 now)
{
	bool anyway = grants & SEATS_ANYWAY;
	struct plic_seated_key key;
	struct decision d = {};
	struct client client;
	struct seating s;
	bool needed;

	if (!seats_of_packet(skb, packed, ports, &d, &s, &client, &key, now))
		return false;
	return seats_take(&s, &key, plic_gate_id, grants, 0, anyway, &needed, now) &&
	       (!s.policy->seats || seats_take_policy(&s, &key, plic_gate_id, 0, anyway, now));
}

/*
 * For wire, of a port with seats: does its client let this packet pass? A reset always passes. UDP and
 * SCTP have no connections that would end: there a seat goes when its client is idle. In audit mode a
 * client beyond the limit sits too, and stays when the mode becomes enforce.
 */
static __always_inline bool seats_admit(struct __sk_buff *skb, const struct packet *p, __u32 mode,
					__u32 grants, __u64 now)
{
	__u32 ports = p->sport << 16 | p->dport;
	__u64 packed = packet_pack(p);
	__u32 found = seats_look(skb, packed, ports, grants, now);

	if (p->proto == IPPROTO_TCP)
		return found || p->tcp_flags & TCP_RST;
	if (found == SEATS_OWN || plic_dry_run || skb->pkt_type == PACKET_OTHERHOST ||
	    (!found && mode == PLIC_ENFORCE))
		return found;
	return seats_give(skb, packed, ports, grants | (found ? 0 : SEATS_ANYWAY), now) && found;
}
#endif

#endif
