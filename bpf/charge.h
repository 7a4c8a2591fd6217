/* SPDX-License-Identifier: MIT */
/* charge.h - charges a TCP connection to a quota, once its handshake is done. For ledger and handshake. */
#ifndef PORTLIC_BPF_CHARGE_H
#define PORTLIC_BPF_CHARGE_H

#include "quota.h"

/*
 * Charges a connection to the grant that its SYN was admitted by, as far as times tell: the one that ends
 * first and isn't over its quota. False: its SYN was counted as over one that only reports.
 */
PLIC_FUNC int charge_quota(__u32 gate, __u32 port, __u64 now)
{
	void *set = bpf_map_lookup_elem(&plic_sets, &gate);
	struct quota_place place = {}, over = {};
	const struct charge c = {.gate = gate,
				 .port = port & 0xffff,
				 .proto = IPPROTO_TCP,
				 .connections = 1,
				 .opens = true,
				 .now = now};
	const struct plic_limit *limits;
	struct decision d = {};
	bool blocks = true;

	if (!decide_rule(&d, set, IPPROTO_TCP, c.port, now))
		return true;
	limits = find_limits(set, &d, false);
	if (!limits)
		return true;
	for (int i = PLIC_MAX_GRANTS - 1; i >= 0; i--) {
		const struct plic_limit *l = &limits[i];

		if (i >= d.rule->n_grants || !grant_admits(&d.rule->grants[i], now))
			continue;
		if (!quota_refuses(l, &c, false, &place)) {
			quota_charge(&place, &c);
			return true;
		}
		if (blocks) {
			over = place;
			blocks = l->flags & PLIC_LIMIT_BLOCK;
		}
	}
	quota_charge(&over, &c);
	return blocks;
}

#endif
