/* SPDX-License-Identifier: MIT */
/* decide.h - the one decision that wire and socket share: rule set + port + time -> verdict. */
#ifndef PORTLIC_BPF_DECIDE_H
#define PORTLIC_BPF_DECIDE_H

#include <linux/in.h>
#include <stdbool.h>

#include "maps.h"
#include "source.h"

struct decision {
	const struct plic_rule *rule; /* NULL: the set can't be read (state_lost) */
	__u32 cell;		      /* number of the rule's cell */
	__u32 grants;		      /* that admit the client, a bit each: decide_client() */
	bool asks;		      /* allowed, if decide_client() says so too */
	__u32 slot;		      /* counter slot; PLIC_SLOT_OTHER: the port isn't named */
	__u32 verdict;		      /* enum plic_verdict */
	__u32 reason;		      /* enum plic_reason, unless allowed */
};

/* A denial as the mode of the rule has it. */
static __always_inline __u32 verdict_in_mode(__u32 mode)
{
	if (mode == PLIC_OFF)
		return PLIC_ALLOWED;
	return mode == PLIC_AUDIT_MODE ? PLIC_AUDIT : PLIC_DENIED;
}

#ifndef PORTLIC_LEDGER
static __always_inline void *gate_set(void)
{
	__u32 id = plic_gate_id;

	/* A gate is attached only after its set is published: NULL is lost state, never "open". */
	return bpf_map_lookup_elem(&plic_sets, &id);
}
#endif

static __always_inline struct plic_cell *set_cell(void *set, __u32 number)
{
	return bpf_map_lookup_elem(set, &number);
}

static __always_inline __u32 port_proto(__u32 ip_proto)
{
	if (ip_proto == IPPROTO_TCP)
		return PLIC_TCP;
	return ip_proto == IPPROTO_UDP ? PLIC_UDP : PLIC_SCTP;
}

/* Number of a port's rule cell by directory and index. 0: the set can't be read. */
static __always_inline __u32 find_cell(void *set, __u32 ip_proto, __u32 port, __u32 *slot)
{
	__u32 dir = PLIC_CELL_DIR + port_proto(ip_proto) * PLIC_DIR_CELLS +
		    port / (PLIC_DIR_ENTRIES * PLIC_BLOCK_PORTS);
	__u32 rule = 0, block;
	struct plic_cell *cell = set_cell(set, dir);

	*slot = PLIC_SLOT_OTHER;
	if (!cell)
		return 0;
	block = cell->dir[port / PLIC_BLOCK_PORTS % PLIC_DIR_ENTRIES];
	if (block) {
		const struct plic_index *index;

		cell = set_cell(set, block);
		if (!cell)
			return 0;
		index = &cell->index[port % PLIC_BLOCK_PORTS];
		rule = index->rule;
		if (rule)
			*slot = index->slot;
	}
	return rule ?: PLIC_CELL_DEFAULT;
}

static __always_inline const struct plic_rule *cell_rule(void *set, __u32 number)
{
	struct plic_cell *cell = set_cell(set, number);

	return cell ? &cell->rule : NULL;
}

/* NULL: the set can't be read. */
static __always_inline const struct plic_rule *find_rule(void *set, __u32 ip_proto, __u32 port,
							 __u32 *slot)
{
	__u32 number = find_cell(set, ip_proto, port, slot);

	return number ? cell_rule(set, number) : NULL;
}

/* The rule itself, or the one that stands in for it now. */
static __always_inline const struct plic_rule *rule_now(void *set, const struct plic_rule *rule,
							__u64 now)
{
	if (!rule->interim || now >= rule->until_ns)
		return rule;
	return cell_rule(set, rule->interim);
}

static __always_inline const struct plic_header *header_now(void *set, __u64 now)
{
	struct plic_cell *cell = set_cell(set, PLIC_CELL_HEADER);

	if (cell && cell->header.interim && now < cell->header.until_ns)
		cell = set_cell(set, cell->header.interim);
	return cell ? &cell->header : NULL;
}

static __always_inline bool grant_admits(const struct plic_grant *g, __u64 now)
{
	return now >= g->from_ns && now < g->new_until_ns;
}

/* In the last three steps of a grant that admits. */
static __always_inline bool grant_is_brown(const struct plic_grant *g, __u64 now)
{
	return g->step_ns && g->new_until_ns - now <= 3 * g->step_ns;
}

/*
 * No grant admits a new flow now. established: the packet is part of a TCP connection, and that goes
 * on until all grants say cut (none at all says so too).
 */
