/* SPDX-License-Identifier: MIT */
/* rules.c - compiles the rules of one gate. */
#include "rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "interim.h"
#include "log.h"
#include "pods.h"

static void roster_put(struct roster *roster)
{
	size_t i;

	if (!roster || --roster->refs)
		return;
	for (i = 0; i < roster->n; i++)
		free(roster->licenses[i].lid);
	free(roster);
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	compiled_free(&rules->compiled);
	roster_put(rules->roster);
	free(rules->sources);
	free(rules);
}

static int add_views(struct roster *roster, const struct license_view *views, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct port_license *license = &roster->licenses[roster->n++];

		license->state = views[i].state;
		license->lid = strdup(views[i].lic->lid);
		if (!license->lid)
			return -ENOMEM;
	}
	return 0;
}

/* In the order of their numbers: the lasting ones, then the interim's. */
static int roster_new(const struct compile_input *in, struct roster **out)
{
	size_t n_interim = in->interim ? in->interim->n_views : 0;
	struct roster *roster;
	int err;

	roster = calloc(1,
			sizeof(*roster) + (in->n_views + n_interim) * sizeof(roster->licenses[0]));
	if (!roster)
		return -ENOMEM;
	roster->refs = 1;
	err = add_views(roster, in->views, in->n_views);
	if (!err && in->interim)
		err = add_views(roster, in->interim->views, n_interim);
	if (err) {
		roster_put(roster);
		return err;
	}
	*out = roster;
	return 0;
}

const struct policy *rules_policy(const struct agent *agent, const struct gate_entry *entry)
{
	struct policy_subject subject;

	if (entry->policy_text) /* its own, NULL while that is refused */
		return entry->policy;
	subject = pods_subject(agent, entry);
	return policies_find(&agent->policies, &subject, NULL);
}

const struct policy *rules_shadowed(const struct agent *agent, const struct gate_entry *entry)
{
	struct policy_subject subject = pods_subject(agent, entry);
	const struct policy *also = NULL;

	if (!entry->policy_text)
		policies_find(&agent->policies, &subject, &also);
	return also;
}

enum plic_mode rules_mode(const struct agent *agent, const struct gate_entry *entry)
{
	const struct policy *policy = rules_policy(agent, entry);
	int mode = glass_mode(entry, clock_boot_ns());

	if (mode >= 0)
		return mode;
	return pods_mode(agent, entry, policy);
}

const struct plic_grant *rule_live_grant(const struct plic_rule *rule, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < rule->n_grants; i++)
		if (rule->grants[i].from_ns <= now_ns && now_ns < rule->grants[i].new_until_ns)
			return &rule->grants[i];
	return NULL;
}

bool rule_is_cut(const struct plic_rule *rule, uint64_t now_ns)
{
	size_t i;

	if (rule->mode != PLIC_ENFORCE || rule_live_grant(rule, now_ns))
		return false;
	/* Only probes were ever let in: what stands there stood before, and is drained first. */
	if (!rule->n_grants && rule->flags & PLIC_RULE_PROBE)
		return false;
	for (i = 0; i < rule->n_grants; i++)
		if (rule->grants[i].from_ns <= now_ns && now_ns < rule->grants[i].cut_at_ns)
			return false;
	return true;
}

uint64_t rule_next_cut_ns(const struct plic_rule *rule, uint64_t now_ns)
{
	uint64_t next = PLIC_NEVER;
	size_t i;

	for (i = 0; i < rule->n_grants; i++)
		if (rule->grants[i].cut_at_ns > now_ns && rule->grants[i].cut_at_ns < next)
			next = rule->grants[i].cut_at_ns;
	return next;
}

/* Ports where sockets stand; as long as nobody has looked, any might. */
static bool stands(const void *arg, const struct tombstone *t)
{
	const struct gate_stand *stand = arg;
	size_t i;

	for (i = 0; i < stand->n_inbound; i++)
		if (stand->inbound[i].ip_proto == t->ip_proto &&
		    t->port <= stand->inbound[i].port && stand->inbound[i].port <= t->end_port)
			return true;
	return !stand->listeners;
}

int rules_drain(struct gate_entry *entry, uint8_t ip_proto, uint16_t port)
{
	uint64_t now_ns = clock_boot_ns();
	struct tombstone stood = {.port = port,
				  .end_port = port,
				  .ip_proto = ip_proto,
				  .reason = PLIC_REASON_UNLICENSED,
				  .cut_at_ns = now_ns + TOMBSTONE_DRAIN_NS};

	return graveyard_bury(&entry->graves, &stood, now_ns);
}

/* Networks that both policies name, for the kernel to know ahead of the rules. */
static int add_sources(struct agent *agent, const struct compile_input *in, struct rules *out,
		       struct fault *f)
{
	int err = source_table_take(agent, in->policy, in->namespace, f);

	if (!err && in->interim)
		err = source_table_take(agent, in->interim->policy, in->namespace, f);
	if (!err)
		err = source_table_named(&agent->sources, &out->compiled, &out->sources,
					 &out->n_sources);
	return err;
}

static int compile_with(struct agent *agent, struct compile_input *in,
			const struct interim *interim, bool any, struct rules *out, struct fault *f)
{
	int err;

	if (any)
		in->interim = &interim->rules;
	err = compile_gate(in, &out->compiled, f);
	if (!err)
		err = add_sources(agent, in, out, f);
	if (!err)
		err = roster_new(in, &out->roster);
	return err;
}

