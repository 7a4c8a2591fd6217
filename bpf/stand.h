/* SPDX-License-Identifier: MIT */
/* stand.h - what stands in the pod: has a packet a socket that is connected to its sender? */
#ifndef PORTLIC_BPF_STAND_H
#define PORTLIC_BPF_STAND_H

#include "count.h"
#include "mark.h"

/*
 * The state of the pod's socket, TCP or UDP, that is connected to where this packet comes from; 0: there is
 * none. packed, ports: as for admit().
 */
PLIC_FUNC int socket_state(struct __sk_buff *skb, __u64 packed, __u32 ports)
{
	struct plic_budget *b = budget();
	struct bpf_sock_tuple tuple = {};
	struct plic_mark_key key;
	struct bpf_sock *sk;
	struct packet p;
	__u32 size, state;

	if (!b || plic_dry_run) /* the look-up would run the real socket program */
		return 0;
	packet_unpack(&p, packed);
	p.sport = ports >> 16;
	p.dport = ports & 0xffff;
	mark_key(skb, &p, true, &key);
	size = mark_tuple(&p, &key, &tuple);
	b->probing = 1; /* our own socket program may run inside this call */
	if (p.proto == IPPROTO_TCP)
		sk = bpf_skc_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	else
		sk = bpf_sk_lookup_udp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	b->probing = 0;
	if (!sk)
		return 0;
	/* As 32 bits, which every kernel allows. A match with a remote port matched the remote. */
	if (p.proto == IPPROTO_TCP)
		state = sk->state == BPF_TCP_LISTEN ? 0 : sk->state;
	else
		state = *(volatile __u32 *)&sk->dst_port ? BPF_TCP_ESTABLISHED : 0;
	bpf_sk_release(sk);
	return state;
}

#endif
