/* SPDX-License-Identifier: MIT */
/*
 * shield.bpf.c - native XDP before the stack: drops what wire, behind it, would drop without an answer.
 *
 * Fails open on purpose: whatever it can't read, find or be sure of goes on to wire, which judges it as if
 * there were no shield. So the shield can only spare work, never open a port. Each instance stands on one
 * Ethernet interface, whose address it has as a constant. It counts what it drops just as wire would have,
 * and wire doesn't see that any more: no packet is counted twice.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "clock.h"
#include "count.h"
#include "decide.h"
#include "flow.h"
#include "forward.h"
#include "maps.h"
#include "probe.h"

/* Set by the loader before the load: the interface's address. */
const volatile __u16 shield_mac[ETH_ALEN / 2] = {};

/* Packets dropped since the first shield of the gate: by them the agent sees whether it is still of use. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} plic_spared SEC(".maps");

/* What knocks on a port. */
struct knock {
	struct packet packet;
	__u32 remote[4], local[4]; /* IPv4 mapped */
	__u32 bytes;		   /* from the IP header on */
};

/* Another device of the namespace takes what isn't for this address, or nobody does. */
static __always_inline bool is_to_us(const struct ethhdr *eth)
{
	const __u16 *to = (const __u16 *)eth->h_dest;

	return to[0] == shield_mac[0] && to[1] == shield_mac[1] && to[2] == shield_mac[2];
}

static __always_inline bool knock_l4(struct packet *p, __u32 proto, __u32 room, void *l4, void *end)
{
	if (proto != IPPROTO_SCTP)
		return parse_fast_l4(p, proto, room, l4, end);
	if (l4 + SCTP_HEADER_LEN > end || room < SCTP_HEADER_LEN)
		return false;
	p->tcp_flags = 0;
	packet_ports(p, proto, l4);
	return true;
}

static __always_inline bool knock_ipv4(struct knock *k, struct iphdr *ip, void *end)
{
	__u32 len;

	if ((void *)(ip + 1) > end || *(__u8 *)ip != 0x45 ||
	    ip->frag_off & bpf_htons(IPV4_MF | IPV4_OFFSET))
		return false;
	len = bpf_ntohs(ip->tot_len);
	if (len < sizeof(*ip) || len > k->bytes)
		return false;
	k->packet.family = 4;
	map_ipv4((__u8 *)k->remote, ip->saddr);
	map_ipv4((__u8 *)k->local, ip->daddr);
	return knock_l4(&k->packet, ip->protocol, len - sizeof(*ip), ip + 1, end);
}

static __always_inline bool knock_ipv6(struct knock *k, struct ipv6hdr *ip, void *end)
{
	__u32 len;

	if ((void *)(ip + 1) > end || (*(__u8 *)ip & 0xf0) != 0x60)
		return false;
	len = bpf_ntohs(ip->payload_len);
	if (len + sizeof(*ip) > k->bytes)
		return false;
	k->packet.family = 6;
	__builtin_memcpy(k->remote, &ip->saddr, sizeof(k->remote));
	__builtin_memcpy(k->local, &ip->daddr, sizeof(k->local));
	return knock_l4(&k->packet, ip->nexthdr, len, ip + 1, end);
}

/*
 * Plain only: no options, extension headers or fragments, and no VLAN tag, which is part of the frame
 * here. (One that a device keeps beside the frame wire doesn't look at either.)
 */
static __always_inline bool knock_read(struct xdp_md *ctx, struct knock *k)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end || !is_to_us(eth))
		return false;
	k->bytes = end - data - ETH_HLEN;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return knock_ipv4(k, (void *)(eth + 1), end);
	return eth->h_proto == bpf_htons(ETH_P_IPV6) && knock_ipv6(k, (void *)(eth + 1), end);
}

/*
 * Will wire answer it, or tell of it? While it has a refusal or an event left on this CPU, where it runs
 * next, it gets its chance. (Where RPS moves packets to other CPUs it always has: no worse than no shield.)
 */
static __always_inline bool is_wanted(const struct plic_budget *b, const struct decision *d,
				      __u32 proto, __u64 now)
{
	if (b->events_ns[d->reason % PLIC_EVENT_REASONS] + PLIC_EVENT_INTERVAL_NS <= now)
		return true;
	return d->rule->deny == PLIC_REFUSE && proto != IPPROTO_SCTP &&
	       b->refuse_ns + PLIC_REFUSE_INTERVAL_NS <= now;
}

static __always_inline bool is_answer(const struct knock *k, bool named, __u64 now)
{
	struct plic_flow_key key = {.remote_port = k->packet.sport,
				    .local_port = k->packet.dport,
				    .proto = k->packet.proto};

	__builtin_memcpy(key.remote, k->remote, sizeof(key.remote));
	return flow_is_own(&key, named, now);
}

