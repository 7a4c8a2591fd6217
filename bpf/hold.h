/* SPDX-License-Identifier: MIT */
/* hold.h - holds what a rule admits to its limits. For wire and host. */
#ifndef PORTLIC_BPF_HOLD_H
#define PORTLIC_BPF_HOLD_H

#include "decide.h"
#include "hello.h"
#include "limits.h"
#include "parse.h"
#include "stand.h"

/*
 * enum plic_reason. A SYN on the ports of a connection that stands is nothing to the stack, and must not make
 * the connection's first bytes look like later ones.
 */
static __always_inline __u32 hold_hello(struct __sk_buff *skb, __u64 packed, __u32 ports,
					__u32 flags)
{
	__u32 found = hello(skb, packed, ports, flags), state;

	if (found != HELLO_KNOWN)
		return found;
	state = socket_state(skb, packed, ports);
	if (state && state != BPF_TCP_TIME_WAIT)
		return PLIC_REASON_NONE;
	return hello(skb, packed, ports, flags | HELLO_ANEW);
}

/* grants: as for limits(). The verdict so far is: allowed. */
static __always_inline void hold(struct __sk_buff *skb, const struct packet *p, struct decision *d,
				 __u32 grants, __u64 now)
{
	const struct plic_rule *rule = d->rule;
	__u64 packed = packet_pack(p);
	__u32 ports = p->sport << 16 | p->dport, found, plain = 0;

	if (rule->mode == PLIC_OFF)
		return;
	/* Most segments are good whoever demands it. */
	if (!grants && !(rule->flags & PLIC_RULE_QUOTA) &&
	    !hello(skb, packed, ports, HELLO_DEMANDED))
		return;
	found = limits(skb, packed, p->dport, grants, now);
	d->reason = found & 0xff;
	if (d->reason)
		d->verdict = found & LIMITS_REPORT ? PLIC_AUDIT : verdict_in_mode(rule->mode);
	if (p->proto == IPPROTO_TCP && rule->flags & PLIC_RULE_TLS && d->verdict != PLIC_DENIED)
		plain = hold_hello(skb, packed, ports, found & LIMITS_TLS ? HELLO_DEMANDED : 0);
	if (plain) {
		d->reason = plain;
		d->verdict = verdict_in_mode(rule->mode);
	}
}

#endif
