/* SPDX-License-Identifier: MIT */
/*
 * quota.h - connections and bytes of a limit in windows of time (plic_quotas). For limits.h, which
 * charges bytes and what has no handshake, and charge.h, which charges the connections of TCP.
 */
#ifndef PORTLIC_BPF_QUOTA_H
#define PORTLIC_BPF_QUOTA_H

#include <stdbool.h>

#include "decide.h"

/* A port of a gate, and what a flow or a packet takes there. */
struct charge {
	__u32 gate, port, proto;
	__u32 connections, bytes;
	bool opens; /* it is to be a connection: one that stands is held to the bytes alone */
	__u64 now;
};

/* The policy's own limit lies in the cell behind those of the grants. */
static __always_inline const struct plic_limit *find_limits(void *set, const struct decision *d,
							    bool policy)
{
	struct plic_cell *cell = set_cell(set, d->cell + 1 + policy);

	return cell ? cell->limits : NULL;
}

static const struct plic_quota quota_none; /* not on the stack, which has no room */

static __always_inline __u64 quota_window(const struct plic_limit *l, __u64 now)
{
	return (now - l->start_ns) / l->window_ns;
}

/*
 * The entry, in the window of now or a later one: another CPU's clock may be a jiffy ahead. Two CPUs that
 * open a window at the same moment may lose what one of them charged in between. NULL: no room.
 */
static __always_inline struct plic_quota *quota_now(const struct plic_limit *l,
						    const struct charge *c)
{
	bool whole = l->flags & PLIC_LIMIT_QUOTA_LINE;
	struct plic_usage_key key = {
		.line = l->line ^ l->window_ns,
		.owner = l->flags & PLIC_LIMIT_QUOTA_NODE ? PLIC_NODE_WIDE : c->gate,
		.port = whole ? 0 : c->port,
		.proto = whole ? 0 : c->proto,
	};
	__u64 window = quota_window(l, c->now);
	struct plic_quota *q = bpf_map_lookup_elem(&plic_quotas, &key);

	if (plic_dry_run)
		return q;
	if (!q) {
		bpf_map_update_elem(&plic_quotas, &key, &quota_none, BPF_NOEXIST);
		q = bpf_map_lookup_elem(&plic_quotas, &key);
		if (!q)
			return NULL;
	}
	if (q->window < window) {
		if (q->window + 1 < window)
			q->connections[~window & 1] = q->bytes[~window & 1] = 0;
		q->connections[window & 1] = q->bytes[window & 1] = 0;
		q->ends_ns = l->start_ns + (window + 1) * l->window_ns;
		q->window = window;
	}
	return q;
}

/* Where window's counts are: in an entry that is more than one ahead, in its own. */
static __always_inline __u32 quota_slot(const struct plic_quota *q, __u64 window)
{
	return (window + 1 < q->window ? q->window : window) & 1;
}

/* An entry and where in it to count. */
struct quota_place {
	struct plic_quota *quota; /* NULL: no quota */
	__u32 slot;
};

static __always_inline bool quota_is_over(const struct plic_limit *l, const struct charge *c,
					  const struct quota_place *place)
{
	const struct plic_quota *q = place->quota;
	__u32 slot = place->slot & 1;

	return (c->opens && l->quota_connections && q->connections[slot] >= l->quota_connections) ||
	       (l->quota_bytes && q->bytes[slot] >= l->quota_bytes);
}

/*
 * over: takes one that is over its quota, too, if that only reports. PLIC_REASON_NONE, QUOTA, or
 * STATE_LOST: there is no room to count.
 */
static __always_inline __u32 quota_refuses(const struct plic_limit *l, const struct charge *c,
					   bool over, struct quota_place *place)
{
	*place = (struct quota_place){};
	if (!l->window_ns)
		return PLIC_REASON_NONE;
	place->quota = quota_now(l, c);
	if (plic_dry_run && (!place->quota || place->quota->window < quota_window(l, c->now)))
		return PLIC_REASON_NONE; /* nothing is used of this window */
	if (!place->quota)
		return PLIC_REASON_STATE_LOST;
	place->slot = quota_slot(place->quota, quota_window(l, c->now));
	if (quota_is_over(l, c, place) && (!over || l->flags & PLIC_LIMIT_BLOCK))
		return PLIC_REASON_QUOTA;
	return PLIC_REASON_NONE;
}

static __always_inline void quota_charge(const struct quota_place *place, const struct charge *c)
{
	struct plic_quota *q = place->quota;

	if (q && c->connections)
		__sync_fetch_and_add(&q->connections[place->slot & 1], c->connections);
	if (q && c->bytes)
		__sync_fetch_and_add(&q->bytes[place->slot & 1], c->bytes);
}

#endif
