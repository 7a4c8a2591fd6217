/* SPDX-License-Identifier: MIT */
/* sent.h - remembers a UDP or SCTP packet that goes out, so that its answer is known for one. */
#ifndef PORTLIC_BPF_SENT_H
#define PORTLIC_BPF_SENT_H

#include "decide.h"
#include "flow.h"

/* An address of a group or of everybody, as far as the address itself tells. */
static __always_inline bool is_group(const struct plic_flow_key *key)
{
	if (*(const __u32 *)(key->remote + 8) != bpf_htonl(0xffff)) /* not IPv4 mapped */
		return key->remote[0] == 0xff;
	return (key->remote[12] & 0xf0) == 0xe0 || *(const __u32 *)(key->remote + 12) == 0xffffffff;
}

/* From a port without a rule. group: any may answer. Leaves key in its any-remote form then. */
static __always_inline void sent_note(struct plic_flow_key *key, bool group)
{
	const struct plic_flow *flow;
	__u64 now = clock_now();

	if (group) {
		flow_any_remote(key);
		flow_enter(key, now);
		return;
	}
	flow = bpf_map_lookup_elem(&plic_flows, key);
	/* One that has ended begins anew: by now it may be the peer who opens it. */
	if (flow_within(flow, now, PLIC_FLOW_IDLE_NS)
		    ? flow_is_due(flow, now)
		    : !flow_within(bpf_map_lookup_elem(&plic_clients, key), now, PLIC_CLIENT_NS))
		flow_enter(key, now);
}

#endif
