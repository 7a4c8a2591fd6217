/* SPDX-License-Identifier: MIT */
/*
 * kubelet.bpf.c - sock_ops of the kubelet's cgroup: writes down each TCP connection that it opens, before its
 * SYN leaves, so that the gates of pods know a probe by its two ends. Decides nothing.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kubelet.h"
#include "sockops.h"

/* As the other end sees it. */
static __always_inline void prober_key(struct bpf_sock_ops *ctx, struct plic_mark_key *key)
{
	ops_local(ctx, key->remote);
	ops_remote(ctx, key->local);
	key->remote_port = ctx->local_port;
	key->local_port = bpf_ntohl(ctx->remote_port);
}

static __always_inline void opened(struct bpf_sock_ops *ctx)
{
	struct plic_probe probe = {.opened_ns = bpf_ktime_get_boot_ns(), .gate = PLIC_NODE_WIDE};
	struct plic_kubelet *kubelet;
	struct plic_mark_key key;
	__u32 zero = 0;

	prober_key(ctx, &key);
	bpf_map_update_elem(&plic_probes, &key, &probe, BPF_ANY);
	kubelet = bpf_map_lookup_elem(&plic_kubelet, &zero);
	if (kubelet)
		kubelet->seen_ns = probe.opened_ns;
	/* Else it stays fresh for a while after its end, when another process may have its port. */
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

static __always_inline void closed(struct bpf_sock_ops *ctx)
{
	struct plic_probe *probe;
	struct plic_mark_key key;

	prober_key(ctx, &key);
	probe = bpf_map_lookup_elem(&plic_probes, &key);
	if (probe)
		probe->closed_ns = bpf_ktime_get_boot_ns();
}

SEC("sockops")
int plic_prober(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		opened(ctx);
	else if (ctx->op == BPF_SOCK_OPS_STATE_CB && ctx->args[1] == BPF_TCP_CLOSE)
		closed(ctx);
	return 1; /* and ctx->reply as it is: another program may have set it */
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
