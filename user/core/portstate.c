/* SPDX-License-Identifier: MIT */
/* portstate.c - the one word for a port, and how two rule sets compare. */
#include "portstate.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "grants.h"

const char *port_state_word(enum port_state state)
{
	static const char *const words[] = {
#define PORT_STATE_WORD(name, word) [PORT_##name] = (word),
		PORT_STATES(PORT_STATE_WORD)
#undef PORT_STATE_WORD
	};

	return state < PORT_N_STATES ? words[state] : "";
}

const char *port_effect_word(enum port_effect effect)
{
	static const char *const words[] = {
#define PORT_EFFECT_WORD(name, word) [PORT_##name] = (word),
		PORT_EFFECTS(PORT_EFFECT_WORD)
#undef PORT_EFFECT_WORD
	};

	return effect < PORT_N_EFFECTS ? words[effect] : "";
}

bool port_state_admits(enum port_state state)
{
	return state == PORT_LICENSED || state == PORT_GRACE || state == PORT_OPEN ||
	       state == PORT_UNENFORCED || state == PORT_AUDIT;
}

/* The first grant that admits: its rule's grants stand with the last to end first. */
static const struct plic_grant *live_grant(const struct plic_rule *rule, __u64 now_ns)
{
	for (size_t i = 0; i < rule->n_grants; i++)
		if (grant_admits(&rule->grants[i], now_ns))
			return &rule->grants[i];
	return NULL;
}

static bool is_pending(const struct plic_rule *rule, __u64 now_ns)
{
	for (size_t i = 0; i < rule->n_grants; i++)
		if (rule->grants[i].from_ns > now_ns)
			return true;
	return false;
}

static const struct plic_grant *draining_grant(const struct plic_rule *rule, __u64 now_ns)
{
	for (size_t i = 0; i < rule->n_grants; i++)
		if (rule->grants[i].new_until_ns <= now_ns && now_ns < rule->grants[i].cut_at_ns)
			return &rule->grants[i];
	return NULL;
}

/* Past its end it is let through and counted as audit, as bpf/decide.h has it. */
static bool reports(const struct plic_rule *rule, __u64 now_ns)
{
	for (size_t i = 0; i < rule->n_grants; i++) {
		const struct plic_grant *grant = &rule->grants[i];

		if (grant->lapse == PLIC_REPORT && grant->from_ns <= now_ns &&
		    now_ns < grant->cut_at_ns)
			return true;
	}
	return false;
}

static enum port_state ended_state(const struct plic_rule *rule)
{
	bool revoked = false, lapsed = false;

	for (size_t i = 0; i < rule->n_grants; i++) {
		revoked |= rule->grants[i].ended_reason == PLIC_REASON_REVOKED;
		lapsed |= rule->grants[i].ended_reason == PLIC_REASON_LAPSED;
	}
	return revoked ? PORT_REVOKED : lapsed ? PORT_LAPSED : PORT_UNLICENSED;
}

static __u8 reason_of(const struct plic_rule *rule, __u64 now_ns)
{
	const struct plic_grant *draining = draining_grant(rule, now_ns);

	if (is_pending(rule, now_ns))
		return PLIC_REASON_NOT_YET_VALID;
	if (draining)
		return draining->ended_reason;
	switch (ended_state(rule)) {
	case PORT_REVOKED:
		return PLIC_REASON_REVOKED;
	case PORT_LAPSED:
		return PLIC_REASON_LAPSED;
	default:
		return rule->n_grants ? rule->grants[0].ended_reason : PLIC_REASON_UNLICENSED;
	}
}

static const struct port_license *license_of(const struct plic_grant *grant,
					     const struct port_license *licenses, size_t n)
{
	return grant->license && licenses && grant->license <= n ? &licenses[grant->license - 1]
								 : NULL;
}

