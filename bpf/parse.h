/* SPDX-License-Identifier: MIT */
/*
 * parse.h - from a frame to protocol and ports, or to a reason why not. Fails closed.
 *
 * The fast path reads plain Ethernet + IPv4 without options or IPv6 without extension headers + TCP
 * or UDP out of the linear part. All else takes the slow path, which starts where the stack will
 * (skb->protocol, the network header), and walks what the stack delivers: VLAN tags left in the
 * payload (the stack strips several with VID 0), IP options, extension headers, atomic and first
 * fragments. A header chain longer than its bound is malformed, for the stack would go on.
 */
#ifndef PORTLIC_BPF_PARSE_H
#define PORTLIC_BPF_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

#define PARSE_MAX_VLANS 4
#define PARSE_MAX_EXT_HEADERS 8

#define LOAD_MAX_OFFSET 0xffff /* bpf_skb_load_bytes_relative() */

#define TCP_HEADER_LEN 20
#define UDP_HEADER_LEN 8
#define SCTP_HEADER_LEN 12
#define TCP_FLAGS_OFFSET 13
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define IPV4_MF 0x2000
#define IPV4_OFFSET 0x1fff
#define IPV6_MF 0x0001
#define IPV6_OFFSET 0xfff8

enum packet_kind {
	PACKET_PASS,	 /* never judged: ARP, ICMP, IGMP, later fragments */
	PACKET_PORTS,	 /* proto, sport, dport are set */
	PACKET_NO_PORTS, /* proto is set: a protocol that a policy may open */
	PACKET_BAD,	 /* reason is set */
};

struct packet {
	__u32 kind;	    /* enum packet_kind */
	__u32 reason;	    /* enum plic_reason */
	__u32 proto;	    /* IP protocol number; 0: none was read */
	__u32 family;	    /* 4, 6; 0: none was read */
	__u32 l3, l4;	    /* offsets from skb->data */
	__u32 sport, dport; /* host byte order */
	__u32 tcp_flags;
	__u32 plain; /* not 0: no fragment, Ethernet, no extension headers: can be answered */
};

/*
 * A packet as one number, without its ports: so it goes in and out of functions that the verifier
 * judges on their own (PLIC_FUNC). Never by a pointer into the caller's stack: before Linux 6.8 the
 * verifier, reading a constant back from there, can take one path's value for all paths' and remove the
 * other branches as dead.
 */
static __always_inline __u64 packet_pack(const struct packet *p)
{
	return (__u64)p->l4 | (__u64)p->l3 << 16 | (__u64)p->proto << 24 |
	       (__u64)p->tcp_flags << 32 | (__u64)p->reason << 40 | (__u64)p->family << 48 |
	       (__u64)p->kind << 52 | (__u64)p->plain << 56;
}

static __always_inline void packet_unpack(struct packet *p, __u64 packed)
{
	*p = (struct packet){.l4 = packed & 0xffff,
			     .l3 = packed >> 16 & 0xff,
			     .proto = packed >> 24 & 0xff,
			     .tcp_flags = packed >> 32 & 0xff,
			     .reason = packed >> 40 & 0xff,
			     .family = packed >> 48 & 0xf,
			     .kind = packed >> 52 & 0xf,
			     .plain = packed >> 56 & 1};
}

static __always_inline void packet_ports(struct packet *p, __u32 proto, const __be16 *ports)
{
	p->kind = PACKET_PORTS;
	p->reason = PLIC_REASON_NONE;
	p->proto = proto;
	p->sport = bpf_ntohs(ports[0]);
	p->dport = bpf_ntohs(ports[1]);
}

static __always_inline bool parse_fast_l4(struct packet *p, __u32 proto, __u32 room, void *l4,
					  void *end)
{
	if (proto == IPPROTO_TCP) {
		if (l4 + TCP_HEADER_LEN > end || room < TCP_HEADER_LEN)
			return false;
		p->tcp_flags = ((__u8 *)l4)[TCP_FLAGS_OFFSET];
	} else if (proto == IPPROTO_UDP) {
		if (l4 + UDP_HEADER_LEN > end || room < UDP_HEADER_LEN)
			return false;
		p->tcp_flags = 0;
	} else {
		return false;
	}
	packet_ports(p, proto, l4);
	p->plain = 1;
	return true;
}

/*
 * Could data be an IP header (tunnels have no Ethernet header)? One in which an address is made to look
 * like the type of a frame must not be read as a frame. One MAC address in ten begins like an IP header,
 * few of those go on with a length that fits.
 */
static __always_inline bool looks_like_ip(struct __sk_buff *skb, const void *data)
{
	__u8 first = *(const __u8 *)data;
	const __be16 *words = data;

	if (first >> 4 == 4)
		return first >= 0x45 && bpf_ntohs(words[1]) <= skb->len;
	return first >> 4 == 6 && bpf_ntohs(words[2]) + sizeof(struct ipv6hdr) <= skb->len;
}

