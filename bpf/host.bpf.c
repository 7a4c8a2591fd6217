/* SPDX-License-Identifier: MIT */
/*
 * host.bpf.c - cgroup_skb ingress: what is about to reach a socket of the cgroup, after any NAT, in
 * whatever namespace and on whatever interface. Judges what comes to a listener, to a connection that
 * somebody outside began, to a datagram socket; what the processes themselves began is left alone. It
 * can drop only. Fails closed: what can't be read or looked up is dropped.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PORTLIC_HOST
#include "admit.h"
#include "count.h"
#include "event.h"
#include "flow.h"
#include "hold.h"
#include "host.h"
#include "maps.h"
#include "parse.h"
#include "portless.h"
#include "probing.h"

/* Counts, tells and answers with the verdict. p->dport: the socket's; 0 if it has none. */
static __always_inline int host_end(struct __sk_buff *skb, const struct packet *p,
				    const struct decision *d, bool connection, __u64 now)
{
	union denial_name name = {.key = {.slot = d->slot,
					  .port = p->dport,
					  .proto = p->proto,
					  .reason = d->reason,
					  .verdict = d->verdict}};
	__u32 packets = skb->gso_segs ?: 1;

	if (d->verdict == PLIC_ALLOWED) {
		if (d->slot != PLIC_SLOT_OTHER && d->rule->mode != PLIC_OFF)
			count_allowed(plic_gate_id, d->slot, packets, skb->len,
				      connection && p->proto != IPPROTO_TCP, now);
		return HOST_PASS;
	}
	count_denied(name.number, packets, skb->len, connection ? packets : 0, now);
	if (event_is_due(p, d))
		event_of_packet(skb, packet_pack(p), p->sport << 16 | p->dport,
				PLIC_HOOK_HOST << 16 | d->verdict << 8 | d->reason, now);
	return d->verdict == PLIC_AUDIT ? HOST_PASS : HOST_DROP;
}

static __always_inline int host_portless(struct __sk_buff *skb, const struct packet *p)
{
	__u64 now = clock_now();
	struct decision d;

	if (p->kind == PACKET_PASS)
		return HOST_PASS;
	judge_portless(p, &d, now); /* its ports are 0 */
	return host_end(skb, p, &d, false, now);
}

/*
 * What the times of a rule don't tell of a new flow: who the client is, and whether its limits have room. Of
 * senders on lo only those in the cgroup itself are known.
 */
static __always_inline void host_asks(struct __sk_buff *skb, const struct packet *p,
				      struct decision *d, __u64 now)
{
	__u32 grants;

	if (!d->asks)
		return;
	grants = admit(skb, packet_pack(p), p->sport << 16 | p->dport, true, now);
	d->reason = grants >> ADMIT_REASON;
	if (d->reason)
		d->verdict = verdict_in_mode(d->rule->mode);
	else if (grants & LIMITS_GIVEN)
		hold(skb, p, d, grants, now);
}

/* A segment that opens nothing may be of a connection with limits. */
static __always_inline bool host_is_held(const struct decision *d)
{
	return d->verdict == PLIC_ALLOWED && d->rule->flags & (PLIC_RULE_QUOTA | PLIC_RULE_TLS);
}

static __always_inline void host_holds(struct __sk_buff *skb, const struct packet *p,
				       struct decision *d, __u64 now)
{
	if (host_is_held(d) && !(p->tcp_flags & TCP_RST))
		hold(skb, p, d, 0, now);
}

/*
 * TCP to a listener: a SYN, or the segment that completes the handshake. Of a port that no rule names
 * nothing is half open, for its SYNs are dropped, and what is no SYN can be a stray only.
 */
