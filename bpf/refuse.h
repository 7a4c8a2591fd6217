/* SPDX-License-Identifier: MIT */
/*
 * refuse.h - turns a denied packet in place into its refusal and sends it back: a TCP reset, or an
 * ICMP or ICMPv6 "port unreachable". What can't or must not be answered is dropped silently: resets,
 * SCTP, fragments, extension headers, frames to or from a group address, and all beyond the budget.
 *
 * The checksum needs care. On lo and veth the stack leaves it to the device (CHECKSUM_PARTIAL): the
 * field then holds the sum of the pseudo header alone, and whoever completes it later sums from the
 * transport header on and writes to where TCP or UDP has its field. BPF can neither see nor clear that
 * state, but a helper behaves differently in it (checksum_is_partial).
 */
#ifndef PORTLIC_BPF_REFUSE_H
#define PORTLIC_BPF_REFUSE_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "parse.h"

#define REFUSE_TTL 64
#define REFUSE_MAX_QUOTE 68 /* IPv4 header with all options, UDP header */
#define REFUSE_IPV4_DF 0x4000

#define ICMP4_UNREACHABLE 3
#define ICMP4_PORT 3
#define ICMP6_UNREACHABLE 1
#define ICMP6_PORT 4

union ip_header {
	struct iphdr v4;
	struct ipv6hdr v6;
};

struct icmp_quote {
	__u8 type, code;
	__sum16 check;
	__be16 unused0;
	__be16 unused1; /* where UDP has its checksum */
	__u8 quote[REFUSE_MAX_QUOTE];
};

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline __u64 sum_of(const void *bytes, __u32 len)
{
	return bpf_csum_diff(NULL, 0, (__be32 *)bytes, len, 0);
}

static __always_inline bool can_answer(const struct packet *p, const union ip_header *ip)
{
	if (p->family == 4) {
		__u8 from = bpf_ntohl(ip->v4.saddr) >> 24, to = bpf_ntohl(ip->v4.daddr) >> 24;

		/* Neither "this network" nor multicast, reserved, broadcast. */
		return from != 0 && from < 224 && to < 224;
	}
	if (ip->v6.saddr.in6_u.u6_addr8[0] == 0xff || ip->v6.daddr.in6_u.u6_addr8[0] == 0xff)
		return false;
	return ip->v6.saddr.in6_u.u6_addr32[0] | ip->v6.saddr.in6_u.u6_addr32[1] |
	       ip->v6.saddr.in6_u.u6_addr32[2] | ip->v6.saddr.in6_u.u6_addr32[3];
}

/*
 * Will somebody else complete the checksum at off? A difference that is not due to addresses leaves
 * the field alone in that case only.
 */
static __always_inline bool checksum_is_partial(struct __sk_buff *skb, __u32 off)
{
	__u16 before = 0, after = 0;

	bpf_skb_load_bytes(skb, off, &before, sizeof(before));
	bpf_l4_csum_replace(skb, off, 0, 1, 0);
	bpf_skb_load_bytes(skb, off, &after, sizeof(after));
	bpf_skb_store_bytes(skb, off, &before, sizeof(before), 0);
	return before == after;
}

/* Swaps the MAC addresses and writes the IP header of an answer with len bytes behind it. */
static __always_inline void answer_headers(struct __sk_buff *skb, const struct packet *p,
					   union ip_header *ip, __u8 proto, __u32 len)
{
	__u8 mac[2 * ETH_ALEN];

