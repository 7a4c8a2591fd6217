/* SPDX-License-Identifier: MIT */
/* sender.h - who sends on lo (plic_senders): egress sees the sender's cgroup, which ingress doesn't. */
#ifndef PORTLIC_BPF_SENDER_H
#define PORTLIC_BPF_SENDER_H

#include "cgroup.h"
#include "flow.h"
#include "mark.h"
#include "parse.h"
#include "source.h"

#define LOOPBACK_IFINDEX 1    /* in every namespace */
#define SENDER_ORIGINS 0xffff /* of skb->cb[0], beside PLIC_SENDER_NOTED */

/* Key of a packet as it goes, the same on its way out and in. */
static __always_inline void sender_key(struct __sk_buff *skb, const struct packet *p,
				       struct plic_sender_key *key)
{
	*key = (struct plic_sender_key){.remote_port = p->sport,
					.local_port = p->dport,
					.gate = plic_gate_id,
					.proto = p->proto};
	packet_addresses(skb, p, key->remote, key->local);
}

/* The deepest cgroup that user space knows, of the sender's and those above it. */
static __always_inline const struct plic_cgroup *find_cgroup(struct __sk_buff *skb, __u64 *id)
{
	const struct plic_cgroup *cgroup = NULL;

	*id = bpf_skb_cgroup_id(skb);
	if (*id)
		cgroup = bpf_map_lookup_elem(&plic_cgroups, id);
	for (int level = PLIC_CGROUP_LEVELS; !cgroup && level > 0; level--) {
		*id = bpf_skb_ancestor_cgroup_id(skb, level);
		if (*id)
			cgroup = cgroup_of_ancestor(*id);
	}
	return cgroup;
}

/* Mask of origins. Whether it is the container that listens only user space knows, and maybe not yet. */
static __always_inline __u32 sender_origins(struct __sk_buff *skb, const struct packet *p)
{
	struct plic_owner_key key = {.gate = plic_gate_id, .port = p->dport, .proto = p->proto};
	const struct plic_cgroup *cgroup;
	__u64 id, *owner;

	cgroup = find_cgroup(skb, &id);
	if (!cgroup) {
		cgroup_stranger(plic_gate_id);
		return ORIGIN_BIT(UNKNOWN);
	}
	if (cgroup->origin != PLIC_ORIGIN_SIBLING)
		return 1U << (cgroup->origin & 7);
	if (cgroup->gate != plic_gate_id) /* of another pod, in this one's namespace */
		return ORIGIN_BIT(UNKNOWN);
	owner = bpf_map_lookup_elem(&plic_owners, &key);
	if (!owner)
		return ORIGIN_BIT(SAME_CONTAINER) | ORIGIN_BIT(SIBLING);
	return *owner == id ? ORIGIN_BIT(SAME_CONTAINER) : ORIGIN_BIT(SIBLING);
}

/*
 * Writes down who sends this packet, which may open a flow. For egress on lo. What was written of an
 * earlier packet doesn't do: user space may have come to know the cgroup, and the port another owner.
 */
static __always_inline void sender_note(struct __sk_buff *skb, const struct packet *p)
{
	struct plic_sender sender = {.cgroup = bpf_skb_cgroup_id(skb)}, *known;
	struct plic_sender_key key;

	sender_key(skb, p, &key);
	sender.origins = sender_origins(skb, p);
	known = bpf_map_lookup_elem(&plic_senders, &key);
	if (!known || known->cgroup != sender.cgroup || known->origins != sender.origins)
		bpf_map_update_elem(&plic_senders, &key, &sender, BPF_ANY);
	skb->cb[0] = PLIC_SENDER_NOTED | (sender.origins & SENDER_ORIGINS);
}

#endif
