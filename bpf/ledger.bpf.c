/* SPDX-License-Identifier: MIT */
/*
 * ledger.bpf.c - one program for the node: counts TCP connections where they really begin, when the
 * handshake is done. The gate is found by the socket's network namespace. Decides nothing.
 */
#include "vmlinux.h"
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>

#define PORTLIC_LEDGER
#include "count.h"
#include "decide.h"

/* The states of TCP, as BPF has them in the UAPI. */
#define LEDGER_FROM BPF_TCP_SYN_RECV
#define LEDGER_TO BPF_TCP_ESTABLISHED

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_GATES);
	__type(key, __u32);   /* inode number of the network namespace */
	__type(value, __u32); /* gate id */
} plic_netns SEC(".maps");

SEC("tp_btf/inet_sock_set_state")
int plic_ledger(__u64 *ctx)
{
	const struct sock *sk = (const struct sock *)ctx[0];
	int oldstate = ctx[1], newstate = ctx[2];
	struct decision d = {};
	struct plic_traffic *lane;
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
	    d.slot == PLIC_SLOT_OTHER)
		return 0;
	/* What is let through all the same (audit, report) wire has counted as such, by its SYN. */
	decide_times(&d, now, false);
	if (d.verdict != PLIC_ALLOWED || d.rule->mode == PLIC_OFF)
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
