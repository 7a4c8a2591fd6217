/* SPDX-License-Identifier: MIT */
/*
 * flow.h - who spoke first: the pod's own flows (plic_flows) and the peers of its UDP and SCTP ports
 * (plic_clients), and which TCP connections the pod opened (plic_marks).
 */
#ifndef PORTLIC_BPF_FLOW_H
#define PORTLIC_BPF_FLOW_H

#include <stddef.h>

#include "clock.h"
#include "mapped.h"
#include "maps.h"
#include "parse.h"

#define FLOW_REFRESH_NS NSEC_PER_SEC /* a flow's time is written no more often */

/* Both addresses of a packet, IPv4 mapped. */
static __always_inline void packet_addresses(struct __sk_buff *skb, const struct packet *p,
					     __u8 source[16], __u8 destination[16])
{
	if (p->family == 4) {
		__be32 addresses[2] = {};

		bpf_skb_load_bytes(skb, p->l3 + offsetof(struct iphdr, saddr), addresses,
				   sizeof(addresses));
		map_ipv4(source, addresses[0]);
		map_ipv4(destination, addresses[1]);
	} else {
		bpf_skb_load_bytes(skb, p->l3 + offsetof(struct ipv6hdr, saddr), source, 16);
		bpf_skb_load_bytes(skb, p->l3 + offsetof(struct ipv6hdr, daddr), destination, 16);
	}
}

/* Key of a packet; the remote end is its source (incoming) or its destination. */
static __always_inline void flow_key(struct __sk_buff *skb, const struct packet *p, bool incoming,
				     struct plic_flow_key *key)
{
	*key = (struct plic_flow_key){
		.remote_port = incoming ? p->sport : p->dport,
		.local_port = incoming ? p->dport : p->sport,
		.proto = p->proto,
	};
	if (p->family == 4) {
		__be32 address = 0;

		bpf_skb_load_bytes(skb,
				   p->l3 + (incoming ? offsetof(struct iphdr, saddr)
						     : offsetof(struct iphdr, daddr)),
				   &address, sizeof(address));
		map_ipv4(key->remote, address);
	} else {
		bpf_skb_load_bytes(skb,
				   p->l3 + (incoming ? offsetof(struct ipv6hdr, saddr)
						     : offsetof(struct ipv6hdr, daddr)),
				   key->remote, sizeof(key->remote));
	}
}

/* The same for an incoming packet out of the linear part: parse_fast() has read it. */
static __always_inline bool flow_key_fast(struct __sk_buff *skb, const struct packet *p,
					  struct plic_flow_key *key)
{
	void *l3 = (void *)(long)skb->data + ETH_HLEN, *end = (void *)(long)skb->data_end;

	*key = (struct plic_flow_key){
		.remote_port = p->sport, .local_port = p->dport, .proto = p->proto};
	if (p->family == 4) {
		struct iphdr *ip = l3;

		if (l3 + sizeof(*ip) > end)
			return false;
		map_ipv4(key->remote, ip->saddr);
	} else {
		struct ipv6hdr *ip = l3;

		if (l3 + sizeof(*ip) > end)
			return false;
		__builtin_memcpy(key->remote, &ip->saddr, sizeof(key->remote));
	}
	return true;
}

static __always_inline void flow_any_remote(struct plic_flow_key *key)
{
	__builtin_memset(key->remote, 0, sizeof(key->remote));
	key->remote_port = 0;
}

/* No remote end has this address and this port; who claims to must not pass for `any remote`. */
static __always_inline bool flow_is_any(const struct plic_flow_key *key)
{
	const __u32 *words = (const __u32 *)key->remote;

	return !key->remote_port && !(words[0] | words[1] | words[2] | words[3]);
}

/* Added, not subtracted: another CPU's clock may be a jiffy ahead of this one's. */
static __always_inline bool flow_within(const struct plic_flow *flow, __u64 now, __u64 ns)
{
	return flow && now < flow->last_ns + ns;
}

static __always_inline bool flow_is_due(const struct plic_flow *flow, __u64 now)
{
	return now > flow->last_ns + FLOW_REFRESH_NS;
}

/*
 * Is it an answer to what the pod sent? Egress records nothing from a named port, so a flow from before
 * it was named soon ends: the peer could keep it up for ever, and with it a port that lapsed. Leaves key
 * turned into its any-remote form if it looked there.
 */
static __always_inline bool flow_is_own(struct plic_flow_key *key, bool named, __u64 now)
{
	struct plic_flow *flow = flow_is_any(key) ? NULL : bpf_map_lookup_elem(&plic_flows, key);

	if (flow_within(flow, now, named ? PLIC_FLOW_NAMED_NS : PLIC_FLOW_IDLE_NS)) {
		if (!named && flow_is_due(flow, now) && !plic_dry_run)
			flow->last_ns = now;
		return true;
	}
	flow_any_remote(key);
	return flow_within(bpf_map_lookup_elem(&plic_flows, key), now, PLIC_ANY_REMOTE_NS);
}

/* Writes the flow or brings its time up. True: it was not there. */
static __always_inline bool flow_touch(void *map, const struct plic_flow_key *key, __u64 now)
{
	struct plic_flow *flow = bpf_map_lookup_elem(map, key);
	struct plic_flow fresh = {.last_ns = now};

	if (plic_dry_run)
		return !flow;
	if (!flow)
		return bpf_map_update_elem(map, key, &fresh, BPF_NOEXIST) == 0;
	if (flow_is_due(flow, now))
		flow->last_ns = now;
	return false;
}

/* The pod sent this. Counted, for the table is an LRU, which doesn't tell what it throws out. */
static __always_inline void flow_enter(const struct plic_flow_key *key, __u64 now)
{
	__u32 kernel = PLIC_FLOWED_KERNEL;
	__u64 *entered;

	if (!flow_touch(&plic_flows, key, now))
		return;
	entered = bpf_map_lookup_elem(&plic_flowed, &kernel);
	if (entered)
		++*entered;
}

#endif