/* False: not plain, and p isn't set; it may still be a good packet. */
static __always_inline bool parse_fast(struct __sk_buff *skb, struct packet *p)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	void *l3 = data + ETH_HLEN;

	if (l3 + sizeof(struct iphdr) + UDP_HEADER_LEN > end || eth->h_proto != skb->protocol ||
	    skb->pkt_type == PACKET_LOOPBACK || looks_like_ip(skb, data))
		return false;
	p->l3 = ETH_HLEN;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = l3;
		__u32 len = bpf_ntohs(ip->tot_len);

		if (*(__u8 *)l3 != 0x45 || ip->frag_off & bpf_htons(IPV4_MF | IPV4_OFFSET) ||
		    len < sizeof(*ip) || len + ETH_HLEN > skb->len)
			return false;
		p->family = 4;
		p->l4 = ETH_HLEN + sizeof(*ip);
		return parse_fast_l4(p, ip->protocol, len - sizeof(*ip), l3 + sizeof(*ip), end);
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = l3;
		__u32 len;

		if (l3 + sizeof(*ip) > end || (*(__u8 *)l3 & 0xf0) != 0x60)
			return false;
		len = bpf_ntohs(ip->payload_len);
		if (len + ETH_HLEN + sizeof(*ip) > skb->len)
			return false;
		p->family = 6;
		p->l4 = ETH_HLEN + sizeof(*ip);
		return parse_fast_l4(p, ip->nexthdr, len, l3 + sizeof(*ip), end);
	}
	return false;
}

/* Loads relative to the network header; *off runs from there. */
static __always_inline bool load(struct __sk_buff *skb, __u32 off, void *to, __u32 len)
{
	return bpf_skb_load_bytes_relative(skb, off, to, len, BPF_HDR_START_NET) == 0;
}

static __always_inline void packet_bad(struct packet *p, __u32 reason)
{
	p->kind = PACKET_BAD;
	p->reason = reason;
}

/*
 * The transport header at off, of which the datagram holds room bytes. first: it is the first of
 * several fragments; then the whole header must be in it, or a later fragment could bring the flags.
 */
static __always_inline void parse_l4(struct __sk_buff *skb, struct packet *p, __u32 off, __u32 room,
				     bool first)
{
	__u8 header[TCP_FLAGS_OFFSET + 1];
	__u32 need = TCP_HEADER_LEN;

	if (p->proto == IPPROTO_UDP)
		need = UDP_HEADER_LEN;
	else if (p->proto == IPPROTO_SCTP)
		need = SCTP_HEADER_LEN;
	else if (p->proto != IPPROTO_TCP) {
		bool pass = p->family == 4 ? p->proto == IPPROTO_ICMP || p->proto == IPPROTO_IGMP
					   : p->proto == IPPROTO_ICMPV6;

		p->kind = pass ? PACKET_PASS : PACKET_NO_PORTS;
		p->reason = PLIC_REASON_PROTOCOL;
		return;
	}
	if (room < need) {
		packet_bad(p, first ? PLIC_REASON_FRAGMENT : PLIC_REASON_MALFORMED);
		return;
	}
	/* The last byte of the header is there if what we read and the length above are. */
	if (p->proto == IPPROTO_TCP ? !load(skb, off, header, sizeof(header))
				    : !load(skb, off, header, UDP_HEADER_LEN)) {
		packet_bad(p, PLIC_REASON_MALFORMED);
		return;
	}
	p->tcp_flags = p->proto == IPPROTO_TCP ? header[TCP_FLAGS_OFFSET] : 0;
	p->kind = PACKET_PORTS;
}

/* len: bytes from the IP header to the end of the frame. */
static __always_inline void parse_ipv4(struct __sk_buff *skb, struct packet *p, __u32 off,
				       __u32 len)
{
	struct iphdr ip;
	__u32 total, header, frag;

	p->family = 4;
	if (!load(skb, off, &ip, sizeof(ip)))
		return packet_bad(p, PLIC_REASON_MALFORMED);
	header = ip.ihl * 4;
	total = bpf_ntohs(ip.tot_len);
	if (total == 0 && skb->gso_size) /* BIG TCP: longer than the field can say */
		total = len;
	if (ip.version != 4 || header < sizeof(ip) || total < header || total > len)
		return packet_bad(p, PLIC_REASON_MALFORMED);
	p->proto = ip.protocol;
	p->l4 = p->l3 + header;
	frag = bpf_ntohs(ip.frag_off) & (IPV4_MF | IPV4_OFFSET);
	if (frag & IPV4_OFFSET) { /* nothing without its first, and that one is judged */
		p->kind = PACKET_PASS;
		return;
	}
	if (frag)
		p->plain = 0;
	parse_l4(skb, p, off + header, total - header, frag != 0);
}

