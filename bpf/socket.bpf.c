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
#include "event.h"
#include "flow.h"
#include "maps.h"
#include "probe.h"

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

/*
 * Who sends, and its cgroup (0: unknown). On which interface it came only Linux 5.17 tells: what was sent on
 * lo, egress has written down.
 */
static __always_inline __u64 socket_client(struct bpf_sk_lookup *ctx, struct client *client)
{
	struct plic_sender_key key = {.remote_port = bpf_ntohs(ctx->remote_port),
				      .local_port = ctx->local_port,
				      .gate = plic_gate_id,
				      .proto = ctx->protocol};
	struct plic_sender *sender;

	socket_remote(ctx, key.remote);
	socket_local(ctx, key.local);
	__builtin_memcpy(client->address, key.remote, sizeof(client->address));
	if (plic_dry_origins) {
		client->origins = plic_dry_origins;
		return 0;
	}
	sender = bpf_map_lookup_elem(&plic_senders, &key);
	if (sender) {
		client->origins = sender->origins;
		return sender->cgroup;
	}
	client->origins =
		is_loopback(client) ? ORIGIN_BIT(UNKNOWN) : origin_of_address(client->address);
	return 0;
}

/*
 * One of the kubelet's, as wire has it. What was sent on lo, by whichever address, is none: containers are not
 * probed from inside.
 */
static __noinline int socket_is_probe(struct bpf_sk_lookup *ctx)
{
	struct plic_sender_key sender = {.remote_port = bpf_ntohs(ctx->remote_port),
					 .local_port = ctx->local_port,
					 .gate = plic_gate_id,
					 .proto = IPPROTO_TCP};
	struct plic_mark_key key = {.remote_port = sender.remote_port,
				    .local_port = sender.local_port};
	struct plic_probe *probe;

	if (plic_dry_run)
		return plic_dry_origins == ORIGIN_BIT(PROBE);
	socket_remote(ctx, key.remote);
	socket_local(ctx, key.local);
	probe = bpf_map_lookup_elem(&plic_probes, &key);
	if (!probe_is_of(probe, plic_gate_id) || !probe_is_fresh(probe, clock_now()))
		return false;
	__builtin_memcpy(sender.remote, key.remote, sizeof(key.remote));
	__builtin_memcpy(sender.local, key.local, sizeof(key.local));
	return !bpf_map_lookup_elem(&plic_senders, &sender);
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

/*
 * Wire let the client in to another port, and NAT inside the pod led it here. Remembered, too: of a sidecar
 * each hook sees half of the truth.
 */
static __always_inline bool socket_is_remapped(struct bpf_sk_lookup *ctx, __u32 *named)
{
	struct plic_budget *b = budget();

	*named = ctx->local_port;
	if (!b || b->probing || ctx->protocol != IPPROTO_TCP)
		return false;
	*named = opened_port(bpf_ntohs(ctx->remote_port));
	if (!*named || *named == ctx->local_port) {
		*named = ctx->local_port;
		return false;
	}
	b->remaps++;
	return true;
}

static __always_inline bool is_via(void *set, __u32 port, __u64 now)
{
	const struct plic_header *header = set ? header_now(set, now) : NULL;

	return header && header->via == port;
}

/* named: the port that the client named, where wire saw it. */
static __always_inline void socket_event(struct bpf_sk_lookup *ctx, const struct decision *d,
					 __u32 named, __u64 now)
{
	struct plic_event *event = event_begin(d->reason, now);
	__u32 port = ctx->local_port, proto = ctx->protocol;
	struct client client;

	if (!event)
		return;
	event->verdict = d->verdict;
	event->hook = PLIC_HOOK_SOCKET;
	event->proto = proto;
	event->port = named;
	event->real_port = port;
	event->remote_port = bpf_ntohs(ctx->remote_port);
	event->cgroup = socket_client(ctx, &client);
	event->origin = origin_of_mask(client.origins);
	__builtin_memcpy(event->remote, client.address, sizeof(event->remote));
	socket_local(ctx, event->local);
	event_rules(event, proto, port, now);
	bpf_ringbuf_submit(event, 0);
}

SEC("sk_lookup")
int plic_socket(struct bpf_sk_lookup *ctx)
{
	__u32 proto = ctx->protocol, port = ctx->local_port, named;
	union denial_name name = {.key = {.port = port, .proto = proto, .verdict = PLIC_DENIED}};
	bool remapped = socket_is_remapped(ctx, &named);
	struct decision d;
	struct client client;
	__u64 now = clock_now();
	void *set = gate_set();

	if (decide_rule(&d, set, proto, port, now)) {
		decide_times(&d, now, false);
		if (d.rule->flags & PLIC_RULE_PROBE && (d.asks || d.verdict == PLIC_DENIED) &&
		    proto == IPPROTO_TCP && socket_is_probe(ctx))
			return SK_PASS;
	}
	if (d.asks) {
		socket_client(ctx, &client);
		decide_client(&d, &client, true, now);
	}
	/* What is let through in audit mode wire has counted. */
	if (d.verdict != PLIC_DENIED || (remapped && is_via(set, port, now)))
		return SK_PASS;
	if (proto == IPPROTO_UDP && socket_is_answer(ctx, port, d.slot != PLIC_SLOT_OTHER, now))
		return SK_PASS;
	if (socket_counts(&d, proto, port)) {
		name.key.slot = d.slot;
		name.key.reason = d.reason;
		count_denied(name.number, 1, 0, 1, now); /* its length is not known here */
		socket_event(ctx, &d, named, now);
	}
	return SK_DROP;
}

char LICENSE[] SEC("license") __weak = "Dual MIT/GPL";