static __always_inline int host_listener(struct __sk_buff *skb, const struct packet *p)
{
	bool open = (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	__u64 now = clock_now();
	struct decision d;
	__u32 probing;

	if (host_decide(&d, IPPROTO_TCP, p->dport, !open, now) && d.slot == PLIC_SLOT_OTHER &&
	    !open)
		return HOST_PASS;
	probing = d.rule ? probe_judges(skb, p, &d, open, now) : PROBE_NOT;
	if (probing == PROBE_STRAY)
		return HOST_PASS;
	if (probing == PROBE_IS)
		return host_end(skb, p, &d, open, now);
	if (open)
		host_asks(skb, p, &d, now);
	else
		host_holds(skb, p, &d, now);
	return host_end(skb, p, &d, open, now);
}

/* Has a process of the cgroup opened this connection? The tuple is the socket's own, NAT or not. */
static __noinline int host_is_marked(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct plic_mark_key key = {};
	__u32 *remote = (__u32 *)key.remote, *local = (__u32 *)key.local, word;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	key.local_port = sk->src_port;
	key.remote_port = bpf_ntohs(*(volatile __u32 *)&sk->dst_port);
	if (sk->family == HOST_AF_INET) {
		map_ipv4(key.remote, sk->dst_ip4);
		map_ipv4(key.local, sk->src_ip4);
	} else {
		for (int i = 0; i < 4; i++) {
			word = sk->dst_ip6[i];
			barrier_var(word);
			remote[i] = word;
			word = sk->src_ip6[i];
			barrier_var(word);
			local[i] = word;
		}
	}
	return bpf_map_lookup_elem(&plic_marks, &key) != NULL;
}

/* A segment of a connection that stands. Those of unnamed ports are the processes' own, nearly always. */
static __always_inline int host_connection(struct __sk_buff *skb, const struct endpoint *e)
{
	__u64 now = clock_now();
	struct packet p = {.proto = IPPROTO_TCP, .dport = e->port};
	struct decision d;
	__u32 probing;

	if (host_decide(&d, IPPROTO_TCP, e->port, true, now)) {
		if (d.slot == PLIC_SLOT_OTHER)
			return HOST_PASS;
		if ((plic_marked || d.verdict != PLIC_ALLOWED) && host_is_marked(skb))
			return HOST_PASS;
	}
	if (d.verdict != PLIC_ALLOWED || host_is_held(&d)) {
		host_parse(skb, &p);
		p.dport = e->port;
		probing = d.rule ? probe_judges(skb, &p, &d, false, now) : PROBE_NOT;
		if (probing == PROBE_STRAY)
			return HOST_PASS;
		if (probing != PROBE_IS)
			host_holds(skb, &p, &d, now);
	}
	return host_end(skb, &p, &d, false, now);
}

/* UDP and SCTP; the same as on `wire`, but that the socket is known. */
static __always_inline int host_datagram(struct __sk_buff *skb, const struct packet *p,
					 bool connected)
{
	__u64 now = clock_now();
	struct plic_flow_key key, any;
	struct decision d;
	bool named, fresh = true;

	flow_key(skb, p, true, &key);
	if (!host_decide(&d, p->proto, p->dport, false, now))
		return host_end(skb, p, &d, true, now);
	named = d.slot != PLIC_SLOT_OTHER;
	host_asks(skb, p, &d, now);
	any = key;
	if ((!named || d.verdict != PLIC_ALLOWED) && flow_is_own(&any, named, now))
		return HOST_PASS;
	/*
	 * Of before the gate, or remembered no more. The sockets that a lapsed server has connected to its
	 * clients must not keep it open.
	 */
	if (!named && connected && d.verdict != PLIC_ALLOWED &&
	    !bpf_map_lookup_elem(&plic_clients, &key))
		return HOST_PASS;
	if (d.verdict != PLIC_DENIED)
		fresh = arrive(skb, packet_pack(p), p->sport << 16 | p->dport, d.slot, now) ||
			d.verdict != PLIC_ALLOWED;
	return host_end(skb, p, &d, fresh, now);
}

/* A copy for a raw socket, which has no port: judged by what is in it, and not counted if it passes. */
static __always_inline int host_raw(struct __sk_buff *skb, const struct packet *p)
{
	if (p->kind != PACKET_PORTS)
		return host_portless(skb, p);
	if (p->proto == IPPROTO_TCP)
		return host_listener(skb, p);
	return host_datagram(skb, p, false);
}

SEC("cgroup_skb/ingress")
int plic_host(struct __sk_buff *skb)
{
	struct endpoint e;
	struct packet p;

	if (!host_endpoint(skb, &e))
		return HOST_DROP; /* can't be: it is run for a socket */
	if (e.type != HOST_SOCK_RAW && e.proto == IPPROTO_TCP && e.state != BPF_TCP_LISTEN)
		return e.state == BPF_TCP_SYN_SENT ? HOST_PASS : host_connection(skb, &e);
	host_parse(skb, &p);
	if (e.type == HOST_SOCK_RAW)
		return host_raw(skb, &p);
	if (p.kind != PACKET_PORTS || p.proto != e.proto)
		return host_portless(skb, &p);
	p.dport = e.port; /* the packet's too, but for a transparent proxy's */
	return p.proto == IPPROTO_TCP ? host_listener(skb, &p)
				      : host_datagram(skb, &p, e.connected);
}

char LICENSE[] SEC("license") __weak = "Dual MIT/GPL";
