/* SPDX-License-Identifier: MIT */
/*
 * egress.bpf.c - tc egress of every interface: remembers the flows that the pod opens. It never drops:
 * what it can't read goes out unremembered, and then the answer finds the port shut.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "decide.h"
#include "flow.h"
#include "maps.h"
#include "mark.h"
#include "parse.h"
#include "sender.h"
#include "sent.h"

/* A mapped address in an IPv6 header is no group's. */
static __always_inline bool is_multicast(struct __sk_buff *skb, const struct packet *p,
					 const struct plic_flow_key *key)
{
	if (skb->pkt_type == PACKET_BROADCAST || skb->pkt_type == PACKET_MULTICAST)
		return true;
	return p->family == 6 ? key->remote[0] == 0xff : is_group(key);
}

/* An Ethernet group address: the broadcast of a subnet, which only the stack's routes know. */
static __always_inline bool is_group_mac(struct __sk_buff *skb, const struct packet *p)
{
	__u8 first = 0;

	if (p->l3 < ETH_HLEN || bpf_skb_load_bytes(skb, 0, &first, sizeof(first)))
		return false;
	return first & 1;
}

/* A connect() of the pod, not a SYN that somebody made by hand to pass for one. */
static __always_inline bool is_connecting(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk && sk->protocol == IPPROTO_TCP && sk->state == BPF_TCP_SYN_SENT;
}

/*
 * Is the tuple on the wire that of a connection that stands here already? NAT inside the pod can lead a
 * connect() of its own to the two ends of one that came in, which must not pass for the pod's then.
 */
static __always_inline bool is_taken(struct __sk_buff *skb, const struct packet *p,
				     const struct plic_mark_key *key)
{
	struct plic_budget *b = budget();
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;
	__u32 size = mark_tuple(p, key, &tuple), state;

	if (!b)
		return true;
	b->probing = 1; /* our own socket program may run inside this call */
	sk = bpf_skc_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	b->probing = 0;
	if (!sk)
		return false;
	state = sk->state;
	bpf_sk_release(sk);
	return state != BPF_TCP_LISTEN && state != BPF_TCP_SYN_SENT && state != BPF_TCP_TIME_WAIT;
}

static __always_inline void egress_mark(struct __sk_buff *skb, const struct packet *p)
{
	struct plic_mark mark = {};
	struct plic_mark_key key;

	mark_key(skb, p, false, &key);
	if (is_taken(skb, p, &key))
		return;
	mark.cookie = bpf_get_socket_cookie(skb);
	bpf_map_update_elem(&plic_marks, &key, &mark, BPF_ANY);
	plic_marked = 1;
}

static __always_inline bool is_named(void *set, const struct packet *p)
{
	__u32 slot;

	return find_rule(set, p->proto, p->dport, &slot) && slot != PLIC_SLOT_OTHER;
}

SEC("tc")
int plic_egress(struct __sk_buff *skb)
{
	struct packet p;
	struct plic_flow_key key;
	const struct plic_rule *rule;
	__u32 slot;
	void *set;

	if (skb->ifindex == LOOPBACK_IFINDEX)
		skb->cb[0] = 0; /* whatever the stack had there */
	parse(skb, &p);
	if (p.kind != PACKET_PORTS)
		return TC_ACT_UNSPEC;
	if (p.proto == IPPROTO_TCP && (p.tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		return TC_ACT_UNSPEC;
	set = gate_set();
	rule = set ? find_rule(set, p.proto, p.sport, &slot) : NULL;
	if (!rule)
		return TC_ACT_UNSPEC;

	if (skb->ifindex == LOOPBACK_IFINDEX && is_named(set, &p))
		sender_note(skb, &p);
	if (p.proto == IPPROTO_TCP) {
		if (slot != PLIC_SLOT_OTHER && is_connecting(skb))
			egress_mark(skb, &p);
		return TC_ACT_UNSPEC;
	}
	if (slot != PLIC_SLOT_OTHER)
		return TC_ACT_UNSPEC; /* a server's answer is no flow of the pod's */
	flow_key(skb, &p, false, &key);
	sent_note(&key, is_multicast(skb, &p, &key) || is_group_mac(skb, &p));
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") __weak = "Dual MIT/GPL";
