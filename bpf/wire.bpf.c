/* SPDX-License-Identifier: MIT */
/*
 * wire.bpf.c - tc ingress of every interface: judges each packet that comes in, counts it, and says
 * no to the client. Fails closed: what can't be read or looked up is dropped.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "admit.h"
#include "count.h"
#include "decide.h"
#include "event.h"
#include "flow.h"
#include "forward.h"
#include "hangup.h"
#include "hold.h"
#include "maps.h"
#include "mark.h"
#include "parse.h"
#include "portless.h"
#include "probing.h"
#include "refuse.h"
#include "seats.h"
#include "stand.h"

/*
 * May the socket program get to see this segment of TCP? With SYN cookies the one that completes the handshake,
 * too: the sidecar's port is open to nothing that isn't noted.
 */
static __always_inline bool is_for_socket(const struct plic_rule *rule, bool open)
{
	return open || rule->flags & PLIC_RULE_VIA;
}

/* Another device of the namespace (macvlan, bridge, VLAN) or nobody takes it: count it there. */
static __always_inline bool is_for_us(struct __sk_buff *skb)
{
	return skb->pkt_type != PACKET_OTHERHOST;
}

static __always_inline __u32 segments(struct __sk_buff *skb)
{
	return skb->gso_segs ?: 1;
}

static __always_inline void note_reply(__u32 local_port)
{
	struct plic_budget *b = budget();

	if (b)
		note(b, IPPROTO_UDP, local_port);
}

static __always_inline bool has_connected_socket(struct __sk_buff *skb, const struct packet *p)
{
	return socket_state(skb, packet_pack(p), p->sport << 16 | p->dport);
}

/* An answer to a flow that egress recorded. */
static __always_inline bool wire_is_own(struct __sk_buff *skb, const struct packet *p, bool named,
					__u64 now)
{
	struct plic_flow_key key;

	flow_key(skb, p, true, &key);
	if (!flow_is_own(&key, named, now))
		return false;
	note_reply(p->dport);
	return true;
}

/* The same of a flow from before the gate came, unless it is one of a client of a port that was named. */
static __always_inline bool wire_is_connected(struct __sk_buff *skb, const struct packet *p)
{
	struct plic_flow_key key;

	if (p->proto != IPPROTO_UDP || !has_connected_socket(skb, p))
		return false;
	flow_key(skb, p, true, &key);
	return !bpf_map_lookup_elem(&plic_clients, &key);
}

/* A segment of a connection that the pod itself opened, from a port that has a rule. */
static __always_inline bool wire_is_marked(struct __sk_buff *skb, const struct packet *p)
{
	return mark_found(skb, packet_pack(p), p->sport, p->dport, false);
}

/* A peer opens a connection on the same ports: the one that the pod opened is over. */
static __always_inline void wire_unmark(struct __sk_buff *skb, const struct packet *p)
{
	mark_found(skb, packet_pack(p), p->sport, p->dport, true);
}

/*
 * The pod's own multicast, looped back by the stack, gets here before egress has seen it go out: do as
 * egress will, so that who sends from the port that it listens on hears itself.
 */
PLIC_FUNC int wire_looped(__u32 proto, __u32 port, __u64 now)
{
	struct plic_flow_key key = {.local_port = port, .proto = proto};
	void *set = gate_set();
	__u32 slot;

	if (set && find_rule(set, proto, port & 0xffff, &slot) && slot == PLIC_SLOT_OTHER)
		flow_enter(&key, now);
	return 0;
}

/*
 * What the rule has against the client of a packet that its times admit: enum plic_reason. grants: what
 * admit() says.
 */
static __always_inline __u32 wire_refuses(struct __sk_buff *skb, const struct packet *p,
					  const struct decision *d, __u32 grants, __u64 now)
{
	if (grants >> ADMIT_REASON)
		return grants >> ADMIT_REASON;
	if (d->rule->flags & PLIC_RULE_SEATS &&
	    !seats_admit(skb, p, d->rule->mode, grants & 0xf, now))
		return PLIC_REASON_SEATS;
	return PLIC_REASON_NONE;
}

