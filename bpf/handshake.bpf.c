/* SPDX-License-Identifier: MIT */
/*
 * handshake.bpf.c - sock_ops of a cgroup: counts the TCP connections that are let in, once the handshake
 * is done, charges their quotas, and marks those that the processes open from a port that has a rule. Decides
 * nothing.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "arrival.h"
#include "charge.h"
#include "count.h"
#include "host.h"
#include "maps.h"
#include "peer.h"
#include "probe.h"
#include "sockops.h"

static __always_inline void handshake_key(struct bpf_sock_ops *ctx, struct plic_mark_key *key)
{
	ops_remote(ctx, key->remote);
	ops_local(ctx, key->local);
	key->remote_port = bpf_ntohl(ctx->remote_port);
	key->local_port = ctx->local_port;
}

/* As host sees the client. */
static __always_inline void handshake_client(const struct plic_mark_key *key, struct client *client)
{
	struct plic_sender_key sender = {.remote_port = key->remote_port,
					 .local_port = key->local_port,
					 .gate = plic_gate_id,
					 .proto = IPPROTO_TCP};

	__builtin_memcpy(sender.remote, key->remote, sizeof(sender.remote));
	__builtin_memcpy(sender.local, key->local, sizeof(sender.local));
	__builtin_memcpy(client->address, key->remote, sizeof(client->address));
	client->origins = origin_of_sender(&sender);
	if (client->origins == ORIGIN_BIT(UNKNOWN) && !is_loopback(client))
		client->origins = origin_of_address(client->address);
}

static __always_inline void connecting(struct bpf_sock_ops *ctx)
{
	void *set = gate_set();
	struct plic_mark_key key;
	struct plic_mark mark;
	__u32 slot;

	if (!set || !find_rule(set, IPPROTO_TCP, ctx->local_port, &slot) || slot == PLIC_SLOT_OTHER)
		return;
	handshake_key(ctx, &key);
	mark.cookie = bpf_get_socket_cookie(ctx);
	bpf_map_update_elem(&plic_marks, &key, &mark, BPF_ANY);
	plic_marked = 1;
}

static __always_inline void accepted(struct bpf_sock_ops *ctx)
{
	struct plic_peer_key peer = {.gate = plic_gate_id};
	__u64 now = clock_now();
	struct plic_mark_key key;
	struct client client;
	struct decision d;

	/* What is let through all the same (audit, report) host has counted as such, by its SYN. */
	if (!host_decide(&d, IPPROTO_TCP, ctx->local_port, false, now) ||
	    d.slot == PLIC_SLOT_OTHER || d.rule->mode == PLIC_OFF)
		return;
	/* The same two ends once had a connection that was opened from here: that one is over. */
	handshake_key(ctx, &key);
	if (plic_marked)
		bpf_map_delete_elem(&plic_marks, &key);
	if (d.rule->flags & PLIC_RULE_PROBE && probe_is_known(&key, plic_gate_id)) {
		arrival_count(plic_gate_id, d.slot, ORIGIN_BIT(PROBE), now);
		count_connection(plic_gate_id, d.slot, now);
		return;
	}
	peer.slot = d.slot;
	__builtin_memcpy(peer.remote, key.remote, sizeof(peer.remote));
	peer_count(&peer, now);
	handshake_client(&key, &client);
	arrival_count(plic_gate_id, d.slot, client.origins, now);
	if (d.asks)
		decide_client(&d, &client, true, now);
	if (d.verdict != PLIC_ALLOWED)
		return;
	if (!(d.rule->flags & PLIC_RULE_QUOTA) || charge_quota(plic_gate_id, ctx->local_port, now))
		count_connection(plic_gate_id, d.slot, now);
}

SEC("sockops")
int plic_handshake(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		connecting(ctx);
	else if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		accepted(ctx);
	return 1; /* and ctx->reply as it is: another program may have set it */
}

char LICENSE[] SEC("license") __weak = "Dual MIT/GPL";
