/* SPDX-License-Identifier: MIT */
/*
 * event.h - tells user space of a packet that was denied, or let through all the same (plic_events). Each
 * reason has a budget; what is over it, or finds the ring full, is only counted.
 */
#ifndef PORTLIC_BPF_EVENT_H
#define PORTLIC_BPF_EVENT_H

#include "count.h"
#include "decide.h"
#include "sender.h"

/* NULL: over its budget, or no room; counted. */
static __always_inline struct plic_event *event_begin(__u32 reason, __u64 now)
{
	struct plic_budget *b = budget();
	struct plic_event *event = NULL;

	if (!b)
		return NULL;
	if (take_token(&b->events_ns[reason % PLIC_EVENT_REASONS], now, PLIC_EVENT_INTERVAL_NS,
		       PLIC_EVENT_BURST))
		event = bpf_ringbuf_reserve(&plic_events, sizeof(*event), 0);
	if (!event) {
		b->events_lost++;
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = now;
	event->gate = plic_gate_id;
	event->reason = reason;
	return event;
}

/* Which rules they were, and whose license: the one that opened the port, or ended last. */
static __always_inline void event_rules(struct plic_event *event, __u32 proto, __u32 port,
					__u64 now)
{
	void *set = gate_set();
	struct plic_cell *header;
	struct decision d;

	if (!set)
		return;
	header = set_cell(set, PLIC_CELL_HEADER);
	if (header)
		event->generation = header->header.generation;
	if (decide_rule(&d, set, proto, port, now))
		event->license = d.rule->grants[0].license;
}

/* A TCP connection in audit is told of once, as it would have been denied, and not with each of its segments. */
static __always_inline bool event_is_due(const struct packet *p, const struct decision *d)
{
	return d->verdict != PLIC_AUDIT || p->kind != PACKET_PORTS || p->proto != IPPROTO_TCP ||
	       (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* packed: packet_pack(); ports: source << 16 | destination; said: hook << 16 | verdict << 8 | reason. */
PLIC_FUNC int event_of_packet(struct __sk_buff *skb, __u64 packed, __u32 ports, __u32 said,
			      __u64 now)
{
	struct plic_sender_key key;
	struct plic_sender *sender;
	struct plic_event *event;
	struct packet p;

	packet_unpack(&p, packed);
	p.sport = ports >> 16;
	p.dport = ports & 0xffff;
	event = event_begin(said & 0xff, now);
	if (!event)
		return 0;
	event->verdict = said >> 8 & 0xff;
	event->hook = said >> 16;
	event->ifindex = skb->ifindex;
	event->proto = p.proto;
	event->port = p.dport;
	if (event->hook == PLIC_HOOK_HOST)
		event->real_port = p.dport;
	event->remote_port = p.sport;
	event->tcp_flags = p.tcp_flags;
	if (p.family) {
		sender_key(skb, &p, &key);
		__builtin_memcpy(event->remote, key.remote, sizeof(event->remote));
		__builtin_memcpy(event->local, key.local, sizeof(event->local));
		if (skb->ifindex == LOOPBACK_IFINDEX) {
			sender = bpf_map_lookup_elem(&plic_senders, &key);
			event->cgroup = sender ? sender->cgroup : 0;
			event->origin = sender ? origin_of_mask(sender->origins) : 0;
		} else {
			event->origin = origin_of_mask(origin_of_address((__u32 *)key.remote));
		}
	}
	event_rules(event, p.proto, p.dport, now);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

#endif
