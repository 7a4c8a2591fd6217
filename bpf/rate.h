/* SPDX-License-Identifier: MIT */
/* rate.h - new flows in a time: GCRA, a bucket for each limit and port (plic_rates). For wire and host. */
#ifndef PORTLIC_BPF_RATE_H
#define PORTLIC_BPF_RATE_H

#include "quota.h"

/* Full when it comes. NULL: no room. */
static __always_inline struct plic_rate *rate_of(const struct plic_limit *l, const struct charge *c,
						 __u64 now)
{
	struct plic_usage_key key = {
		.line = l->line, .owner = c->gate, .port = c->port, .proto = c->proto};
	struct plic_rate *r = bpf_map_lookup_elem(&plic_rates, &key);
	struct plic_rate fresh = {.paid_ns = now - l->burst * l->interval_ns};

	if (r || plic_dry_run)
		return r;
	bpf_map_update_elem(&plic_rates, &key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&plic_rates, &key);
}

/* Differences, for the time that a bucket is paid up to may lie before the boot. */
static __always_inline bool rate_is_spent(const struct plic_rate *r, const struct plic_limit *l,
					  __u64 now)
{
	return (__s64)(now - *(volatile const __u64 *)&r->paid_ns) < (__s64)l->interval_ns;
}

/*
 * Takes a connection from the bucket, or (take false) only looks whether there is one. A spent one denies
 * without the lock, so that CPUs don't contend for it in a flood. The clock is exact, for a jiffy may be
 * worth many connections.
 */
static __always_inline __u32 rate_refuses(const struct plic_limit *l, const struct charge *c,
					  bool take)
{
	__s64 full = l->burst * l->interval_ns, interval = l->interval_ns;
	struct plic_rate *r;
	__u64 now;
	bool paid;

	if (!interval)
		return PLIC_REASON_NONE;
	now = plic_dry_run ? c->now : bpf_ktime_get_boot_ns();
	r = rate_of(l, c, now);
	if (!r)
		return plic_dry_run ? PLIC_REASON_NONE : PLIC_REASON_STATE_LOST;
	if (rate_is_spent(r, l, now))
		return PLIC_REASON_RATE;
	if (!take)
		return PLIC_REASON_NONE;
	bpf_spin_lock(&r->lock);
	if ((__s64)(now - r->paid_ns) > full)
		r->paid_ns = now - full;
	paid = (__s64)(now - r->paid_ns) >= interval;
	if (paid)
		r->paid_ns += interval;
	bpf_spin_unlock(&r->lock);
	return paid ? PLIC_REASON_NONE : PLIC_REASON_RATE;
}

#endif
