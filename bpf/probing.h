/* SPDX-License-Identifier: MIT */
/* probing.h - lets the kubelet's probes in, and what is taken for them up to a budget. For wire and host. */
#ifndef PORTLIC_BPF_PROBING_H
#define PORTLIC_BPF_PROBING_H

#include "probe.h"
#include "mark.h"
#include "rate.h"
#include "sender.h"

#ifdef PORTLIC_HOST
#define PROBES_ON_LO                                                                               \
	true /* host-network pods are probed there; a pod's own `lo` no kubelet reaches */
#else
#define PROBES_ON_LO false
#endif

enum probe_found {
	PROBE_NOT,
	PROBE_IS,
	PROBE_SPENT, /* it may be one, but what is taken for probes is used up */
	PROBE_STRAY, /* of nobody known, where no license or policy ever let anybody else in */
};

static const struct plic_limit probe_limit = {
	.line = PLIC_LINE_PROBE, .interval_ns = PLIC_PROBE_INTERVAL_NS, .burst = PLIC_PROBE_BURST};

/* A SYN from an address of the node: takes it for a probe as long as the budget of its port lasts. */
PLIC_FUNC int probe_guess(struct __sk_buff *skb, __u64 packed, __u32 ports, __u64 now)
{
	struct plic_probe guess = {.opened_ns = now,
				   .gate = plic_gate_id,
				   .left = PLIC_PROBE_BYTES,
				   .taken = plic_gate_id + 1};
	struct charge c = {.gate = plic_gate_id, .port = ports & 0xffff, .proto = IPPROTO_TCP};
	struct plic_mark_key key;
	struct packet p;

	packet_unpack(&p, packed);
	p.sport = ports >> 16;
	p.dport = ports & 0xffff;
	mark_key(skb, &p, true, &key);
	if (skb->ifindex != LOOPBACK_IFINDEX &&
	    origin_of_address((__u32 *)key.remote) != ORIGIN_BIT(NODE))
		return PROBE_NOT;
	if (rate_refuses(&probe_limit, &c, true))
		return PROBE_SPENT;
	bpf_map_update_elem(&plic_probes, &key, &guess, BPF_ANY);
	return PROBE_IS;
}

/* Bytes of a guess; the kubelet's own have no limit. */
static __always_inline bool probe_has_left(struct plic_probe *probe, __u32 bytes)
{
	if (probe->gate == PLIC_NODE_WIDE)
		return true;
	__sync_fetch_and_add(&probe->left, -(__s32)bytes);
	return *(volatile __s32 *)&probe->left >= 0;
}

/*
 * For a segment to a port that is probed, enum probe_found. packed, ports: as for admit(); open: it opens a
 * connection.
 */
PLIC_FUNC int probe(struct __sk_buff *skb, __u64 packed, __u32 ports, __u32 open, __u64 now)
{
	struct plic_mark_key key;
	struct plic_probe *found;
	struct packet p;

	if (plic_dry_run)
		return plic_dry_origins == ORIGIN_BIT(PROBE) ? PROBE_IS : PROBE_NOT;
	if (!PROBES_ON_LO && skb->ifindex == LOOPBACK_IFINDEX)
		return PROBE_NOT;
	packet_unpack(&p, packed);
	p.sport = ports >> 16;
	p.dport = ports & 0xffff;
	mark_key(skb, &p, true, &key);
	found = bpf_map_lookup_elem(&plic_probes, &key);
	if (probe_is_of(found, plic_gate_id) && (!open || probe_is_fresh(found, now))) {
		found->taken = plic_gate_id + 1;
		return probe_has_left(found, skb->len - p.l3) ? PROBE_IS : PROBE_SPENT;
	}
	/* What follows this SYN is of another process, and must not pass for the probe that has ended. */
	if (open && found && found->closed_ns)
		bpf_map_delete_elem(&plic_probes, &key);
	return open && probes_are_guessed(now) ? probe_guess(skb, packed, ports, now) : PROBE_NOT;
}

/*
 * A segment of TCP whose verdict by its times is there already, enum probe_found: a probe is let in, and neither
 * asked nor held to anything else. Of those that pass anyway a connection's segments aren't looked at. PROBE_STRAY
 * is for the caller to let through: it stood before the gate, and is drained as soon as user space has seen it.
 */
static __always_inline __u32 probe_judges(struct __sk_buff *skb, const struct packet *p,
					  struct decision *d, bool open, __u64 now)
{
	const struct plic_rule *rule = d->rule;
	__u32 found;

	if (!(rule->flags & PLIC_RULE_PROBE))
		return PROBE_NOT;
	if (!open && d->verdict == PLIC_ALLOWED && !d->asks &&
	    !(rule->flags & (PLIC_RULE_QUOTA | PLIC_RULE_TLS)))
		return PROBE_NOT;
	found = probe(skb, packet_pack(p), p->sport << 16 | p->dport, open, now);
	if (found == PROBE_NOT && !open && !rule->n_grants)
		return PROBE_STRAY;
	if (found == PROBE_SPENT && d->verdict != PLIC_ALLOWED)
		d->reason = PLIC_REASON_ORIGIN;
	if (found == PROBE_IS) {
		d->verdict = PLIC_ALLOWED;
		d->reason = PLIC_REASON_NONE;
		d->asks = false;
	}
	return found;
}

#endif
