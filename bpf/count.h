/* SPDX-License-Identifier: MIT */
/*
 * count.h - counters. Allowed traffic goes to this CPU's lane with plain adds; denials go to a
 * bounded hash, with atomic ones, in which a port scan finds little room.
 */
#ifndef PORTLIC_BPF_COUNT_H
#define PORTLIC_BPF_COUNT_H

#include <stdbool.h>

#include "clock.h"
#include "maps.h"

static __always_inline struct plic_traffic *traffic_lane(__u32 gate, __u32 slot)
{
	__u32 lane = slot * (plic_n_cpus + 1) + bpf_get_smp_processor_id();
	void *traffic = bpf_map_lookup_elem(&plic_traffic, &gate);

	/* Missing counters never decide anything: the packet goes uncounted. */
	return traffic ? bpf_map_lookup_elem(traffic, &lane) : NULL;
}

static __always_inline void count_allowed(__u32 gate, __u32 slot, __u32 packets, __u32 bytes,
					  __u32 connections, __u64 now)
{
	struct plic_traffic *t = traffic_lane(gate, slot);

	if (!t)
		return;
	t->packets += packets;
	t->bytes += bytes;
	if (connections) /* those of TCP are the ledger's, which wire may have interrupted */
		t->connections += connections;
	t->last_ns = now;
}

/* A TCP connection that was let in. Atomic: who counts packets can interrupt us, and leaves these alone. */
static __always_inline void count_connection(__u32 gate, __u32 slot, __u64 now)
{
	struct plic_traffic *t = traffic_lane(gate, slot);

	if (!t)
		return;
	__sync_fetch_and_add(&t->connections, 1);
	t->last_ns = now;
}

#ifndef PORTLIC_LEDGER
/* A token of interval_ns from a bucket that holds burst of them. */
static __always_inline bool take_token(__u64 *paid_ns, __u64 now, __u64 interval_ns, __u64 burst)
{
	__u64 full = burst * interval_ns;
	__u64 at = *paid_ns;

	if (now > full && at < now - full)
		at = now - full;
	if (at + interval_ns > now)
		return false;
	*paid_ns = at + interval_ns;
	return true;
}

static __always_inline struct plic_budget *budget(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&plic_budget, &zero);
}

/* Of this jiffy, or the one that has just ended: by then the packet is through, and the next one has its own. */
static __always_inline __u64 note_of(__u32 proto, __u32 port)
{
	return bpf_jiffies64() << 24 | proto << 16 | port;
}

static __always_inline void note(struct plic_budget *b, __u32 proto, __u32 port)
{
	b->notes[port % PLIC_NOTES] = note_of(proto, port);
}

static __always_inline bool is_noted(const struct plic_budget *b, __u32 proto, __u32 port)
{
	__u64 age = note_of(proto, port) - b->notes[port % PLIC_NOTES];

	return age == 0 || age == 1 << 24;
}

/* Between the two programs a hypervisor may take the CPU away. */
#define OPENED_JIFFIES 16

/*
 * The port that a client named, for the socket program, which sees the port that NAT inside the pod made of
 * it. NAT may change the client's address, hardly ever its port. In a row, for the stack may bring several
 * packets past wire before it delivers the first one.
 */
PLIC_FUNC int opened_note(__u32 remote_port, __u32 port)
{
	struct plic_budget *b = budget();

	if (b)
		b->opened[b->n_opened++ % PLIC_NOTES] =
			bpf_jiffies64() << 32 | (remote_port & 0xffff) << 16 | (port & 0xffff);
	return 0;
}

/* 0: wire let no such packet in just now. */
PLIC_FUNC int opened_port(__u32 remote_port)
{
	struct plic_budget *b = budget();
	__u32 now = bpf_jiffies64();

	for (__u32 i = 1; b && i <= PLIC_NOTES; i++) {
		__u64 note = b->opened[(b->n_opened - i) % PLIC_NOTES];

		if (now - (__u32)(note >> 32) > OPENED_JIFFIES)
			break;
		if ((note >> 16 & 0xffff) == (remote_port & 0xffff))
			return note & 0xffff;
	}
	return 0;
}

static __always_inline struct plic_denial *denial(const struct plic_denial_key *key)
{
	struct plic_denial none = {};
	struct plic_denial *d = bpf_map_lookup_elem(&plic_denials, key);

	if (d)
		return d;
	bpf_map_update_elem(&plic_denials, key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&plic_denials, key);
}

/*
 * A counter for an unnamed port. New ones are admitted slowly and only once `other` stands beside
 * them, so that a full table still has a place for the rest.
 */
static __always_inline struct plic_denial *denial_of_port(struct plic_denial_key *key, __u64 now)
{
	struct plic_denial *d = bpf_map_lookup_elem(&plic_denials, key);
	struct plic_denial *other;
	struct plic_budget *b = budget();
	__u16 port = key->port;

	if (d)
		return d;
	key->port = 0;
	other = denial(key);
	if (!other || !b ||
	    !take_token(&b->ports_ns, now, NSEC_PER_SEC / PLIC_DENIAL_PORTS_PER_S,
			PLIC_DENIAL_PORTS_BURST))
		return other;
	key->port = port;
	return denial(key) ?: other;
}

union denial_name {
	struct plic_denial_key key;
	__u64 number;
};

/* name: a denial_name. Slot PLIC_SLOT_OTHER: its port is the port; else the slot says which. */
PLIC_FUNC int count_denied(__u64 name, __u32 packets, __u32 bytes, __u32 connections, __u64 now)
{
	union denial_name n = {.number = name};
	struct plic_denial *d;

	if (n.key.slot != PLIC_SLOT_OTHER)
		n.key.port = 0;
	d = n.key.port ? denial_of_port(&n.key, now) : denial(&n.key);
	if (!d)
		return 0;
	__sync_fetch_and_add(&d->packets, packets);
	__sync_fetch_and_add(&d->bytes, bytes);
	__sync_fetch_and_add(&d->connections, connections);
	d->last_ns = now;
	return 0;
}
#endif

#endif
