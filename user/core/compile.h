/* SPDX-License-Identifier: MIT */
/*
 * compile.h - licenses in force + policy + what has just gone away -> the rule set of one gate. Pure.
 */
#ifndef PORTLIC_COMPILE_H
#define PORTLIC_COMPILE_H

#include "lifecycle.h"
#include "policy.h"
#include "ruleset.h"

/*
 * A port entry that left the set, kept until its established flows are cut. Past cut_at_ns it still
 * cuts what wakes up, so it may be kept as long as flows could stand.
 */
struct tombstone {
	__u16 port, end_port;
	__u8 ip_proto;
	__u8 reason; /* enum plic_reason: WITHDRAWN, REVOKED, UNLICENSED (stood when the gate came) */
	__u64 cut_at_ns;     /* boot clock */
	__u64 kept_until_ns; /* boot clock; the graveyard's, nothing to the compiler */
};
#define TOMBSTONE_DRAIN_NS (LICENSE_DRAIN_S * 1000000000ULL)

/* Maps wall time to the boot clock: boot_ns = (t - wall_s) * 1e9 + boot_ns, saturating at both ends. */
struct time_base {
	__s64 wall_s;  /* effective time, seconds since 1970 UTC ... */
	__u64 boot_ns; /* ... at this moment of the boot clock */
};
__u64 time_base_boot_ns(const struct time_base *base, __s64 t);

/* What holds before until_ns in place of what a compile_input says: other licenses, policy or mode. */
struct compile_interim {
	__u64 until_ns; /* boot clock, > 0 */
	const struct license_view *views;
	size_t n_views;
	const struct policy *policy;
	const enum plic_mode *policy_mode;
	int mode;
	struct time_base base; /* a rehearsal's clock is ahead of that of the gate */
	__u32 first_license;   /* index 0 + first_license is plic_grant.license */
};

struct compile_input {
	const struct license_view
		*views; /* licenses of the node; index + 1 is plic_grant.license */
	size_t n_views;
	const struct policy *policy;	   /* NULL: enforce, refuse, licenses alone */
	const enum plic_mode *policy_mode; /* in the place of the policy's, NULL: that one */
	int mode;			   /* enum plic_mode set by `gate set`; -1: the policy's */
	const struct tombstone *tombstones;
	size_t n_tombstones;
	const struct plic_slot *slots; /* as they are now: stable as long as the gate lives */
	size_t n_slots;		       /* >= 1, slots[0] is `other` */
	struct time_base base;
	const struct time_base *windows; /* of quotas; NULL: base */
	bool borrows; /* seats of scope cluster: as many as the node has of them (PLIC_LIMIT_SEATS_SHARE) */
	__u64 generation;
	const struct compile_interim *interim; /* NULL: none */
	/* Of the gate's pod; NULL: none, and then a "from" admits no pods of the gate's own namespace. */
	const char *namespace;
	/*
	 * TCP ports, each once: where the kubelet's probes get in, whatever is licensed, unless a policy says no
	 * (`probes`). Nobody else gets in by that.
	 */
	const uint16_t *probes;
	size_t n_probes;
};

/* One line of the port list: what stands behind a counter slot in this generation. */
struct compiled_port {
	__u16 port, end_port;
	__u8 ip_proto;
	__u16 slot;
	char name[64];
	bool open;   /* an `open` of the policy */
	bool probed; /* the kubelet's probes get in (PLIC_RULE_PROBE), or do so in the interim */
	struct plic_rule rule;	   /* grants[0].license names the license shown with it */
	struct rule_limits limits; /* with PLIC_RULE_LIMITS, else zero */
	bool has_interim;	   /* before until_ns of the whole: */
	struct plic_rule interim;  /* in its place */
	struct rule_limits interim_limits;
};

struct compiled {
	struct ruleset set;
	struct plic_slot *slots; /* input slots, and new ones behind them */
	size_t n_slots;
	struct compiled_port *ports; /* sorted by protocol, port */
	size_t n_ports;
	__u64 until_ns; /* of the interim, 0: none */
};

/* The rule of a port at a moment of the boot clock. */
static inline const struct plic_rule *compiled_rule(const struct compiled *c,
						    const struct compiled_port *port, __u64 now_ns)
{
	return port->has_interim && now_ns < c->until_ns ? &port->interim : &port->rule;
}

/*
 * Union of all grants, narrowed by the policy. Overlapping ranges are cut into disjoint pieces. A
 * piece keeps the slot of the same (protocol, port, end_port) and else gets a new one. A port that is
 * probed is a piece of its own. base.boot_ns
 * is "now": a license that has begun is given from_ns 0; a tombstone counts where nothing that has
 * begun admits new flows. More than PLIC_MAX_GRANTS on a port: overlapping or touching times of the
 * same lapse are merged (all that have begun are), then those that begin first stay. So compile again
 * whenever a license changes its state. Apart from the numbers of licenses, the order of views,
 * policy entries and tombstones doesn't matter.
 *
 * in->policy_mode stands for the policy's mode, and a port's own mode goes before it as before that.
 * in->mode stands for both; a port's own mode holds where it is laxer than in->mode
 * (`gate set --mode audit` is the way out for the whole gate, whatever a port says).
 *
 * in->interim: both are compiled and laid over one another. What the interim opens and the rest doesn't
 * has a tombstone in the rest, so that the kernel drains it by itself when the interim ends.
 *
 * -E2BIG: more cells or slots than a set holds; -ENOMEM. out is for compiled_free.
 */
int compile_gate(const struct compile_input *in, struct compiled *out, struct fault *f);
void compiled_free(struct compiled *c);

/*
 * What lost its right from one set to the next: ports where a grant of `before` had begun by now_ns and
 * that nothing in `after` (compiled with the tombstones known so far) keeps, drains or cuts. One that
 * is past its cut counts too, for without a name the port would let its old connections live again;
 * a tombstone past its cut doesn't. So do named ports that only their mode let through (audit, off) and
 * that are enforced now. Each becomes a tombstone with `reason` (that of its license if it
 * had ended already) and cut_at_ns = min(the old one, now_ns + drain_ns); lapse `block` isn't drained:
 * now_ns.
 * Put them with the others and compile again. The pieces of `before` may stand in any order (they
 * may be read back from the kernel), those of `after` as compile_gate sorts them. *out is the caller's
 * to free, NULL if *n is 0. -ENOMEM.
 */
int compile_diff_tombstones(const struct compiled *before, const struct compiled *after,
			    __u64 now_ns, __u64 drain_ns, __u8 reason, struct tombstone **out,
			    size_t *n);

#endif