static void set_live(struct port_condition *c, const struct plic_grant *grant,
		     const struct port_license *license)
{
	bool grace = license && (license->state == STATE_GRACE || license->state == STATE_STALE);

	c->state = !grant->license ? PORT_OPEN : grace ? PORT_GRACE : PORT_LICENSED;
	c->lid = license ? license->lid : NULL;
	c->deadline_ns = grant->new_until_ns;
}

/* A live grant first, then the mode, then its past. */
struct port_condition port_condition(const struct plic_rule *rule, __u8 ip_proto,
				     const struct port_license *licenses, size_t n_licenses,
				     __u64 now_ns)
{
	const struct plic_grant *grant = live_grant(rule, now_ns);
	const struct plic_grant *past = rule->n_grants ? &rule->grants[0] : NULL;
	const struct port_license *license = grant  ? license_of(grant, licenses, n_licenses)
					     : past ? license_of(past, licenses, n_licenses)
						    : NULL;
	struct port_condition c = {
		.deadline_ns = PLIC_NEVER,
		.mode = rule->mode,
		.deny = rule->deny,
		.lapse = past ? past->lapse : PLIC_BLOCK_NEW,
	};

	for (size_t i = 0; i < rule->n_grants; i++)
		if (rule->grants[i].cut_at_ns > c.cut_at_ns)
			c.cut_at_ns = rule->grants[i].cut_at_ns;
	if (grant) {
		set_live(&c, grant, license);
		return c;
	}
	c.reason = reason_of(rule, now_ns);
	c.drains = ip_proto == IPPROTO_TCP && draining_grant(rule, now_ns);
	if (license) {
		c.lid = license->lid;
		c.deadline_ns = past->new_until_ns;
	}
	if (rule->mode == PLIC_OFF)
		c.state = PORT_UNENFORCED;
	else if (rule->mode == PLIC_AUDIT_MODE || reports(rule, now_ns))
		c.state = PORT_AUDIT;
	else if (is_pending(rule, now_ns))
		c.state = PORT_PENDING;
	else if (c.drains)
		c.state = PORT_DRAINING;
	else
		c.state = ended_state(rule);
	return c;
}

/* ---- two sets ---- */

struct comparison {
	const struct port_side *before, *after;
	struct span *spans; /* ports of `before`, then those of `after`, then the other ones */
	size_t n_spans;
	struct port_change *changes;
	size_t n, room;
};

static struct port_condition condition_at(const struct port_side *side,
					  const struct plic_rule *rule, __u8 ip_proto)
{
	return port_condition(rule, ip_proto, side->licenses, side->n_licenses, side->now_ns);
}

/* Cut before a drain that began now at the earliest could have ended. */
static bool cut_early(const struct port_condition *after, __u64 now_ns)
{
	return after->cut_at_ns &&
	       (after->lapse == PLIC_BLOCK || after->cut_at_ns < now_ns + TOMBSTONE_DRAIN_NS);
}

static enum port_effect effect_of(const struct port_change *c, __u64 now_ns)
{
	bool was = port_state_admits(c->before.state), is = port_state_admits(c->after.state);

	if (was && is)
		return PORT_KEEPS;
	if (!was && !is)
		return c->before.drains && !c->after.drains ? PORT_CUTS : PORT_KEEPS;
	if (is)
		return PORT_OPENS;
	if (c->after.drains)
		return PORT_DRAINS;
	return c->ip_proto == IPPROTO_TCP && cut_early(&c->after, now_ns) ? PORT_CUTS : PORT_CLOSES;
}

static int add_change(struct comparison *c, struct port_change change)
{
	if (array_grow(&c->changes, c->n, &c->room, sizeof(*c->changes)))
		return -ENOMEM;
	change.effect = effect_of(&change, c->before->now_ns);
	c->changes[c->n++] = change;
	return 0;
}

