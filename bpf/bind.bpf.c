/* SPDX-License-Identifier: MIT */
/*
 * bind.bpf.c - cgroup bind: who asks for a port that nothing opens learns it at once, by EPERM. A
 * courtesy, no enforcement: a socket can get a port without asking for it. State that is lost refuses
 * nothing here; `host` drops then.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "clock.h"
#include "host.h"
#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PLIC_AUDIT + 1);
	__type(key, __u32); /* enum plic_verdict */
	__type(value, __u64);
} plic_binds SEC(".maps");

static __always_inline void count_bind(__u32 verdict)
{
	__u64 *binds = bpf_map_lookup_elem(&plic_binds, &verdict);

	if (binds)
		__sync_fetch_and_add(binds, 1);
}

static __always_inline int may_bind(struct bpf_sock_addr *ctx)
{
	__u32 proto = ctx->protocol, port = bpf_ntohs(ctx->user_port);
	struct decision d;

	if (proto == HOST_MPTCP)
		proto = IPPROTO_TCP;
	if (!port || (proto != IPPROTO_TCP && proto != IPPROTO_UDP) || ctx->type == HOST_SOCK_RAW)
		return HOST_PASS;
	if (!host_decide(&d, proto, port, false, clock_now()) || d.verdict == PLIC_ALLOWED)
		return HOST_PASS;
	count_bind(d.verdict);
	return d.verdict == PLIC_DENIED ? HOST_DROP : HOST_PASS;
}

SEC("cgroup/bind4")
int plic_bind4(struct bpf_sock_addr *ctx)
{
	return may_bind(ctx);
}

SEC("cgroup/bind6")
int plic_bind6(struct bpf_sock_addr *ctx)
{
	return may_bind(ctx);
}

char LICENSE[] SEC("license") __weak = "Dual MIT/GPL";
