/* SPDX-License-Identifier: MIT */
/*
 * ledger.bpf.c - one program for the node: counts TCP connections where they really begin, when the
 * handshake is done, and notes who opened them. The gate is found by the socket's network namespace.
 * Charges quotas with
 * them; decides nothing.
 */
#include "vmlinux.h"
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PORTLIC_LEDGER
#include "count.h"
#include "decide.h"
#include "quota.h"

/* The states of TCP, as BPF has them in the UAPI. */
#define LEDGER_FROM BPF_TCP_SYN_RECV
#define LEDGER_TO BPF_TCP_ESTABLISHED
#define LEDGER_AF_INET 2

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_GATES);
	__type(key, __u32);   /* inode number of the network namespace */
	__type(value, __u32); /* gate id */
} plic_netns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PLIC_MAX_PEERS);
	__type(key, struct plic_peer_key);
	__type(value, struct plic_peer);
} plic_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_SEATED);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* address of the socket */
	__type(value, struct plic_holder);
} plic_holders SEC(".maps");

static __always_inline void note_peer(const struct sock *sk, __u32 gate, __u32 slot, __u64 now)
{
	struct plic_peer_key key = {.gate = gate, .slot = slot};
	struct plic_peer fresh = {.last_ns = now, .connections = 1}, *peer;
	__u32 *words = (__u32 *)key.remote;

	if (sk->__sk_common.skc_family == LEDGER_AF_INET) {
		words[2] = bpf_htonl(0xffff);
		words[3] = sk->__sk_common.skc_daddr;
	} else {
		for (int i = 0; i < 4; i++)
			words[i] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[i];
	}
	peer = bpf_map_lookup_elem(&plic_peers, &key);
	if (!peer) {
		bpf_map_update_elem(&plic_peers, &key, &fresh, BPF_NOEXIST);
		return;
	}
	__sync_fetch_and_add(&peer->connections, 1);
	peer->last_ns = now;
}

/*
 * Charges the connection to the grant that wire has admitted it by, as far as times tell: the one that
 * ends first and isn't over its quota. False: wire has counted it as over one that only reports.
 */
static __always_inline bool charge_quota(void *set, const struct decision *d,
					 const struct charge *c)
{
	const struct plic_limit *limits = find_limits(set, d, false);
	struct quota_place place = {}, over = {};
	bool blocks = true;

	if (!limits)
		return true;
	for (int i = PLIC_MAX_GRANTS - 1; i >= 0; i--) {
		const struct plic_limit *l = &limits[i];

		if (i >= d->rule->n_grants || !grant_admits(&d->rule->grants[i], c->now))
			continue;
		if (!quota_refuses(l, c, false, &place)) {
			quota_charge(&place, c);
			return true;
		}
		if (blocks) {
			over = place;
			blocks = l->flags & PLIC_LIMIT_BLOCK;
		}
	}
	quota_charge(&over, c);
	return blocks;
}

SEC("tp_btf/inet_sock_set_state")
int plic_ledger(__u64 *ctx)
{
	const struct sock *sk = (const struct sock *)ctx[0];
	int oldstate = ctx[1], newstate = ctx[2];
	struct decision d = {};
	struct plic_traffic *lane;
	struct charge c;
	__u32 netns, *gate;
	__u64 now;
	void *set;

	if (oldstate != LEDGER_FROM || newstate != LEDGER_TO || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	netns = sk->__sk_common.skc_net.net->ns.inum;
	gate = bpf_map_lookup_elem(&plic_netns, &netns);
	set = gate ? bpf_map_lookup_elem(&plic_sets, gate) : NULL;
	now = clock_now();
	if (!decide_rule(&d, set, IPPROTO_TCP, sk->__sk_common.skc_num, now) ||
	    d.slot == PLIC_SLOT_OTHER || d.rule->mode == PLIC_OFF)
		return 0;
	note_peer(sk, *gate, d.slot, now);
	/* What is let through all the same (audit, report) wire has counted as such, by its SYN. */
	decide_times(&d, now, false);
	if (d.verdict != PLIC_ALLOWED)
		return 0;
	c = (struct charge){.gate = *gate,
			    .port = sk->__sk_common.skc_num,
			    .proto = IPPROTO_TCP,
			    .connections = 1,
			    .opens = true,
			    .now = now};
	if (d.rule->flags & PLIC_RULE_QUOTA && !charge_quota(set, &d, &c))
		return 0;
	lane = traffic_lane(*gate, d.slot);
	if (!lane)
		return 0;
	/* Atomic, because wire can interrupt us here; it leaves the connections of TCP slots alone. */
	__sync_fetch_and_add(&lane->connections, 1);
	lane->last_ns = now;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