/* Has the pod a UDP socket that is connected to where this comes from? */
static __always_inline bool is_connected(struct xdp_md *ctx, const struct knock *k,
					 struct plic_budget *b)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = sizeof(tuple.ipv6);
	struct bpf_sock *sk;
	bool connected;

	if (k->packet.family == 4) {
		size = sizeof(tuple.ipv4);
		tuple.ipv4.saddr = k->remote[3];
		tuple.ipv4.daddr = k->local[3];
		tuple.ipv4.sport = bpf_htons(k->packet.sport);
		tuple.ipv4.dport = bpf_htons(k->packet.dport);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, k->remote, sizeof(tuple.ipv6.saddr));
		__builtin_memcpy(tuple.ipv6.daddr, k->local, sizeof(tuple.ipv6.daddr));
		tuple.ipv6.sport = bpf_htons(k->packet.sport);
		tuple.ipv6.dport = bpf_htons(k->packet.dport);
	}
	b->probing = 1; /* our own socket program may run inside this call */
	sk = bpf_sk_lookup_udp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	b->probing = 0;
	if (!sk)
		return false;
	connected =
		*(volatile __u32 *)&sk->dst_port != 0; /* as 32 bits, which every kernel allows */
	bpf_sk_release(sk);
	return connected;
}

/* Not ours alone: to a group, to all, or to be routed on (see forward.h; cheap where that is off). */
static __always_inline bool is_for_others(struct xdp_md *ctx, const struct knock *k)
{
	struct bpf_fib_lookup fib = {.ifindex = ctx->ingress_ifindex,
				     .l4_protocol = k->packet.proto};
	long r;

	if (k->packet.family == 4) {
		fib.family = FORWARD_AF_INET;
		fib.ipv4_src = k->remote[3];
		fib.ipv4_dst = k->local[3];
	} else {
		fib.family = FORWARD_AF_INET6;
		__builtin_memcpy(fib.ipv6_src, k->remote, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, k->local, sizeof(fib.ipv6_dst));
	}
	if (!is_unicast(&fib))
		return true;
	r = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	return r == BPF_FIB_LKUP_RET_SUCCESS || r == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       r == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

/* One of the kubelet's, or what wire may take for one. */
static __always_inline bool may_probe(const struct knock *k, const struct decision *d, __u64 now)
{
	struct plic_mark_key key = {.remote_port = k->packet.sport, .local_port = k->packet.dport};

	if (k->packet.proto != IPPROTO_TCP || !(d->rule->flags & PLIC_RULE_PROBE))
		return false;
	__builtin_memcpy(key.remote, k->remote, sizeof(key.remote));
	__builtin_memcpy(key.local, k->local, sizeof(key.local));
	return probe_is_known(&key, plic_gate_id) ||
	       (probes_are_guessed(now) && origin_of_address(k->remote) == ORIGIN_BIT(NODE));
}

/* What wire would deny whoever sends it, and neither answer nor take for an answer. */
static __always_inline bool is_hopeless(struct xdp_md *ctx, const struct knock *k,
					struct decision *d, struct plic_budget *b, __u64 now)
{
	const struct packet *p = &k->packet;

	if (p->proto == IPPROTO_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		return false;
	if (!decide_rule(d, gate_set(), p->proto, p->dport, now))
		return false;
	decide_times(d, now, false);
	if (d->verdict != PLIC_DENIED || is_wanted(b, d, p->proto, now) || may_probe(k, d, now))
		return false;
	if (p->proto != IPPROTO_TCP && is_answer(k, d->slot != PLIC_SLOT_OTHER, now))
		return false;
	if (p->proto == IPPROTO_UDP && is_connected(ctx, k, b))
		return false;
	return !is_for_others(ctx, k);
}

SEC("xdp")
int plic_shield(struct xdp_md *ctx)
{
	struct knock k = {};
	struct decision d = {};
	union denial_name name = {};
	__u32 zero = 0;
	struct plic_budget *b = budget();
	__u64 now, *dropped;

	if (!b || !knock_read(ctx, &k))
		return XDP_PASS;
	now = clock_now();
	if (!is_hopeless(ctx, &k, &d, b, now))
		return XDP_PASS;
	name.key = (struct plic_denial_key){.slot = d.slot,
					    .port = k.packet.dport,
					    .proto = k.packet.proto,
					    .reason = d.reason,
					    .verdict = PLIC_DENIED};
	count_denied(name.number, 1, k.bytes, 1, now);
	b->events_lost++;
	dropped = bpf_map_lookup_elem(&plic_spared, &zero);
	if (dropped)
		++*dropped;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