static __always_inline bool is_ext_header(__u32 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_DSTOPTS || proto == IPPROTO_ROUTING ||
	       proto == IPPROTO_FRAGMENT;
}

static __always_inline void parse_ipv6(struct __sk_buff *skb, struct packet *p, __u32 off,
				       __u32 len)
{
	struct ipv6hdr ip;
	__u32 total, at = sizeof(ip);
	bool first = false;

	p->family = 6;
	if (!load(skb, off, &ip, sizeof(ip)))
		return packet_bad(p, PLIC_REASON_MALFORMED);
	total = sizeof(ip) + bpf_ntohs(ip.payload_len);
	/* BIG TCP: longer than the field can say, with or without a jumbo option. */
	if (ip.payload_len == 0 && (ip.nexthdr == IPPROTO_HOPOPTS || skb->gso_size))
		total = len;
	if (ip.version != 6 || total > len)
		return packet_bad(p, PLIC_REASON_MALFORMED);
	p->proto = ip.nexthdr;
	for (int i = 0; i < PARSE_MAX_EXT_HEADERS && is_ext_header(p->proto); i++) {
		struct {
			__u8 next, words;
			__be16 frag;
		} ext;

		if (at + 8 > total || !load(skb, off + at, &ext, sizeof(ext)))
			return packet_bad(p, first ? PLIC_REASON_FRAGMENT : PLIC_REASON_MALFORMED);
		if (p->proto == IPPROTO_FRAGMENT) {
			__u32 frag = bpf_ntohs(ext.frag);

			if (frag & IPV6_OFFSET) {
				p->proto = ext.next;
				p->kind = PACKET_PASS;
				return;
			}
			if (frag & IPV6_MF)
				first = true;
			at += 8;
		} else {
			at += 8 + ext.words * 8;
		}
		p->proto = ext.next;
		p->plain = 0;
	}
	if (is_ext_header(p->proto) || at > total)
		return packet_bad(p, first ? PLIC_REASON_FRAGMENT : PLIC_REASON_MALFORMED);
	p->l4 = p->l3 + at;
	parse_l4(skb, p, off + at, total - at, first);
}

/* The frame behind its link header; off counts from the network header. */
static __always_inline void parse_l3(struct __sk_buff *skb, struct packet *p, __be16 proto,
				     __u32 off)
{
	if (proto == bpf_htons(ETH_P_IP))
		parse_ipv4(skb, p, off, skb->len - p->l3);
	else if (proto == bpf_htons(ETH_P_IPV6))
		parse_ipv6(skb, p, off, skb->len - p->l3);
	else if (proto == bpf_htons(ETH_P_ARP))
		p->kind = PACKET_PASS;
	else if (proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD))
		packet_bad(p, PLIC_REASON_MALFORMED);
	else
		packet_bad(p, PLIC_REASON_PROTOCOL);
}

/* packet_pack() of the frame; its ports are the first four bytes at l4. */
PLIC_FUNC __u64 parse_slow(struct __sk_buff *skb)
{
	__u32 proto = skb->protocol, off = 0;
	struct packet p = {};
	__u8 byte;
	struct {
		__be16 tci, proto;
	} vlan;

	/*
	 * Most frames have an Ethernet header. Not so the pod's own multicast that is looped back, and
	 * tunnels: there the network header is where the data begins. The number of bytes that can be
	 * read from the network header on tells; any other distance than these two is not for us. BIG TCP
	 * is beyond what the helper reads, and has an Ethernet header.
	 */
	if (skb->len > LOAD_MAX_OFFSET || !load(skb, skb->len - 1, &byte, sizeof(byte))) {
		if (skb->len <= LOAD_MAX_OFFSET &&
		    (load(skb, skb->len - ETH_HLEN, &byte, sizeof(byte)) ||
		     !load(skb, skb->len - ETH_HLEN - 1, &byte, sizeof(byte)))) {
			packet_bad(&p, PLIC_REASON_MALFORMED);
			return packet_pack(&p);
		}
		p.l3 = ETH_HLEN;
		p.plain = 1;
	}
	for (int i = 0; i < PARSE_MAX_VLANS; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if (!load(skb, off, &vlan, sizeof(vlan))) {
			packet_bad(&p, PLIC_REASON_MALFORMED);
			return packet_pack(&p);
		}
		proto = vlan.proto;
		off += sizeof(vlan);
	}
	p.l3 += off;
	parse_l3(skb, &p, proto, off);
	return packet_pack(&p);
}

static __always_inline void parse(struct __sk_buff *skb, struct packet *p)
{
	__be16 ports[2] = {};

	if (parse_fast(skb, p))
		return;
	packet_unpack(p, parse_slow(skb));
	if (p->kind != PACKET_PORTS)
		return;
	bpf_skb_load_bytes(skb, p->l4, ports, sizeof(ports));
	packet_ports(p, p->proto, ports);
}

#endif
