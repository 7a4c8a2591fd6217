/* SPDX-License-Identifier: MIT */
/*
 * host.h - what the programs on a cgroup share: the socket that a packet belongs to, and the verdict of
 * its port.
 */
#ifndef PORTLIC_BPF_HOST_H
#define PORTLIC_BPF_HOST_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "decide.h"
#include "flow.h"
#include "maps.h"
#include "parse.h"

#define HOST_DROP 0
#define HOST_PASS 1

#define HOST_AF_INET 2
#define HOST_SOCK_RAW 3
#define HOST_MPTCP 262

/* The packet's socket. */
struct endpoint {
	__u32 proto, type, state;
	__u32 port;	/* local, after any NAT; of a raw socket it means nothing */
	bool connected; /* has a remote end */
};

/* False: there is none, or one that is closed already and lives on in a timer only. */
static __always_inline bool host_endpoint(struct __sk_buff *skb, struct endpoint *e)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!sk)
		return false;
	e->proto = sk->protocol;
	e->type = sk->type;
	e->state = sk->state;
	e->port = sk->src_port;
	/* As 32 bits, which every kernel allows. */
	e->connected = *(volatile __u32 *)&sk->dst_port != 0;
	return true;
}

/*
 * packet_pack() of a packet whose data begin with the IP header, as they do on cgroups. parse_slow() would look
 * for a frame's header by how far it can read, which is no measure here: the payload isn't in one piece.
 */
PLIC_FUNC __u64 host_parse_ip(struct __sk_buff *skb)
{
	struct packet p = {};

	parse_l3(skb, &p, skb->protocol, 0);
	return packet_pack(&p);
}

static __always_inline void host_parse(struct __sk_buff *skb, struct packet *p)
{
	__be16 ports[2] = {};

	packet_unpack(p, host_parse_ip(skb));
	if (p->kind != PACKET_PORTS)
		return;
	bpf_skb_load_bytes(skb, p->l4, ports, sizeof(ports));
	packet_ports(p, p->proto, ports);
}

/* The one place where they ask. False: state_lost. d->asks is left to who knows the client. */
static __always_inline bool host_decide(struct decision *d, __u32 proto, __u32 port,
					bool established, __u64 now)
{
	if (!decide_rule(d, gate_set(), proto, port, now))
		return false;
	decide_times(d, now, established);
	return true;
}

#endif