/* What the times of a rule don't tell: who the client is, and whether there is room for it. */
static __always_inline void wire_asks(struct __sk_buff *skb, const struct packet *p,
				      struct decision *d, bool open, __u64 now)
{
	__u32 grants = 0;

	if (open)
		grants = admit(skb, packet_pack(p), p->sport << 16 | p->dport,
			       skb->ifindex == LOOPBACK_IFINDEX, now);
	d->reason = wire_refuses(skb, p, d, grants, now);
	if (d->reason)
		d->verdict = verdict_in_mode(d->rule->mode);
	else if (grants & LIMITS_GIVEN)
		hold(skb, p, d, grants, now);
}

/*
 * Verdict of a packet with ports. *connections: whether it is counted as one. True: it belongs to
 * something that the pod itself began, and passes uncounted.
 */
static __always_inline bool judge_ports(struct __sk_buff *skb, const struct packet *p,
					struct decision *d, bool *connection, __u64 now)
{
	bool tcp = p->proto == IPPROTO_TCP, open = is_open(p), named;
	__u32 probing;

	*connection = open;
	if (!decide_rule(d, gate_set(), p->proto, p->dport, now))
		return false;
	named = d->slot != PLIC_SLOT_OTHER;
	if (!tcp && skb->pkt_type == PACKET_LOOPBACK)
		wire_looped(p->proto, p->sport, now);
	/*
	 * The sockets that a lapsed server has connected to its clients must not keep it open, so those of
	 * unnamed ports only are asked for.
	 */
	if (!named && (tcp ? !open : wire_is_own(skb, p, false, now)))
		return true;
	decide_times(d, now, !open);
	probing = tcp ? probe_judges(skb, p, d, open, now) : PROBE_NOT;
	if (probing == PROBE_STRAY)
		return true;
	if (d->asks)
		wire_asks(skb, p, d, open, now);
	if (tcp) {
		*connection = open && d->verdict != PLIC_ALLOWED; /* else the ledger counts it */
		if (d->verdict != PLIC_DENIED && is_for_socket(d->rule, open))
			opened_note(p->sport, p->dport);
		if (open && plic_marked && d->verdict != PLIC_DENIED)
			wire_unmark(skb, p);
		if (open)
			return false;
		if ((plic_marked || d->verdict != PLIC_ALLOWED) && wire_is_marked(skb, p))
			return true;
		if (d->verdict == PLIC_ALLOWED && probing != PROBE_IS &&
		    !(p->tcp_flags & TCP_RST) && d->rule->flags & (PLIC_RULE_QUOTA | PLIC_RULE_TLS))
			hold(skb, p, d, 0, now);
		return false;
	}
	if (d->verdict != PLIC_ALLOWED &&
	    (named ? wire_is_own(skb, p, true, now) : wire_is_connected(skb, p)))
		return true;
	if (d->verdict != PLIC_DENIED) {
		bool fresh = arrive(skb, packet_pack(p), p->sport << 16 | p->dport, d->slot, now);

		*connection = fresh || d->verdict != PLIC_ALLOWED;
	}
	return false;
}

/* A segment of a connection that was admitted, and has come to a limit since; ORIGIN: to that of a probe. */
static __always_inline bool over_limit(const struct packet *p, const struct decision *d)
{
	return p->proto == IPPROTO_TCP && !is_open(p) &&
	       (d->reason == PLIC_REASON_QUOTA || d->reason == PLIC_REASON_PLAINTEXT ||
		d->reason == PLIC_REASON_ORIGIN);
}