static const char *name_of(const struct comparison *c, const struct piece *piece)
{
	size_t n_before = c->before->compiled->n_ports, n_after = c->after->compiled->n_ports;
	const char *name = "";

	for (size_t i = 0; i < piece->n_active && !name[0]; i++) {
		__u32 at = piece->active[i];

		if (at < n_before)
			name = c->before->compiled->ports[at].name;
		else if (at < n_before + n_after)
			name = c->after->compiled->ports[at - n_before].name;
	}
	return name;
}

static int add_piece(void *ctx, const struct piece *piece)
{
	struct comparison *c = ctx;
	const struct span *at = &piece->span;
	__u16 slot;

	return add_change(
		c,
		(struct port_change){
			.port = at->first,
			.end_port = at->last,
			.ip_proto = at->ip_proto,
			.name = name_of(c, piece),
			.before =
				condition_at(c->before,
					     ruleset_lookup(&c->before->compiled->set, at->ip_proto,
							    at->first, c->before->now_ns, &slot),
					     at->ip_proto),
			.after = condition_at(c->after,
					      ruleset_lookup(&c->after->compiled->set, at->ip_proto,
							     at->first, c->after->now_ns, &slot),
					      at->ip_proto),
		});
}

static void add_spans(struct comparison *c, const struct compiled *compiled)
{
	for (size_t i = 0; i < compiled->n_ports; i++) {
		const struct compiled_port *port = &compiled->ports[i];

		c->spans[c->n_spans++] = (struct span){port->port, port->end_port, port->ip_proto};
	}
}

static const struct plic_header *header_of(const struct port_side *side)
{
	return ruleset_header(&side->compiled->set, side->now_ns);
}

static struct port_condition rest_of(const struct port_side *side)
{
	__u16 slot;

	return condition_at(side, ruleset_lookup(&side->compiled->set, 0, 0, side->now_ns, &slot),
			    0);
}

static struct port_condition protocol_of(const struct port_side *side, unsigned int protocol)
{
	struct port_condition c = rest_of(side);

	if (header_of(side)->ip_open[protocol / 8] >> protocol % 8 & 1) {
		c.state = PORT_OPEN;
		c.reason = PLIC_REASON_NONE;
	} else {
		c.reason = PLIC_REASON_PROTOCOL;
	}
	return c;
}

static int add_protocols(struct comparison *c)
{
	int err = 0;

	for (unsigned int p = 0; !err && p < 256; p++) {
		unsigned int either =
			header_of(c->before)->ip_open[p / 8] | header_of(c->after)->ip_open[p / 8];

		if (either >> p % 8 & 1)
			err = add_change(c, (struct port_change){
						    .ip_proto = p,
						    .name = "",
						    .before = protocol_of(c->before, p),
						    .after = protocol_of(c->after, p),
					    });
	}
	return err;
}

int port_compare(const struct port_side *before, const struct port_side *after,
		 const struct span *more, size_t n_more, struct port_change **out, size_t *n)
{
	size_t n_spans = before->compiled->n_ports + after->compiled->n_ports + n_more;
	_free_ struct span *spans = calloc(n_spans + 1, sizeof(*spans));
	struct comparison c = {.before = before, .after = after, .spans = spans};
	int err = spans ? 0 : -ENOMEM;

	if (!err) {
		add_spans(&c, before->compiled);
		add_spans(&c, after->compiled);
		if (n_more)
			memcpy(&spans[c.n_spans], more, n_more * sizeof(*more));
		err = pieces_each(spans, n_spans, add_piece, &c);
	}
	if (!err)
		err = add_protocols(&c);
	if (!err)
		err = add_change(&c, (struct port_change){.name = "other",
							  .before = rest_of(before),
							  .after = rest_of(after)});
	if (err) {
		free(c.changes);
		return err;
	}
	*out = c.changes;
	*n = c.n;
	return 0;
}

static bool same_lid(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool port_change_differs(const struct port_change *change)
{
	const struct port_condition *a = &change->before, *b = &change->after;

	return a->state != b->state || a->mode != b->mode || a->deny != b->deny ||
	       !same_lid(a->lid, b->lid);
}