static int compile(struct agent *agent, struct gate_entry *entry, struct rules *out,
		   struct fault *f)
{
	static const struct plic_slot no_slots[1];
	const struct policy *policy = rules_policy(agent, entry);
	const enum plic_mode mode = pods_mode(agent, entry, policy);
	struct interim interim;
	struct compile_input in = {
		.views = agent->licenses.views,
		.n_views = agent->licenses.n_views,
		.policy = policy,
		.policy_mode = &mode,
		.mode = entry->mode,
		.namespace = pods_subject(agent, entry).namespace,
		.tombstones = entry->graves.stones,
		.n_tombstones = entry->graves.n,
		.slots = entry->rules ? entry->rules->compiled.slots : no_slots,
		.n_slots = entry->rules ? entry->rules->compiled.n_slots : 1,
		.base = clock_base(&agent->clock),
		.borrows = kube_sync_configured(agent),
		.generation = agent->gates.generation,
		.probes = entry->pod ? entry->pod->probes : NULL,
		.n_probes = entry->pod ? entry->pod->n_probes : 0,
	};
	bool any;
	int err = interim_find(agent, entry, &in, &interim, &any);

	if (err)
		return err;
	err = compile_with(agent, &in, &interim, any, out, f);
	interim_free(&interim);
	return err;
}

/* What loses its right from the present rules to `next`. *n: how many tombstones that made. */
static int bury(struct gate_entry *entry, const struct compiled *next, size_t *n)
{
	_free_ struct tombstone *more = NULL;
	uint64_t now_ns = clock_boot_ns();
	size_t i;
	int err = 0;

	*n = 0;
	if (!entry->rules)
		return 0;
	err = compile_diff_tombstones(&entry->rules->compiled, next, now_ns, TOMBSTONE_DRAIN_NS,
				      PLIC_REASON_WITHDRAWN, &more, n);
	for (i = 0; !err && i < *n; i++)
		err = graveyard_bury(&entry->graves, &more[i], now_ns);
	return err;
}

int rules_compile(struct agent *agent, struct gate_entry *entry, struct rules **out,
		  struct fault *f)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	size_t n_buried = 0;
	int err;

	if (!rules)
		return -ENOMEM;
	graveyard_clear(&entry->graves, clock_boot_ns(), stands, &entry->stand);
	err = compile(agent, entry, rules, f);
	if (!err)
		err = bury(entry, &rules->compiled, &n_buried);
	if (!err && n_buried) {
		compiled_free(&rules->compiled);
		roster_put(rules->roster);
		free(rules->sources);
		*rules = (struct rules){0};
		err = compile(agent, entry, rules, f);
	}
	if (err) {
		rules_free(rules);
		return err;
	}
	*out = rules;
	return 0;
}

/*
 * A drained port in a set that was read back: a grant of no license that has ended. What an interim opens is
 * drained from its end on in that set; the interim is over now, and nothing drains for longer.
 */
static int adopt_tombstones(struct gate_entry *entry, const struct compiled_port *port)
{
	uint64_t now_ns = clock_boot_ns(), latest_ns = now_ns + TOMBSTONE_DRAIN_NS;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < port->rule.n_grants; i++) {
		const struct plic_grant *grant = &port->rule.grants[i];
		struct tombstone tombstone = {.port = port->port,
					      .end_port = port->end_port,
					      .ip_proto = port->ip_proto,
					      .reason = grant->ended_reason,
					      .cut_at_ns = grant->cut_at_ns};

		if (tombstone.cut_at_ns > latest_ns)
			tombstone.cut_at_ns = latest_ns;
		if (!grant->license && grant->cut_at_ns != PLIC_NEVER)
			err = graveyard_bury(&entry->graves, &tombstone, now_ns);
	}
	return err;
}

int rules_adopt(struct gate_entry *entry, struct ruleset *set, struct fault *f)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	struct compiled *c;
	size_t i;
	int err;

	if (!rules)
		return -ENOMEM;
	c = &rules->compiled;
	err = ruleset_slots(set, &c->slots, &c->n_slots, f);
	if (!err && !(c->ports = calloc(c->n_slots, sizeof(*c->ports))))
		err = -ENOMEM;
	if (err) {
		rules_free(rules);
		return err;
	}
	for (i = 1; !err && i < c->n_slots; i++) {
		const struct plic_slot *at = &c->slots[i];
		struct compiled_port *port = &c->ports[c->n_ports];
		const struct plic_rule *rule, *interim;
		__u16 slot;

		interim = ruleset_lookup(set, at->ip_proto, at->port, RULESET_INTERIM, &slot);
		rule = ruleset_lookup(set, at->ip_proto, at->port, RULESET_LASTING, &slot);
		if (slot != i) /* an old counter: its port isn't named any more */
			continue;
		*port = (struct compiled_port){.port = at->port,
					       .end_port = at->end_port,
					       .ip_proto = at->ip_proto,
					       .slot = slot,
					       .rule = *rule,
					       .has_interim = interim != rule,
					       .interim = *interim};
		err = adopt_tombstones(entry, port);
		c->n_ports++;
	}
	if (err) {
		rules_free(rules);
		return err;
	}
	c->until_ns = ruleset_until_ns(set);
	/* Known to the agent before this one alone. */
	if (c->until_ns > clock_boot_ns() && !glass_holds(entry, clock_boot_ns()))
		log_event(LOG_WARN, "trial_rolled_back", LOG_FIELDS("gate", entry->name),
			  "a change on trial or an enforced rehearsal doesn't outlive a restart");
	c->set = *set;
	*set = (struct ruleset){0};
	rules_free(entry->rules);
	entry->rules = rules;
	return 0;
}