static __noinline int wire_whole(struct __sk_buff *skb)
{
	struct packet p;
	struct decision d;
	bool connection = false;
	__u64 now;

	parse(skb, &p);
	if (p.kind == PACKET_PASS)
		return WIRE_PASS;
	now = clock_now();
	if (p.kind != PACKET_PORTS)
		judge_portless(&p, &d, now);
	else if (judge_ports(skb, &p, &d, &connection, now))
		return WIRE_PASS;

	if (d.verdict == PLIC_ALLOWED) {
		if (d.slot != PLIC_SLOT_OTHER && d.rule->mode != PLIC_OFF && is_for_us(skb))
			count_allowed(plic_gate_id, d.slot, segments(skb), skb->len - p.l3,
				      connection, now);
		return WIRE_PASS;
	}
	/* The FIB is asked without ports and marks: where the stack's rules look at those, a socket tells. */
	if (!plic_dry_run && is_forwarded(skb, packet_pack(&p)) &&
	    (p.kind != PACKET_PORTS || !has_connected_socket(skb, &p)))
		return WIRE_PASS;
	if (is_for_us(skb)) {
		union denial_name name = {.key = {.slot = d.slot,
						  .port = p.kind == PACKET_PORTS ? p.dport : 0,
						  .proto = p.proto,
						  .reason = d.reason,
						  .verdict = d.verdict}};
		__u32 packets = segments(skb);

		count_denied(name.number, packets, skb->len - p.l3, connection ? packets : 0, now);
		if (event_is_due(&p, &d) || over_limit(&p, &d))
			event_of_packet(skb, packet_pack(&p),
					p.kind == PACKET_PORTS ? p.sport << 16 | p.dport : 0,
					PLIC_HOOK_WIRE << 16 | d.verdict << 8 | d.reason, now);
	}
	if (d.verdict == PLIC_AUDIT)
		return WIRE_PASS;
	if (over_limit(&p, &d) && has_connected_socket(skb, &p) && hang_up(skb, packet_pack(&p)))
		return WIRE_PASS;
	if (p.kind == PACKET_PORTS && d.rule && d.rule->deny == PLIC_REFUSE)
		return refuse(skb, packet_pack(&p), p.dport, now);
	return TC_ACT_SHOT;
}

/*
 * What most packets are, judged in registers: plain ones that the first grant of their port admits, and
 * answers to the pod. True: allowed, and counted. False: not known here; nothing has happened yet. A function
 * of its own, so that its stack isn't beneath that of wire_whole().
 */
static __noinline int wire_fast(struct __sk_buff *skb)
{
	struct packet p;
	const struct plic_rule *rule;
	struct plic_flow_key key;
	struct plic_flow *flow;
	__u64 now;
	__u32 slot, asked = 0xff; /* flags of a rule that are asked for each packet */
	void *set = gate_set();

	if (!set || !parse_fast(skb, &p))
		return false;
	rule = find_rule(set, p.proto, p.dport, &slot);
	if (!rule)
		return false;
	if (p.proto == IPPROTO_TCP) {
		if (slot == PLIC_SLOT_OTHER)
			return !is_open(&p);
		if (plic_marked)
			return false;
		if (!is_open(&p))
			asked = PLIC_RULE_SEATS | PLIC_RULE_QUOTA | PLIC_RULE_TLS;
	} else if (!flow_key_fast(skb, &p, &key)) {
		return false;
	}
	now = clock_now();
	if (slot == PLIC_SLOT_OTHER) {
		if (!flow_within(bpf_map_lookup_elem(&plic_flows, &key), now, FLOW_REFRESH_NS))
			return false;
		note_reply(p.dport);
		return true;
	}
	if (rule->mode == PLIC_OFF || rule->interim || rule->flags & asked || !rule->n_grants ||
	    !grant_admits(&rule->grants[0], now) || rule->grants[0].step_ns || !is_for_us(skb))
		return false;
	if (p.proto == IPPROTO_UDP) {
		flow = bpf_map_lookup_elem(&plic_clients, &key);
		if (!flow || flow_is_due(flow, now))
			return false;
	}
	if (p.proto == IPPROTO_TCP && is_for_socket(rule, is_open(&p)))
		opened_note(p.sport, p.dport);
	count_allowed(plic_gate_id, slot, segments(skb), skb->len - p.l3, 0, now);
	return true;
}

SEC("tc")
int plic_wire(struct __sk_buff *skb)
{
	return wire_fast(skb) ? WIRE_PASS : wire_whole(skb);
}

char LICENSE[] SEC("license") __weak = "Dual MIT/GPL";
