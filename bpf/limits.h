/* SPDX-License-Identifier: MIT */
/*
 * limits.h - how much of a port its grants give: which of them takes a new flow or a packet, and what that
 * costs it (struct plic_limit). For wire and host; sk_lookup is pure.
 */
#ifndef PORTLIC_BPF_LIMITS_H
#define PORTLIC_BPF_LIMITS_H

#include "flow.h"
#include "quota.h"
#include "rate.h"

#define LIMITS_GIVEN 0x100  /* to limits(), with the grants that admit the client */
#define LIMITS_FRESH 0x200  /* to limits(): it opens a flow */
#define LIMITS_REPORT 0x100 /* from limits(), with a reason: let through all the same */
#define LIMITS_TLS 0x200    /* from limits(): the connection has to begin with TLS */

/* Those that a connection may stand by: begun and not cut, a bit each. */
static __always_inline __u32 grants_standing(const struct plic_rule *rule, __u64 now)
{
	__u32 grants = 0;

	for (int i = 0; i < PLIC_MAX_GRANTS && i < rule->n_grants; i++)
		if (now >= rule->grants[i].from_ns && now < rule->grants[i].cut_at_ns)
			grants |= 1U << i;
	return grants;
}

static __always_inline bool grants_demand_tls(const struct plic_limit *limits, __u32 grants)
{
	for (int i = 0; i < PLIC_MAX_GRANTS; i++)
		if (grants & 1U << i && !(limits[i].flags & PLIC_LIMIT_TLS))
			return false;
	return grants & 0xf;
}

#define TAKE_OVER 1  /* also of a quota that is over, if that only reports */
#define TAKE_FRESH 2 /* it opens a flow */
#define TAKE_LOOK 4  /* takes nothing */

/*
 * Takes from the limit in place 0 to 3 of cell what a flow or a packet costs. port: << 8, with the protocol;
 * how: the flags above << 32, with the bytes. A function by itself, or the verifier goes through it for
 * each grant in all ways there are. enum plic_reason.
 */
PLIC_FUNC int limit_take(__u32 number, __u32 place, __u32 port, __u64 how, __u64 now)
{
	bool look = how >> 32 & TAKE_LOOK || plic_dry_run;
	struct charge c = {.gate = plic_gate_id,
			   .port = port >> 8,
			   .proto = port & 0xff,
			   .bytes = how,
			   .opens = how >> 32 & TAKE_FRESH,
			   .now = now};
	struct quota_place quota = {};
	const struct plic_limit *l;
	struct plic_cell *cell;
	void *set = gate_set();
	__u32 why;

	cell = set ? set_cell(set, number) : NULL;
	if (!cell)
		return PLIC_REASON_STATE_LOST;
	l = &cell->limits[place & (PLIC_MAX_GRANTS - 1)];
	c.connections = c.opens && c.proto != IPPROTO_TCP; /* those of TCP the ledger charges */
	why = quota_refuses(l, &c, how >> 32 & TAKE_OVER, &quota);
	if (!why && c.opens)
		why = rate_refuses(l, &c, !look);
	if (!why && !look)
		quota_charge(&quota, &c);
	return why;
}

/*
 * The one that ends first is charged first. A quota that is over and only reports comes last: it takes
 * what no other does.
 */
static __always_inline __u32 grants_refuse(const struct plic_limit *limits, __u32 number,
					   __u32 grants, __u32 port, __u64 how, __u64 now)
{
	__u32 first = PLIC_REASON_NONE;

	for (int i = PLIC_MAX_GRANTS - 1; i >= 0; i--) {
		__u32 why;

		if (!(grants & 1U << i))
			continue;
		why = limit_take(number, i, port, how, now);
		if (!why)
			return PLIC_REASON_NONE;
		first = first ?: why;
	}
	how |= (__u64)TAKE_OVER << 32;
	for (int i = PLIC_MAX_GRANTS - 1; i >= 0; i--)
		if (grants & 1U << i && limits[i].window_ns &&
		    !(limits[i].flags & PLIC_LIMIT_BLOCK) && !limit_take(number, i, port, how, now))
			return PLIC_REASON_QUOTA | LIMITS_REPORT;
	return first;
}

/*
 * May a new flow or one more packet pass, and if so, charges it. packed: packet_pack(). grants:
 * with the flags above, or 0 for a segment of a connection. enum plic_reason with
 * the flags above.
 */
PLIC_FUNC int limits(struct __sk_buff *skb, __u64 packed, __u32 dport, __u32 grants, __u64 now)
{
	const struct plic_limit *given, *policy;
	bool fresh = grants & LIMITS_FRESH, limited;
	void *set = gate_set();
	struct decision d = {};
	__u32 why, tls, port;
	struct packet p;
	__u64 how;

	packet_unpack(&p, packed);
	if (!decide_rule(&d, set, p.proto, dport, now))
		return PLIC_REASON_STATE_LOST;
	given = find_limits(set, &d, false);
	policy = find_limits(set, &d, true);
	if (!given || !policy)
		return PLIC_REASON_STATE_LOST;
	if (!(grants & LIMITS_GIVEN))
		grants = grants_standing(d.rule, now);
	tls = policy->flags & PLIC_LIMIT_TLS || grants_demand_tls(given, grants) ? LIMITS_TLS : 0;
	port = dport << 8 | p.proto;
	how = skb->len - p.l3 | (fresh ? (__u64)TAKE_FRESH << 32 : 0);
	limited = fresh && policy->interval_ns;
	why = limited ? limit_take(d.cell + 2, 0, port, how | (__u64)TAKE_LOOK << 32, now) : 0;
	if (!why)
		why = grants_refuse(given, d.cell + 1, grants, port, how, now);
	if (limited && (!why || why & LIMITS_REPORT))
		why = limit_take(d.cell + 2, 0, port, how, now) ?: why;
	return why | tls;
}

#endif