	bpf_skb_load_bytes(skb, 0, mac, sizeof(mac));
	bpf_skb_store_bytes(skb, 0, mac + ETH_ALEN, ETH_ALEN, BPF_F_RECOMPUTE_CSUM);
	bpf_skb_store_bytes(skb, ETH_ALEN, mac, ETH_ALEN, BPF_F_RECOMPUTE_CSUM);
	if (p->family == 4) {
		__u32 header = p->l4 - p->l3, none = 0;
		__be32 from = ip->v4.daddr;

		ip->v4.tos = 0;
		ip->v4.tot_len = bpf_htons(header + len);
		ip->v4.id = 0;
		ip->v4.frag_off = bpf_htons(REFUSE_IPV4_DF);
		ip->v4.ttl = REFUSE_TTL;
		ip->v4.protocol = proto;
		ip->v4.check = 0;
		ip->v4.daddr = ip->v4.saddr;
		ip->v4.saddr = from;
		ip->v4.check = ~fold(sum_of(&ip->v4, sizeof(ip->v4)));
		bpf_skb_store_bytes(skb, p->l3, &ip->v4, sizeof(ip->v4), BPF_F_RECOMPUTE_CSUM);
		/* The options stay in place, as "end of options": they add nothing to the sum. */
		for (__u32 off = sizeof(ip->v4); off < 60 && off < header; off += sizeof(none))
			bpf_skb_store_bytes(skb, p->l3 + off, &none, sizeof(none),
					    BPF_F_RECOMPUTE_CSUM);
	} else {
		*(__be32 *)&ip->v6 = bpf_htonl(6U << 28);
		ip->v6.payload_len = bpf_htons(len);
		ip->v6.nexthdr = proto;
		ip->v6.hop_limit = REFUSE_TTL;
		ip->v6.daddr = ip->v6.saddr;
		bpf_skb_load_bytes(skb, p->l3 + offsetof(struct ipv6hdr, daddr), &ip->v6.saddr,
				   sizeof(ip->v6.saddr)); /* the stack has no room for a copy */
		bpf_skb_store_bytes(skb, p->l3, &ip->v6, sizeof(ip->v6), BPF_F_RECOMPUTE_CSUM);
	}
}

/* The pseudo header's sum is the same in both directions. */
static __always_inline __u64 pseudo_sum(const struct packet *p, const union ip_header *ip,
					__u8 proto, __u32 len)
{
	__u64 sum = p->family == 4 ? sum_of(&ip->v4.saddr, 8) : sum_of(&ip->v6.saddr, 32);

	return sum + bpf_htons(proto) + bpf_htons(len);
}

/* Bytes of IP payload; the frame may be padded beyond them. */
static __always_inline __u32 payload_len(struct __sk_buff *skb, const struct packet *p,
					 const union ip_header *ip)
{
	__u32 len = p->family == 4 ? bpf_ntohs(ip->v4.tot_len) : bpf_ntohs(ip->v6.payload_len);

	if (!len) /* BIG TCP, which has no padding */
		return skb->len - p->l4;
	return p->family == 4 ? len - (p->l4 - p->l3) : len;
}

/* RFC 9293 3.10.7.1: where the segment ends if it acknowledges nothing, else where its ack points. */
static __always_inline int refuse_tcp(struct __sk_buff *skb, const struct packet *p,
				      union ip_header *ip)
{
	__u32 check_at = p->l4 + offsetof(struct tcphdr, check);
	struct tcphdr tcp, rst = {};
	__u64 pseudo;

	if (bpf_skb_load_bytes(skb, p->l4, &tcp, sizeof(tcp)))
		return -1;
	rst.source = tcp.dest;
	rst.dest = tcp.source;
	rst.doff = sizeof(rst) / 4;
	rst.rst = 1;
	if (tcp.ack) {
		rst.seq = tcp.ack_seq;
	} else {
		rst.ack = 1;
		rst.ack_seq = bpf_htonl(bpf_ntohl(tcp.seq) + tcp.syn + tcp.fin +
					payload_len(skb, p, ip) - tcp.doff * 4);
	}
	pseudo = pseudo_sum(p, ip, IPPROTO_TCP, sizeof(rst));
	if (checksum_is_partial(skb, check_at))
		rst.check = fold(pseudo);
	else
		rst.check = ~fold(pseudo + sum_of(&rst, sizeof(rst)));
	if (bpf_skb_change_tail(skb, p->l4 + sizeof(rst), 0))
		return -1;
	answer_headers(skb, p, ip, IPPROTO_TCP, sizeof(rst));
	return bpf_skb_store_bytes(skb, p->l4, &rst, sizeof(rst), BPF_F_RECOMPUTE_CSUM);
}

/*
 * Quotes the IP and UDP headers. If a device is to complete a checksum, it will sum from the ICMP header
 * on and write into its second unused half-word: with the sum of the pseudo header there (0 for ICMP,
 * which has none) what it writes is what stands there already.
 */
static __always_inline int refuse_udp(struct __sk_buff *skb, const struct packet *p,
				      union ip_header *ip)
{
	__u64 quote = (p->l4 - p->l3 + UDP_HEADER_LEN) & 0x7f, len;
	__u8 proto = p->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	struct icmp_quote icmp = {};
	__u64 pseudo = 0;

