/* SPDX-License-Identifier: MIT */
/*
 * socket.bpf.c - sk_lookup of the namespace: the port that the socket really has, after any NAT inside
 * the pod, on any interface. It runs for what finds no established socket: new connections, stray
 * segments, and wire's own look-ups, so it counts denials only. Fails closed: SK_DROP, which the stack
 * answers with a reset or "unreachable".
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "clock.h"
#include "count.h"
#include "decide.h"
#include "flow.h"
#include "maps.h"

#define SOCKET_AF_INET 2
#define STRAY_PORTS_FROM 32768 /* where the pod's own connections have their local ports */

/*
 * Each word is read by itself and into a register: joined by the compiler, the two families become one
 * read through a moved context pointer, which the verifier refuses.
 */
static __always_inline void socket_remote(struct bpf_sk_lookup *ctx, __u8 address[16])
{
	__u32 *words = (__u32 *)address;
	__u32 word = ctx->remote_ip4;

	barrier_var(word);
	if (ctx->family == SOCKET_AF_INET) {
		map_ipv4(address, word);
		return;
	}
	for (int i = 0; i < 4; i++) {
		word = ctx->remote_ip6[i];
		barrier_var(word);
		words[i] = word;
	}
}

static __always_inline void socket_local(struct bpf_sk_lookup *ctx, __u8 address[16])
{
	__u32 *words = (__u32 *)address;
	__u32 word = ctx->local_ip4;

	barrier_var(word);
	if (ctx->family == SOCKET_AF_INET) {
		map_ipv4(address, word);
		return;
	}
	for (int i = 0; i < 4; i++) {
		word = ctx->local_ip6[i];
		barrier_var(word);
		words[i] = word;
	}
}

/* On which interface it came only Linux 5.17 tells: what was sent on lo, egress has written down. */
static __always_inline void socket_client(struct bpf_sk_lookup *ctx, struct decision *d, __u64 now)
{
	struct plic_sender_key key = {.remote_port = bpf_ntohs(ctx->remote_port),
				      .local_port = ctx->local_port,
				      .gate = plic_gate_id,
				      .proto = ctx->protocol};
	struct client client;

	socket_remote(ctx, key.remote);
	socket_local(ctx, key.local);
	__builtin_memcpy(client.address, key.remote, sizeof(client.address));
	client.origins = origin_of_sender(&key);
	if (client.origins == 1U << PLIC_ORIGIN_UNKNOWN && !is_loopback(&client))
		client.origins = origin_of_address(client.address);
	decide_client(d, &client, true, now);
}

static __always_inline bool socket_is_answer(struct bpf_sk_lookup *ctx, __u32 port, bool named,
					     __u64 now)
{
	struct plic_budget *b = budget();
	struct plic_flow_key key = {.remote_port = bpf_ntohs(ctx->remote_port),
				    .local_port = port,
				    .proto = IPPROTO_UDP};

	socket_remote(ctx, key.remote);
	return flow_is_own(&key, named, now) || (b && is_noted(b, IPPROTO_UDP, port));
}

/* Packets whose denial was counted elsewhere or is no denial: see the reasons inside. */
static __always_inline bool socket_counts(const struct decision *d, __u32 proto, __u32 port)
{
	struct plic_budget *b = budget();

	if (!b || b->probing)
		return false; /* wire looks for a socket and judges by itself */
	if (proto == IPPROTO_TCP && is_noted(b, proto, port))
		return false;
	/* A late segment to a port that the pod's own connection had. */
	return proto != IPPROTO_TCP || d->slot != PLIC_SLOT_OTHER || port < STRAY_PORTS_FROM;
}

SEC("sk_lookup")
int plic_socket(struct bpf_sk_lookup *ctx)
{
	__u32 proto = ctx->protocol, port = ctx->local_port;
	union denial_name name = {.key = {.port = port, .proto = proto, .verdict = PLIC_DENIED}};
	struct decision d;
	__u64 now = clock_now();

	if (decide_rule(&d, gate_set(), proto, port, now))
		decide_times(&d, now, false);
	if (d.asks)
		socket_client(ctx, &d, now);
	/* What is let through in audit mode wire has counted. */
	if (d.verdict != PLIC_DENIED)
		return SK_PASS;
	if (proto == IPPROTO_UDP && socket_is_answer(ctx, port, d.slot != PLIC_SLOT_OTHER, now))
		return SK_PASS;
	if (socket_counts(&d, proto, port)) {
		name.key.slot = d.slot;
		name.key.reason = d.reason;
		count_denied(name.number, 1, 0, 1, now); /* its length is not known here */
	}
	return SK_DROP;
}

char LICENSE[] SEC("license") __weak = "Dual MIT/GPL";
