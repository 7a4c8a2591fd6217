/* SPDX-License-Identifier: MIT */
/* hangup.h - how a connection that is over a limit ends in the pod. For wire. */
#ifndef PORTLIC_BPF_HANGUP_H
#define PORTLIC_BPF_HANGUP_H

#include "count.h"
#include "refuse.h"

/* The length of the datagram in its IP header, for a transport header alone. */
static __always_inline int shorten_ip(struct __sk_buff *skb, const struct packet *p, __u32 len)
{
	__u32 at = p->l3 + (p->family == 4 ? offsetof(struct iphdr, tot_len)
					   : offsetof(struct ipv6hdr, payload_len));
	__be16 before = 0, after = bpf_htons(p->family == 4 ? p->l4 - p->l3 + len : len);

	if (bpf_skb_load_bytes(skb, at, &before, sizeof(before)))
		return -1;
	if (p->family == 4 && bpf_l3_csum_replace(skb, p->l3 + offsetof(struct iphdr, check),
						  before, after, sizeof(after)))
		return -1;
	return bpf_skb_store_bytes(skb, at, &after, sizeof(after), BPF_F_RECOMPUTE_CSUM);
}

/* The segment without its data, as a reset of its sender's. */
static __always_inline int become_reset(struct __sk_buff *skb, const struct packet *p)
{
	__u32 check_at = p->l4 + offsetof(struct tcphdr, check);
	union ip_header ip = {};
	struct tcphdr tcp;
	__u64 pseudo;
	int err;

	if (p->family == 4)
		err = bpf_skb_load_bytes(skb, p->l3, &ip.v4, sizeof(ip.v4));
	else
		err = bpf_skb_load_bytes(skb, p->l3, &ip.v6, sizeof(ip.v6));
	if (err || bpf_skb_load_bytes(skb, p->l4, &tcp, sizeof(tcp)))
		return -1;
	pseudo = pseudo_sum(p, &ip, IPPROTO_TCP, sizeof(tcp));
	((__u8 *)&tcp)[TCP_FLAGS_OFFSET - 1] = sizeof(tcp) / 4 << 4;
	((__u8 *)&tcp)[TCP_FLAGS_OFFSET] = TCP_RST | TCP_ACK;
	tcp.urg_ptr = 0;
	tcp.check = 0;
	if (checksum_is_partial(skb, check_at))
		tcp.check = fold(pseudo);
	else
		tcp.check = ~fold(pseudo + sum_of(&tcp, sizeof(tcp)));
	if (bpf_skb_change_tail(skb, p->l4 + sizeof(tcp), 0) || shorten_ip(skb, p, sizeof(tcp)))
		return -1;
	return bpf_skb_store_bytes(skb, p->l4, &tcp, sizeof(tcp), BPF_F_RECOMPUTE_CSUM);
}

/*
 * A denied segment of a connection that stands becomes a reset and goes on to its socket, or the server
 * would wait for what never comes. The client is refused what it sends next, when there is no socket any
 * more. False: refuse it at once. packed: packet_pack().
 */
PLIC_FUNC int hang_up(struct __sk_buff *skb, __u64 packed)
{
	struct packet p;

	packet_unpack(&p, packed);
	if (!p.plain || skb->pkt_type != PACKET_HOST)
		return false;
	return become_reset(skb, &p) == 0;
}

#endif