	/* Two tests, kept apart, for the verifier learns nothing from the one that clang makes of them. */
	if (quote < sizeof(struct iphdr) + UDP_HEADER_LEN)
		return -1;
	barrier_var(quote);
	if (quote > REFUSE_MAX_QUOTE)
		return -1;
	len = offsetof(struct icmp_quote, quote) + quote;
	if (bpf_skb_load_bytes(skb, p->l3, icmp.quote, quote))
		return -1;
	icmp.type = p->family == 4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE;
	icmp.code = p->family == 4 ? ICMP4_PORT : ICMP6_PORT;
	if (p->family == 6) {
		pseudo = pseudo_sum(p, ip, IPPROTO_ICMPV6, len);
		if (checksum_is_partial(skb, p->l4 + offsetof(struct icmp_quote, unused1)))
			icmp.unused1 = fold(pseudo);
	}
	/* Unused bytes of the quote are zero and change no sum. */
	icmp.check = ~fold(pseudo + sum_of(&icmp, sizeof(icmp)));
	if (bpf_skb_change_tail(skb, p->l4 + len, 0))
		return -1;
	answer_headers(skb, p, ip, proto, len);
	return bpf_skb_store_bytes(skb, p->l4, &icmp, len, BPF_F_RECOMPUTE_CSUM);
}

/*
 * A SYN on lo over IPv4 becomes a lone FIN and goes on: no socket makes a connection of that, and the
 * stack, where socket hides the listener, resets it. A reset of our own would keep the connection
 * tracking of the SYN, and NAT on the way back send it astray; stripped of that (BPF_F_INGRESS) it would
 * have lost its route too, and a packet from a local address without one is a martian. IPv6 has none.
 */
static __always_inline int refuse_by_stack(struct __sk_buff *skb, const struct packet *p)
{
	__u32 at = p->l4 + TCP_FLAGS_OFFSET - 1; /* data offset and flags */
	__be16 before = 0, after;

	if (bpf_skb_load_bytes(skb, at, &before, sizeof(before)))
		return TC_ACT_SHOT;
	after = (before & bpf_htons(0xf000)) | bpf_htons(TCP_FIN);
	if (bpf_l4_csum_replace(skb, p->l4 + offsetof(struct tcphdr, check), before, after,
				sizeof(after)) ||
	    bpf_skb_store_bytes(skb, at, &after, sizeof(after), 0))
		return TC_ACT_SHOT;
	return WIRE_PASS;
}

/* packed: packet_pack(). The verdict of the packet. */
PLIC_FUNC int refuse(struct __sk_buff *skb, __u64 packed, __u32 port, __u64 now)
{
	struct plic_budget *b = budget();
	union ip_header ip = {};
	struct packet p;
	bool lo = skb->ifindex == LOOPBACK_IFINDEX;
	int err = -1;

	packet_unpack(&p, packed);
	if (!b || !p.plain || skb->pkt_type != PACKET_HOST || p.tcp_flags & TCP_RST)
		return TC_ACT_SHOT;
	if (p.family == 4)
		err = bpf_skb_load_bytes(skb, p.l3, &ip.v4, sizeof(ip.v4));
	else
		err = bpf_skb_load_bytes(skb, p.l3, &ip.v6, sizeof(ip.v6));
	if (err || !can_answer(&p, &ip))
		return TC_ACT_SHOT;
	if (p.proto == IPPROTO_SCTP ||
	    !take_token(&b->refuse_ns, now, PLIC_REFUSE_INTERVAL_NS, PLIC_REFUSE_BURST))
		return TC_ACT_SHOT;
	if (lo && p.family == 4 && p.proto == IPPROTO_TCP && !(p.tcp_flags & TCP_ACK) &&
	    p.tcp_flags & TCP_SYN) {
		note(b, p.proto, port);
		return refuse_by_stack(skb, &p);
	}
	err = p.proto == IPPROTO_TCP ? refuse_tcp(skb, &p, &ip) : refuse_udp(skb, &p, &ip);
	if (err)
		return TC_ACT_SHOT;
	/* Straight in again on lo over IPv6, for the reason above. */
	return bpf_redirect(skb->ifindex, lo && p.family == 6 ? BPF_F_INGRESS : 0);
}

#endif
