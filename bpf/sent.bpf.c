/* SPDX-License-Identifier: MIT */
/*
 * sent.bpf.c - cgroup_skb egress and sendmsg: remembers the UDP and SCTP flows that processes of the
 * cgroup open. Twice, for an answer comes from the address that the process named, after NAT on the way
 * out, or from that on the packet, if a program in between (a service mesh) named another. Never drops.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "flow.h"
#include "host.h"
#include "maps.h"
#include "parse.h"
#include "sender.h"
#include "sent.h"

/* A server's answer is no flow of its own. */
static __always_inline bool is_named(__u32 proto, __u32 port)
{
	void *set = gate_set();
	__u32 slot;

	return !set || !find_rule(set, proto, port, &slot) || slot != PLIC_SLOT_OTHER;
}

/* Who speaks on lo from within the cgroup; which container of it that is nobody tells. */
static __always_inline void note_sender(struct __sk_buff *skb, const struct packet *p)
{
	struct plic_sender sender = {
		.cgroup = bpf_skb_cgroup_id(skb),
		.origins = ORIGIN_BIT(SAME_CONTAINER) | ORIGIN_BIT(SIBLING),
	};
	struct plic_sender_key key;

	if (!is_named(p->proto, p->dport))
		return;
	sender_key(skb, p, &key);
	bpf_map_update_elem(&plic_senders, &key, &sender, BPF_ANY);
}

SEC("cgroup_skb/egress")
int plic_sent(struct __sk_buff *skb)
{
	bool lo = skb->ifindex == LOOPBACK_IFINDEX;
	struct plic_flow_key key;
	struct endpoint e;
	struct packet p;

	if (!host_endpoint(skb, &e) || (e.proto == IPPROTO_TCP && e.type != HOST_SOCK_RAW &&
					!(lo && e.state == BPF_TCP_SYN_SENT)))
		return HOST_PASS;
	host_parse(skb, &p);
	if (p.kind != PACKET_PORTS)
		return HOST_PASS;
	if (lo)
		note_sender(skb, &p);
	if (e.type != HOST_SOCK_RAW)
		p.sport = e.port;
	if (p.proto == IPPROTO_TCP || is_named(p.proto, p.sport))
		return HOST_PASS;
	flow_key(skb, &p, false, &key);
	sent_note(&key, is_group(&key));
	return HOST_PASS;
}

static __always_inline bool sent_key(struct bpf_sock_addr *ctx, struct plic_flow_key *key)
{
	struct bpf_sock *sk = ctx->sk;

	if (!sk || ctx->protocol != IPPROTO_UDP)
		return false;
	*key = (struct plic_flow_key){
		.remote_port = bpf_ntohs(ctx->user_port),
		.local_port = sk->src_port,
		.proto = IPPROTO_UDP,
	};
	return !is_named(IPPROTO_UDP, key->local_port);
}

SEC("cgroup/sendmsg4")
int plic_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct plic_flow_key key;

	if (!sent_key(ctx, &key))
		return HOST_PASS;
	map_ipv4(key.remote, ctx->user_ip4);
	sent_note(&key, is_group(&key));
	return HOST_PASS;
}

SEC("cgroup/sendmsg6")
int plic_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct plic_flow_key key;
	__u32 *words = (__u32 *)key.remote, word;

	if (!sent_key(ctx, &key))
		return HOST_PASS;
	for (int i = 0; i < 4; i++) {
		word = ctx->user_ip6[i];
		barrier_var(word);
		words[i] = word;
	}
	sent_note(&key, is_group(&key));
	return HOST_PASS;
}

char LICENSE[] SEC("license") __weak = "Dual MIT/GPL";
