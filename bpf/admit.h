/* SPDX-License-Identifier: MIT */
/* admit.h - a new flow that the times of its rule admit: does the rule take this client? For wire. */
#ifndef PORTLIC_BPF_ADMIT_H
#define PORTLIC_BPF_ADMIT_H

#include "decide.h"
#include "limits.h"
#include "mark.h"
#include "parse.h"
#include "sender.h"

static __always_inline void admit_client(struct __sk_buff *skb, const struct packet *p,
					 struct client *client)
{
	struct plic_sender_key key;

	sender_key(skb, p, &key);
	__builtin_memcpy(client->address, key.remote, sizeof(client->address));
	client->origins = skb->ifindex == LOOPBACK_IFINDEX ? origin_of_sender(&key)
							   : origin_of_address(client->address);
	if (plic_dry_origins)
		client->origins = plic_dry_origins;
}

/* The grants that admit the client, a bit each. No branch on them: the verifier would tell all sets apart. */
static __always_inline __u32 admit_grants(const struct plic_rule *rule, const struct client *client,
					  __u64 now)
{
	__u32 grants = 0;

	for (int i = 0; i < PLIC_MAX_GRANTS && i < rule->n_grants; i++)
		if (grant_admits(&rule->grants[i], now) &&
		    !grant_refuses(&rule->grants[i], client, now))
			grants |= 1U << i;
	return grants;
}

/* Has a datagram's sender been admitted before? */
static __always_inline bool is_client(struct __sk_buff *skb, const struct packet *p)
{
	struct plic_flow_key key;

	flow_key(skb, p, true, &key);
	return bpf_map_lookup_elem(&plic_clients, &key);
}

/*
 * packed: packet_pack(); ports: source << 16 | destination. 0, or what to ask limits() with; or enum
 * plic_reason << ADMIT_REASON.
 */
#define ADMIT_REASON 16
PLIC_FUNC int admit(struct __sk_buff *skb, __u64 packed, __u32 ports, __u64 now)
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
	decide_client(&d, &client, skb->ifindex == LOOPBACK_IFINDEX, now);
	if (d.verdict != PLIC_ALLOWED)
		return d.reason << ADMIT_REASON;
	if (!(d.rule->flags & PLIC_RULE_LIMITS))
		return 0;
	fresh = p.proto == IPPROTO_TCP || !is_client(skb, &p) ? LIMITS_FRESH : 0;
	return admit_grants(d.rule, &client, now) | LIMITS_GIVEN | fresh;
}

#endif
