/* SPDX-License-Identifier: MIT */
/*
 * ledger.bpf.c - one program for the node: counts TCP connections where they really begin, when the
 * handshake is done, notes who opened them and who listens, gives their clients the seats that limits
 * count, and charges quotas. The gate is found by the socket's network namespace. Decides nothing.
 */
#include "vmlinux.h"
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PORTLIC_LEDGER
#include "arrival.h"
#include "charge.h"
#include "count.h"
#include "decide.h"
#include "owner.h"
#include "peer.h"
#include "probe.h"
#include "seats.h"

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
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_SEATED);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* address of the socket */
	__type(value, struct plic_holder);
} plic_holders SEC(".maps");

static __always_inline void ledger_mapped(__u32 to[4], __be32 ipv4)
{
	to[2] = bpf_htonl(0xffff);
	to[3] = ipv4;
}

/* Addresses of a socket, IPv4 mapped; to is all zero. */
static __always_inline void ledger_remote(const struct sock *sk, __u32 to[4])
{
	if (sk->__sk_common.skc_family == LEDGER_AF_INET)
		ledger_mapped(to, sk->__sk_common.skc_daddr);
	else
		for (int i = 0; i < 4; i++)
			to[i] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[i];
}

static __always_inline void ledger_local(const struct sock *sk, __u32 to[4])
{
	if (sk->__sk_common.skc_family == LEDGER_AF_INET)
		ledger_mapped(to, sk->__sk_common.skc_rcv_saddr);
	else
		for (int i = 0; i < 4; i++)
			to[i] = sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[i];
}

/* As the socket program sees the client. */
static __always_inline void ledger_client(const struct sock *sk, __u32 gate, struct client *client)
{
	struct plic_sender_key key = {.remote_port = bpf_ntohs(sk->__sk_common.skc_dport),
				      .local_port = sk->__sk_common.skc_num,
				      .gate = gate,
				      .proto = IPPROTO_TCP};

	ledger_remote(sk, (__u32 *)key.remote);
	ledger_local(sk, (__u32 *)key.local);
	__builtin_memcpy(client->address, key.remote, sizeof(client->address));
	client->origins = origin_of_sender(&key);
	if (client->origins == ORIGIN_BIT(UNKNOWN) && !is_loopback(client))
		client->origins = origin_of_address(client->address);
}

static __always_inline void note_peer(const struct sock *sk, __u32 gate, __u32 slot, __u64 now)
{
	struct plic_peer_key key = {.gate = gate, .slot = slot};

	ledger_remote(sk, (__u32 *)key.remote);
	peer_count(&key, now);
}

/*
 * Gives the client of a connection its seat, if there is one: else wire resets it. 0: there was none, so
 * wire has counted its SYN if it passed all the same. high, low: the address; where: gate << 32 | origins
 * << 16 | port; socket: its address.
 */
PLIC_FUNC int sit_down(__u64 high, __u64 low, __u64 where, __u64 socket, __u64 now)
{
	__u32 gate = where >> 32, port = where & 0xffff, grants, how = SEAT_COUNT;
	const struct sitter c = {high, low, SITTER(gate, port, IPPROTO_TCP)};
	void *set = bpf_map_lookup_elem(&plic_sets, &gate);
	__u64 address[2] = {high, low};
	struct plic_holder holder = {};
	struct decision d = {};
	struct client client;
	struct seating s;
	bool found;
	int taken;

	if (!decide_rule(&d, set, IPPROTO_TCP, port, now) || !seats_of(set, d.cell, &s))
		return false;
	__builtin_memcpy(client.address, address, sizeof(address));
	client.origins = where >> 16 & 0xffff;
	grants = seats_grants(d.rule, &client, now) >> SEATS_GIVING;
	found = seats_find(&s, &c, grants, grants, true);
	if (!found && d.rule->mode == PLIC_ENFORCE)
		return false;
	if (!found)
		how |= SEAT_ANYWAY;
	taken = seats_take(&s, &c, grants, how);
	if (taken < 0)
		return false;
	if (taken < PLIC_MAX_GRANTS) {
		const struct plic_limit *limit = &s.grants[taken];

		holder.seats = PLIC_HOLDER_LICENSE;
		holder.license = seat_key(high, low, c.where, limit->line, seat_limit(limit));
	}
	if (s.policy->seats) {
		if (!seats_take_policy(&s, &c, how)) {
			if (holder.seats)
				seat_leave(&holder.license);
			return false;
		}
		holder.seats |= PLIC_HOLDER_POLICY;
		holder.policy = seat_key(high, low, c.where, s.policy->line, seat_limit(s.policy));
	}
	if (holder.seats)
		bpf_map_update_elem(&plic_holders, &socket, &holder, BPF_ANY);
	return found;
}

