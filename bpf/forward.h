/* SPDX-License-Identifier: MIT */
/*
 * forward.h - packets that the pod only passes on: it routes for others (nested containers, a gateway).
 * Their ports are not the pod's, so they are not judged. One that NAT brings to a socket of the pod all the
 * same meets the socket program there.
 */
#ifndef PORTLIC_BPF_FORWARD_H
#define PORTLIC_BPF_FORWARD_H

#include "parse.h"

#define FORWARD_AF_INET 2
#define FORWARD_AF_INET6 10

/* To a group, to all, or to no address: delivered here too, whatever the routes say. */
static __always_inline bool is_unicast(const struct bpf_fib_lookup *fib)
{
	__u8 first = *(const __u8 *)&fib->ipv4_dst;

	if (fib->family == FORWARD_AF_INET)
		return first != 0 && first < 224;
	return *(const __u8 *)fib->ipv6_dst != 0xff;
}

/* Would the stack route it out again? Asked of denied packets only; cheap where forwarding is off. */
PLIC_FUNC int is_forwarded(struct __sk_buff *skb, __u64 packed)
{
	struct bpf_fib_lookup fib = {};
	struct packet p;
	long r;

	packet_unpack(&p, packed);
	if (p.kind != PACKET_PORTS && p.kind != PACKET_NO_PORTS)
		return 0;
	if (p.family == 4) {
		fib.family = FORWARD_AF_INET;
		r = bpf_skb_load_bytes(skb, p.l3 + offsetof(struct iphdr, saddr), &fib.ipv4_src, 4);
		r |= bpf_skb_load_bytes(skb, p.l3 + offsetof(struct iphdr, daddr), &fib.ipv4_dst,
					4);
	} else {
		fib.family = FORWARD_AF_INET6;
		r = bpf_skb_load_bytes(skb, p.l3 + offsetof(struct ipv6hdr, saddr), fib.ipv6_src,
				       16);
		r |= bpf_skb_load_bytes(skb, p.l3 + offsetof(struct ipv6hdr, daddr), fib.ipv6_dst,
					16);
	}
	if (r || skb->pkt_type != PACKET_HOST || !is_unicast(&fib))
		return 0;
	fib.ifindex = skb->ifindex;
	fib.l4_protocol = p.proto;
	r = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	/* All others are delivered here, or to nobody. */
	return r == BPF_FIB_LKUP_RET_SUCCESS || r == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       r == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

#endif
