/* SPDX-License-Identifier: MIT */
/*
 * seats.h - distinct clients at a time: who has a seat (plic_seated), and is one free (plic_seats)? Of seats that
 * the cluster counts there are as many as the node has borrowed (plic_shares), and none once that has ended.
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

/*
 * A client of a port in numbers, for functions that the verifier judges by themselves: it would go through a seat
 * of each grant in all ways there are.
 */
struct sitter {
	__u64 high, low; /* address */
	__u64 where;	 /* gate << 32 | port << 16 | protocol << 8 */
};
#define SITTER(gate, port, proto) ((__u64)(gate) << 32 | (__u32)(port) << 16 | (proto) << 8)

/* Flags of a limit << 32, and its seats. */
static __always_inline __u64 seat_limit(const struct plic_limit *limit)
{
	return (__u64)limit->flags << 32 | limit->seats;
}

static __always_inline struct plic_usage_key seat_usage(__u64 where, __u64 line, __u64 limit)
{
	/* PLIC_NODE_WIDE has all bits. */
	return (struct plic_usage_key){
		.line = line,
		.owner = (__u32)(where >> 32) | -((__u32)(limit >> 32) / PLIC_LIMIT_SEATS_NODE % 2),
		.port = where >> 16,
		.proto = where >> 8,
	};
}

static __always_inline struct plic_seated_key seat_key(__u64 high, __u64 low, __u64 where,
						       __u64 line, __u64 limit)
{
	struct plic_seated_key key = {.usage = seat_usage(where, line, limit)};
	__u64 address[2] = {high, low};

	__builtin_memcpy(key.address, address, sizeof(address));
	return key;
}