static __always_inline bool sits(const struct sock *sk, const struct client *client, __u32 gate,
				 __u64 now)
{
	__u64 where = (__u64)gate << 32 | client->origins << 16 | sk->__sk_common.skc_num;
	__u64 address[2], socket = 0;

	__builtin_memcpy(address, client->address, sizeof(address));
	bpf_probe_read_kernel(&socket, sizeof(socket), &sk); /* no pointer, for the verifier */
	return sit_down(address[0], address[1], where, socket, now);
}

/* A socket that is no more. */
static __always_inline void stand_up(const struct sock *sk)
{
	__u64 socket = (__u64)sk;
	struct plic_holder *holder = bpf_map_lookup_elem(&plic_holders, &socket);

	if (!holder)
		return;
	if (holder->seats & PLIC_HOLDER_LICENSE)
		seat_leave(&holder->license);
	if (holder->seats & PLIC_HOLDER_POLICY)
		seat_leave(&holder->policy);
	bpf_map_delete_elem(&plic_holders, &socket);
}

/* One of the kubelet's, to a port that is probed: no client, so it takes no seat and is charged to no quota. */
static __always_inline bool ledger_is_probe(const struct sock *sk, __u32 gate)
{
	struct plic_mark_key key = {.remote_port = bpf_ntohs(sk->__sk_common.skc_dport),
				    .local_port = sk->__sk_common.skc_num};

	ledger_remote(sk, (__u32 *)key.remote);
	ledger_local(sk, (__u32 *)key.local);
	return probe_is_known(&key, gate);
}

/* A handshake is done. */
static __always_inline void ledger_connected(const struct sock *sk, __u32 gate)
{
	void *set = bpf_map_lookup_elem(&plic_sets, &gate);
	__u64 now = clock_now();
	struct client client = {};
	struct decision d = {};
	bool seated = true;

	if (!decide_rule(&d, set, IPPROTO_TCP, sk->__sk_common.skc_num, now) ||
	    d.slot == PLIC_SLOT_OTHER)
		return;
	if (d.rule->flags & PLIC_RULE_PROBE && d.rule->mode != PLIC_OFF &&
	    ledger_is_probe(sk, gate)) {
		arrival_count(gate, d.slot, ORIGIN_BIT(PROBE), now);
		count_connection(gate, d.slot, now);
		return;
	}
	ledger_client(sk, gate, &client);
	decide_times(&d, now, false);
	if (d.verdict == PLIC_ALLOWED && d.rule->flags & PLIC_RULE_SEATS)
		seated = sits(sk, &client, gate, now);
	if (d.rule->mode == PLIC_OFF)
		return;
	note_peer(sk, gate, d.slot, now);
	arrival_count(gate, d.slot, client.origins, now);
	/* What is let through all the same (audit, report) wire has counted as such, by its SYN. */
	if (d.asks)
		decide_client(&d, &client, true, now);
	if (!seated || d.verdict != PLIC_ALLOWED)
		return;
	if (!(d.rule->flags & PLIC_RULE_QUOTA) || charge_quota(gate, sk->__sk_common.skc_num, now))
		count_connection(gate, d.slot, now);
}

SEC("tp_btf/inet_sock_set_state")
int plic_ledger(__u64 *ctx)
{
	const struct sock *sk = (const struct sock *)ctx[0];
	int oldstate = ctx[1], newstate = ctx[2];
	bool connected = oldstate == LEDGER_FROM && newstate == LEDGER_TO;
	/* What a listener accepts goes from LISTEN to SYN_RECV. */
	bool closed = oldstate == BPF_TCP_LISTEN && newstate == BPF_TCP_CLOSE;
	__u32 netns, *gate;

	if (newstate == BPF_TCP_CLOSE)
		stand_up(sk);
	if (!connected && !closed && newstate != BPF_TCP_LISTEN)
		return 0;
	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	netns = sk->__sk_common.skc_net.net->ns.inum;
	gate = bpf_map_lookup_elem(&plic_netns, &netns);
	if (!gate)
		return 0;
	if (newstate == BPF_TCP_LISTEN)
		owner_listens(*gate, sk->__sk_common.skc_num, IPPROTO_TCP);
	else if (closed)
		owner_closes(*gate, sk->__sk_common.skc_num, IPPROTO_TCP);
	else
		ledger_connected(sk, *gate);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
