/* SPDX-License-Identifier: MIT */
/* peer.h - who connected to the ports of all gates of the node (plic_peers). */
#ifndef PORTLIC_BPF_PEER_H
#define PORTLIC_BPF_PEER_H

#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PLIC_MAX_PEERS);
	__type(key, struct plic_peer_key);
	__type(value, struct plic_peer);
} plic_peers __weak SEC(".maps");

static __always_inline void peer_count(const struct plic_peer_key *key, __u64 now)
{
	struct plic_peer fresh = {.last_ns = now, .connections = 1};
	struct plic_peer *peer = bpf_map_lookup_elem(&plic_peers, key);

	if (!peer) {
		bpf_map_update_elem(&plic_peers, key, &fresh, BPF_NOEXIST);
		return;
	}
	__sync_fetch_and_add(&peer->connections, 1);
	peer->last_ns = now;
}

#endif