/* How many seats there are of a limit now; SEATS_ENDED: nobody sits there any more. */
#define SEATS_ENDED -1
static __always_inline __s64 seat_room(const struct plic_usage_key *usage, __u64 limit, __u64 now)
{
	__u32 most = limit, borrowed;
	struct plic_share *share;

	if (!(limit >> 32 & PLIC_LIMIT_SEATS_SHARE))
		return most;
	share = bpf_map_lookup_elem(&plic_shares, usage);
	if (plic_dry_run)
		now = bpf_ktime_get_boot_ns(); /* of another time nobody knows the share: as it is now */
	if (!share || now >= share->until_ns)
		return SEATS_ENDED;
	borrowed = share->seats;
	return borrowed < most ? borrowed : most;
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
static __always_inline bool seat_new(__s64 room, const struct plic_seated_key *key,
				     __u32 connections, bool anyway, __u64 now)
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
	if ((anyway || *(volatile __s64 *)&seats->used <= room) &&
	    !bpf_map_update_elem(&plic_seated, key, &fresh, BPF_NOEXIST))
		return true;
	__sync_fetch_and_add(&seats->used, -1);
	return (anyway || room >= 0) &&
	       seat_held(key, connections, now); /* another CPU gave it one meanwhile */
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

/* What there is for a client of one limit. limit: seat_limit(). */
PLIC_FUNC int seat_find(__u64 high, __u64 low, __u64 where, __u64 line, __u64 limit)
{
	struct plic_seated_key key = seat_key(high, low, where, line, limit);
	__u64 now = clock_now();
	__s64 room = seat_room(&key.usage, limit, now);
	struct plic_seats *seats;

	if (room >= 0 && seat_held(&key, 0, now))
		return SEATS_OWN;
	seats = bpf_map_lookup_elem(&plic_seats, &key.usage);
	return (seats ? (__s64)seats->used : 0) < room ? SEATS_FREE : SEATS_NONE;
}

/* Gives a client its seat of one limit. where: with flags of these. */
#define SEAT_COUNT 1  /* for a connection */
#define SEAT_ANYWAY 2 /* also where there is none */
#define SEAT_OLD 4    /* only the one that it has */
PLIC_FUNC int seat_take(__u64 high, __u64 low, __u64 where, __u64 line, __u64 limit)
{
	struct plic_seated_key key = seat_key(high, low, where, line, limit);
	bool anyway = where & SEAT_ANYWAY;
	__u64 now = clock_now();
	__s64 room = seat_room(&key.usage, limit, now);

	if (where & SEAT_OLD)
		return (anyway || room >= 0) && seat_held(&key, where & SEAT_COUNT, now);
	return seat_new(room, &key, where & SEAT_COUNT, anyway, now);
}

/* A client found no seat in the node's share, which user space may be able to raise. */
PLIC_FUNC int seat_ask(__u64 where, __u64 line, __u32 flags)
{
	struct plic_usage_key key = seat_usage(where, line, (__u64)flags << 32);
	struct plic_share first = {.asked = 1}, *share;

	if (!(flags & PLIC_LIMIT_SEATS_SHARE) || plic_dry_run)
		return 0;
	share = bpf_map_lookup_elem(&plic_shares, &key);
	if (share)
		__sync_fetch_and_add(&share->asked, 1);
	else
		bpf_map_update_elem(&plic_shares, &key, &first, BPF_NOEXIST);
	return 0;
}

/* For a client that would sit down, and found none. */
static __always_inline void seats_ask(const struct seating *s, const struct sitter *c, __u32 giving)
{
	for (int i = 0; i < PLIC_MAX_GRANTS; i++)
		seat_ask(c->where, s->grants[i].line, s->grants[i].flags & -(giving >> i & 1));
}

/*
 * What there is for a client. standing: grants in which it may have a seat, a bit each; giving: those that
 * may give it one; opens: it would sit down.
 */
static __always_inline enum seats_found seats_find(const struct seating *s, const struct sitter *c,
						   __u32 standing, __u32 giving, bool opens)
{
	enum seats_found own = SEATS_OWN, found = SEATS_NONE;

	if (s->policy->seats)
		own = seat_find(c->high, c->low, c->where, s->policy->line, seat_limit(s->policy));
	if (own == SEATS_NONE)
		return SEATS_NONE;
	for (int i = 0; i < PLIC_MAX_GRANTS; i++) {
		const struct plic_limit *limit = &s->grants[i];
		__u32 one;

		if (!((standing | giving) >> i & 1))
			continue;
		if (!limit->seats) /* unlimited wins */
			return own;
		one = seat_find(c->high, c->low, c->where, limit->line, seat_limit(limit));
		if (one == SEATS_OWN)
			return own;
		if (one == SEATS_FREE && giving >> i & 1)
			found = SEATS_FREE;
	}
	if (!found && opens)
		seats_ask(s, c, giving);
	return found;
}

#define SEATS_UNNEEDED PLIC_MAX_GRANTS /* a grant is unlimited */
#define SEATS_REFUSED -1

/*
 * Of giving the number of the grant that the client now has a seat of: the one that it had, else the one that
 * ends first, which is the last. SEATS_UNNEEDED: one is unlimited; SEATS_REFUSED: there is none. how: SEAT_COUNT,
 * SEAT_ANYWAY.
 */
static __always_inline int seats_take(const struct seating *s, const struct sitter *c, __u32 giving,
				      __u32 how)
{
	for (int i = 0; i < PLIC_MAX_GRANTS; i++)
		if (giving >> i & 1 && !s->grants[i].seats)
			return SEATS_UNNEEDED;
	for (int i = 0; i < PLIC_MAX_GRANTS; i++)
		if (giving >> i & 1 && seat_take(c->high, c->low, c->where | how | SEAT_OLD,
						 s->grants[i].line, seat_limit(&s->grants[i])))
			return i;
	for (int i = PLIC_MAX_GRANTS - 1; i >= 0; i--)
		if (giving >> i & 1 && seat_take(c->high, c->low, c->where | how, s->grants[i].line,
						 seat_limit(&s->grants[i])))
			return i;
	return SEATS_REFUSED;
}

/* The policy's own seat. */
static __always_inline bool seats_take_policy(const struct seating *s, const struct sitter *c,
					      __u32 how)
{
	return seat_take(c->high, c->low, c->where | how | SEAT_OLD, s->policy->line,
			 seat_limit(s->policy)) ||
	       seat_take(c->high, c->low, c->where | how, s->policy->line, seat_limit(s->policy));
}

#ifndef PORTLIC_LEDGER
#include "admit.h"

/* Limits of the rule of a packet, and its client. False: state is lost. */
static __always_inline bool seats_of_packet(struct __sk_buff *skb, __u64 packed, __u32 ports,
					    struct decision *d, struct seating *s,
					    struct client *client, struct sitter *c, __u64 now)
{
	void *set = gate_set();
	__u64 address[2];
	struct packet p;

	packet_unpack(&p, packed);
	p.sport = ports >> 16;
	p.dport = ports & 0xffff;
	admit_client(skb, &p, client);
	__builtin_memcpy(address, client->address, sizeof(address));
	*c = (struct sitter){address[0], address[1], SITTER(plic_gate_id, p.dport, p.proto)};
	return decide_rule(d, set, p.proto, p.dport, now) && seats_of(set, d->cell, s);
}

/*
 * enum seats_found for the client of this packet. packed: packet_pack(); ports: source << 16 | destination;
 * grants: those that admit it (admit()), 0: a segment of a TCP connection.
 */
PLIC_FUNC int seats_look(struct __sk_buff *skb, __u64 packed, __u32 ports, __u32 grants, __u64 now)
{
	bool opens = grants && skb->pkt_type != PACKET_OTHERHOST;
	struct decision d = {};
	struct client client;
	struct seating s;
	struct sitter c;

	if (!seats_of_packet(skb, packed, ports, &d, &s, &client, &c, now))
		return SEATS_NONE;
	if (!grants)
		grants = seats_grants(d.rule, &client, now);
	else
		grants |= grants << SEATS_GIVING;
	return seats_find(&s, &c, grants, grants >> SEATS_GIVING, opens);
}

/* Gives it one. With SEATS_ANYWAY among the grants also beyond the limit. */
#define SEATS_ANYWAY 0x100
PLIC_FUNC int seats_give(struct __sk_buff *skb, __u64 packed, __u32 ports, __u32 grants, __u64 now)
{
	__u32 how = grants & SEATS_ANYWAY ? SEAT_ANYWAY : 0;
	struct decision d = {};
	struct client client;
	struct seating s;
	struct sitter c;

	if (!seats_of_packet(skb, packed, ports, &d, &s, &client, &c, now))
		return false;
	return seats_take(&s, &c, grants, how) != SEATS_REFUSED &&
	       (!s.policy->seats || seats_take_policy(&s, &c, how));
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
