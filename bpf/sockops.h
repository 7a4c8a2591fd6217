/* SPDX-License-Identifier: MIT */
/* sockops.h - both ends of the socket that a sock_ops program is called for. */
#ifndef PORTLIC_BPF_SOCKOPS_H
#define PORTLIC_BPF_SOCKOPS_H

#include <linux/bpf.h>

#include "mapped.h"

#define OPS_AF_INET 2

static __always_inline void ops_remote(struct bpf_sock_ops *ctx, __u8 address[16])
{
	__u32 *words = (__u32 *)address, word;

	if (ctx->family == OPS_AF_INET) {
		map_ipv4(address, ctx->remote_ip4);
		return;
	}
	for (int i = 0; i < 4; i++) {
		word = ctx->remote_ip6[i];
		barrier_var(word);
		words[i] = word;
	}
}

static __always_inline void ops_local(struct bpf_sock_ops *ctx, __u8 address[16])
{
	__u32 *words = (__u32 *)address, word;

	if (ctx->family == OPS_AF_INET) {
		map_ipv4(address, ctx->local_ip4);
		return;
	}
	for (int i = 0; i < 4; i++) {
		word = ctx->local_ip6[i];
		barrier_var(word);
		words[i] = word;
	}
}

#endif
