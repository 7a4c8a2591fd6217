/* SPDX-License-Identifier: MIT */
/* portless.h - the verdict of a packet without ports. */
#ifndef PORTLIC_BPF_PORTLESS_H
#define PORTLIC_BPF_PORTLESS_H

#include "decide.h"
#include "parse.h"

/* Malformed, a short fragment, a protocol that nobody opened. */
static __always_inline void judge_portless(const struct packet *p, struct decision *d, __u64 now)
{
	void *set = gate_set();
	const struct plic_header *header = set ? header_now(set, now) : NULL;

	*d = (struct decision){.verdict = PLIC_DENIED, .reason = PLIC_REASON_STATE_LOST};
	if (!header)
		return;
	d->reason = p->reason;
	if (p->kind == PACKET_NO_PORTS && header->ip_open[p->proto / 8 & 31] & 1 << p->proto % 8)
		d->verdict = PLIC_ALLOWED;
	else
		d->verdict = verdict_in_mode(header->mode);
}

#endif
