/* SPDX-License-Identifier: MIT */
/* mark.h - TCP connections that the pod opened from a port that has a rule (plic_marks). */
#ifndef PORTLIC_BPF_MARK_H
#define PORTLIC_BPF_MARK_H

#include <stddef.h>

#include "flow.h"
#include "maps.h"
#include "parse.h"

/* Key of a segment; the remote end is its source (incoming) or its destination. */
static __always_inline void mark_key(struct __sk_buff *skb, const struct packet *p, bool incoming,
				     struct plic_mark_key *key)
{
	__u8 *source = incoming ? key->remote : key->local;
	__u8 *destination = incoming ? key->local : key->remote;

	*key = (struct plic_mark_key){
		.remote_port = incoming ? p->sport : p->dport,
		.local_port = incoming ? p->dport : p->sport,
	};
	packet_addresses(skb, p, source, destination);
}

/* The tuple of what the other end sends, for a look-up of the socket that takes it. Its length. */
static __always_inline __u32 mark_tuple(const struct packet *p, const struct plic_mark_key *key,
					struct bpf_sock_tuple *tuple)
{
	if (p->family == 4) {
		__builtin_memcpy(&tuple->ipv4.saddr, key->remote + 12, 4);
		__builtin_memcpy(&tuple->ipv4.daddr, key->local + 12, 4);
		tuple->ipv4.sport = bpf_htons(key->remote_port);
		tuple->ipv4.dport = bpf_htons(key->local_port);
		return sizeof(tuple->ipv4);
	}
	__builtin_memcpy(tuple->ipv6.saddr, key->remote, 16);
	__builtin_memcpy(tuple->ipv6.daddr, key->local, 16);
	tuple->ipv6.sport = bpf_htons(key->remote_port);
	tuple->ipv6.dport = bpf_htons(key->local_port);
	return sizeof(tuple->ipv6);
}

/*
 * Is there a marker for this incoming segment? Takes it away if told so. packed: packet_pack(). For wire
 * alone, whose stack has no room for a key.
 */
PLIC_FUNC int mark_found(struct __sk_buff *skb, __u64 packed, __u32 sport, __u32 dport, int take)
{
	struct plic_mark_key key;
	struct packet p;

	packet_unpack(&p, packed);
	p.sport = sport;
	p.dport = dport;
	mark_key(skb, &p, true, &key);
	if (take && !plic_dry_run)
		return bpf_map_delete_elem(&plic_marks, &key) == 0;
	return bpf_map_lookup_elem(&plic_marks, &key) != NULL;
}

#endif
