/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the boot clock at the price of an array lookup.
 *
 * bpf_ktime_get_boot_ns() costs more than the rest of a verdict, so each CPU reads it once a jiffy
 * (1 to 10 ms): a deadline is late by at most that. jiffies alone would not count a suspend.
 */
#ifndef PORTLIC_BPF_CLOCK_H
#define PORTLIC_BPF_CLOCK_H

#include "maps.h"

#define NSEC_PER_SEC 1000000000ULL

static __always_inline __u64 clock_now(void)
{
	__u32 zero = 0;
	struct plic_tick *tick = bpf_map_lookup_elem(&plic_clock, &zero);
	__u64 jiffies = bpf_jiffies64();

	if (plic_dry_run)
		return plic_dry_now_ns;
	if (!tick)
		return PLIC_NEVER; /* can't be; after every deadline, so that nothing is open */
	if (tick->jiffies != jiffies) {
		/* This order: who interrupts us here must not trust an old boot_ns. */
		tick->boot_ns = bpf_ktime_get_boot_ns();
		tick->jiffies = jiffies;
	}
	return tick->boot_ns;
}

#endif