static __always_inline void decide_ended(struct decision *d, __u64 now, bool established)
{
	const struct plic_rule *rule = d->rule;
	__u32 ended = 0, pending = 0, report = 0;
	bool cut = true;

	for (int i = 0; i < PLIC_MAX_GRANTS && i < rule->n_grants; i++) {
		const struct plic_grant *g = &rule->grants[i];

		if (now < g->from_ns) {
			pending = 1;
			continue;
		}
		if (now < g->cut_at_ns)
			cut = false;
		if (!ended)
			ended = g->ended_reason ?: PLIC_REASON_LAPSED;
		if (g->lapse == PLIC_REPORT && now < g->cut_at_ns) /* a revocation ends it */
			report = 1;
	}
	d->reason = ended ?: pending ? PLIC_REASON_NOT_YET_VALID : PLIC_REASON_UNLICENSED;
	if (report && rule->mode != PLIC_OFF)
		d->verdict = PLIC_AUDIT;
	else if (established && !cut)
		d->verdict = PLIC_ALLOWED;
	else
		d->verdict = verdict_in_mode(rule->mode);
}

/* The rule of a port now, or state_lost, which denies. */
static __always_inline bool decide_rule(struct decision *d, void *set, __u32 ip_proto, __u32 port,
					__u64 now)
{
	d->asks = false;
	d->cell = set ? find_cell(set, ip_proto, port, &d->slot) : 0;
	d->rule = d->cell ? cell_rule(set, d->cell) : NULL;
	if (d->rule && d->rule->interim && now < d->rule->until_ns) {
		d->cell = d->rule->interim;
		d->rule = cell_rule(set, d->cell);
	}
	if (d->rule)
		return true;
	d->slot = PLIC_SLOT_OTHER;
	d->verdict = PLIC_DENIED;
	d->reason = PLIC_REASON_STATE_LOST;
	return false;
}

/*
 * Verdict of d->rule, for a new flow or (established) for a segment of a TCP connection. Allowed with
 * d->asks set: decide_client() has to see who it is before a new flow may pass.
 */
static __always_inline void decide_times(struct decision *d, __u64 now, bool established)
{
	const struct plic_rule *rule = d->rule;
	bool brown = false;

	d->verdict = PLIC_ALLOWED;
	d->asks =
		rule->flags & (established ? PLIC_RULE_SEATS : PLIC_RULE_NARROW | PLIC_RULE_LIMITS);
	for (int i = 0; i < PLIC_MAX_GRANTS && i < rule->n_grants; i++) {
		const struct plic_grant *g = &rule->grants[i];

		if (!grant_admits(g, now))
			continue;
		if (established || !grant_is_brown(g, now))
			return;
		brown = true;
	}
	if (brown) {
		d->asks = true;
		return;
	}
	d->asks = false;
	decide_ended(d, now, established);
}

/* Which quarter of the clients of a license line an address is in: 0 to 3, always the same one. */
static __always_inline __u32 client_quarter(const __u32 address[4], __u32 salt)
{
	__u32 hash = salt;

	for (int i = 0; i < 4; i++) {
		hash = (hash ^ address[i]) * 0x9e3779b1; /* 2^32 / golden ratio */
		hash ^= hash >> 15;
	}
	return hash >> 30;
}

/* Of the quarters 0 to 3, the highest goes first. */
static __always_inline __u32 quarters_left(const struct plic_grant *g, __u64 now)
{
	__u64 left = g->new_until_ns - now;

	return left <= g->step_ns ? 1 : left <= 2 * g->step_ns ? 2 : 3;
}

/* Does a grant that admits now take this client? Else why not. */
static __always_inline __u32 grant_refuses(const struct plic_grant *g, const struct client *client,
					   __u64 now)
{
	if (grant_is_brown(g, now) &&
	    client_quarter(client->address, g->salt) >= quarters_left(g, now))
		return PLIC_REASON_BROWNOUT;
	if (!source_admitted(g->origins, g->sources, client))
		return source_reason(g->sources);
	return PLIC_REASON_NONE;
}

/*
 * A new flow that the times admit (decide_times()): does its rule admit this client? One of the grants is
 * enough; d->grants: which ones do. by_socket: the hook is the last one, where what holds at the socket
 * alone is asked, too.
 */
static __always_inline void decide_client(struct decision *d, const struct client *client,
					  bool by_socket, __u64 now)
{
	const struct plic_rule *rule = d->rule;
	__u32 reason = PLIC_REASON_NONE, refused = PLIC_REASON_NONE;

	d->grants = 0;
	if ((by_socket || !(rule->flags & PLIC_RULE_VIA)) &&
	    !source_admitted(rule->origins, rule->sources, client))
		reason = source_reason(rule->sources);
	for (int i = 0; !reason && i < PLIC_MAX_GRANTS && i < rule->n_grants; i++) {
		const struct plic_grant *g = &rule->grants[i];
		__u32 why;

		if (!grant_admits(g, now))
			continue;
		why = grant_refuses(g, client, now);
		if (why)
			refused = why;
		else
			d->grants |= 1U << i;
	}
	if (d->grants)
		return;
	d->reason = reason ?: refused;
	d->verdict = verdict_in_mode(rule->mode);
}

#endif
