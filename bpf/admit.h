/* SPDX-License-Identifier: MIT */
/* admit.h - a new flow that the times of its rule admit: does the rule take this client? For wire and host. */
#ifndef PORTLIC_BPF_ADMIT_H
#define PORTLIC_BPF_ADMIT_H

#include "arrival.h"
#include "decide.h"
#include "limits.h"
#include "mark.h"
#include "parse.h"
#include "sender.h"

#ifdef PORTLIC_HOST
#define HOOK_IS_LATE true
#else
#define HOOK_IS_LATE false
#endif

static __always_inline bool is_open(const struct packet *p)
{
	/* Established by its flags: only SYN without ACK opens a connection. */
	return p->proto != IPPROTO_TCP || (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/*
 * Who sends on lo. What gets there past egress (AF_PACKET can do that) must not pass for an earlier packet of
 * another sender, nor for one that is on its way: a packet that may open a flow has to carry what egress told
 * of itself.
 */
static __always_inline __u32 origin_on_lo(struct __sk_buff *skb, const struct packet *p,
					  const struct plic_sender_key *key)
{
	__u32 origins = origin_of_sender(key), noted = skb->cb[0];

	/* At a socket's cgroup the stack has used cb for itself. */
	if (HOOK_IS_LATE || !is_open(p))
		return origins;
	if ((noted & ~SENDER_ORIGINS) != PLIC_SENDER_NOTED)
		return ORIGIN_BIT(UNKNOWN);
	return origins | (noted & SENDER_ORIGINS);
}

static __always_inline void admit_client(struct __sk_buff *skb, const struct packet *p,
					 struct client *client)
{
	struct plic_sender_key key;

	sender_key(skb, p, &key);
	__builtin_memcpy(client->address, key.remote, sizeof(client->address));
	client->origins = skb->ifindex == LOOPBACK_IFINDEX ? origin_on_lo(skb, p, &key)
							   : origin_of_address(client->address);
	if (plic_dry_origins)
		client->origins = plic_dry_origins;
}

/* Has a datagram's sender been admitted before? */
static __always_inline bool is_client(struct __sk_buff *skb, const struct packet *p)
{
	struct plic_flow_key key;

	flow_key(skb, p, true, &key);
	return bpf_map_lookup_elem(&plic_clients, &key);
}

/*
 * packed: packet_pack(); ports: source << 16 | destination; by_socket: as for decide_client(). The grants that
 * admit it, a bit each, with the flags of limits() if there are any, or enum plic_reason << ADMIT_REASON.
 */
#define ADMIT_REASON 16
PLIC_FUNC int admit(struct __sk_buff *skb, __u64 packed, __u32 ports, __u32 by_socket, __u64 now)
{
	struct decision d = {};
	struct client client;
	struct packet p;
	__u32 fresh;

	packet_unpack(&p, packed);
	p.sport = ports >> 16;
	p.dport = ports & 0xffff;
	if (!decide_rule(&d, gate_set(), p.proto, p.dport, now))
		return d.reason << ADMIT_REASON;
	admit_client(skb, &p, &client);
	decide_client(&d, &client, by_socket, now);
	if (!d.grants || !(d.rule->flags & PLIC_RULE_LIMITS))
		return d.grants ?: d.reason << ADMIT_REASON;
	fresh = p.proto == IPPROTO_TCP || !is_client(skb, &p) ? LIMITS_FRESH : 0;
	return d.grants | LIMITS_GIVEN | fresh;
}

/*
 * Remembers who spoke first to a UDP or SCTP port, so that egress takes what the server sends for an answer. A
 * new flow (1) to a port with a slot is counted by where it came from.
 */
PLIC_FUNC int arrive(struct __sk_buff *skb, __u64 packed, __u32 ports, __u32 slot, __u64 now)
{
	struct plic_sender_key key;
	struct plic_flow_key flow;
	struct packet p;

	packet_unpack(&p, packed);
	p.sport = ports >> 16;
	p.dport = ports & 0xffff;
	flow_key(skb, &p, true, &flow);
	if (!flow_touch(&plic_clients, &flow, now))
		return 0;
	if (slot == PLIC_SLOT_OTHER)
		return 1;
	sender_key(skb, &p, &key);
	arrival_count(plic_gate_id, slot,
		      skb->ifindex == LOOPBACK_IFINDEX ? origin_on_lo(skb, &p, &key)
						       : origin_of_address((__u32 *)key.remote),
		      now);
	return 1;
}

#endif
