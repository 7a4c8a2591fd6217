/* SPDX-License-Identifier: MIT */
/* whatif_gate.c - one gate under other licenses and policies, at another time. */
#include "whatif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "pods.h"
#include "portuse.h"

static const struct policy *policy_at(const struct whatif *w, const struct gate_entry *entry,
				      int64_t t)
{
	size_t i;

	if (entry->policy_text)
		return entry->policy;
	for (i = 0; i < w->n_policies; i++) {
		const struct whatif_policy *at = &w->policies[i];

		if (at->policy && t < at->until && pods_policy_matches(w->agent, at->policy, entry))
			return at->policy;
	}
	for (i = 0; i < w->n_policies; i++) {
		const struct whatif_policy *at = &w->policies[i];

		if (at->policy && t < at->until && pods_policy_asked(w->agent, at->policy, entry))
			return at->policy;
	}
	return NULL;
}

const struct policy *whatif_policy_of(const struct whatif *w, const struct gate_entry *entry)
{
	return policy_at(w, entry, w->at);
}

static uint64_t boot_at(const struct whatif *w, const struct whatif_step *step)
{
	return time_base_boot_ns(&w->now, step->at);
}

static int compile(const struct whatif *w, const struct whatif_step *step,
		   const struct gate_entry *entry, const struct compiled *before,
		   const struct graveyard *graves, struct compiled *out, struct fault *f)
{
	static const struct plic_slot no_slots[1];
	const struct policy *policy = policy_at(w, entry, step->at);
	const enum plic_mode mode = pods_mode(w->agent, entry, policy);
	struct compile_input in = {
		.views = step->views,
		.n_views = step->n_views,
		.policy = policy,
		.policy_mode = &mode,
		.mode = glass_mode(entry, boot_at(w, step)),
		.namespace = pods_subject(w->agent, entry).namespace,
		.tombstones = graves->stones,
		.n_tombstones = graves->n,
		.slots = before ? before->slots : no_slots,
		.n_slots = before ? before->n_slots : 1,
		.base = {step->at, boot_at(w, step)},
		.borrows = kube_sync_configured(w->agent),
		.generation = w->agent->gates.generation,
		.probes = entry->pod ? entry->pod->probes : NULL,
		.n_probes = entry->pod ? entry->pod->n_probes : 0,
	};

	return compile_gate(&in, out, f);
}

static bool nothing_stands(const void *arg, const struct tombstone *t)
{
	return false;
}

/* Compiles as rules_compile does: what loses its right against `before` is buried first. */
static int compile_step(const struct whatif *w, const struct whatif_step *step,
			const struct gate_entry *entry, const struct compiled *before,
			struct graveyard *graves, struct compiled *out, struct fault *f)
{
	_free_ struct tombstone *more = NULL;
	uint64_t now_ns = boot_at(w, step);
	size_t i, n = 0;
	int err;

	if (step->at > w->now.wall_s)
		graveyard_clear(graves, now_ns, nothing_stands, NULL);
	err = compile(w, step, entry, before, graves, out, f);
	if (err || !before)
		return err;
	err = compile_diff_tombstones(before, out, now_ns, TOMBSTONE_DRAIN_NS,
				      PLIC_REASON_WITHDRAWN, &more, &n);
	for (i = 0; !err && i < n; i++)
		err = graveyard_bury(graves, &more[i], now_ns);
	if (!err && !n)
		return 0;
	compiled_free(out);
	return err ? err : compile(w, step, entry, before, graves, out, f);
}

static int copy_graves(const struct graveyard *from, struct graveyard *out)
{
	if (!from->n)
		return 0;
	out->stones = calloc(from->n, sizeof(*out->stones));
	if (!out->stones)
		return -ENOMEM;
	memcpy(out->stones, from->stones, from->n * sizeof(*out->stones));
	out->n = from->n;
	return 0;
}

/* From the rules in force through all steps to those of the last one. */
static int pass_time(const struct whatif *w, const struct gate_entry *entry,
		     const struct compiled *before, struct compiled *out, struct fault *f)
{
	_cleanup_(graveyard_free) struct graveyard graves = {0};
	struct compiled last = {0};
	size_t i;
	int err = copy_graves(&entry->graves, &graves);

	/* Where nothing is altered the rules in force are the first step's. */
	for (i = !w->altered && w->n_steps > 1; !err && i < w->n_steps; i++) {
		struct compiled next = {0};

		err = compile_step(w, &w->steps[i], entry, last.n_slots ? &last : before, &graves,
				   &next, f);
		if (err)
			break;
		compiled_free(&last);
		last = next;
	}
	if (err)
		compiled_free(&last);
	else
		*out = last;
	return err;
}

/* What a gate that isn't up would have: the present licenses and policies. */
static int compile_absent(const struct whatif *w, const struct gate_entry *entry,
			  struct compiled *out, struct fault *f)
{
	const struct agent *agent = w->agent;
	static const struct plic_slot no_slots[1];
	const struct policy *policy = rules_policy(agent, entry);
	const enum plic_mode mode = pods_mode(agent, entry, policy);
	struct compile_input in = {
		.views = agent->licenses.views,
		.n_views = agent->licenses.n_views,
		.policy = policy,
		.policy_mode = &mode,
		.mode = glass_mode(entry, w->now.boot_ns),
		.namespace = pods_subject(agent, entry).namespace,
		.slots = no_slots,
		.n_slots = 1,
		.base = w->now,
		.borrows = kube_sync_configured(agent),
		.probes = entry->pod ? entry->pod->probes : NULL,
		.n_probes = entry->pod ? entry->pod->n_probes : 0,
	};

	return compile_gate(&in, out, f);
}

static void tell_policies(const struct whatif *w, const struct gate_entry *entry,
			  struct whatif_gate *out)
{
	const struct policy *before = rules_policy(w->agent, entry);
	const struct policy *after = policy_at(w, entry, w->at);
	int mode = glass_mode(entry, time_base_boot_ns(&w->now, w->at));

	out->policy_before = before;
	out->policy_after = after;
	out->mode_before = rules_mode(w->agent, entry);
	out->mode_after = pods_mode(w->agent, entry, after);
	if (mode >= 0)
		out->mode_after = mode;
	out->deny_before = before ? before->deny : PLIC_REFUSE;
	out->deny_after = after ? after->deny : PLIC_REFUSE;
}

int whatif_gate(const struct whatif *w, const struct gate_entry *entry, const struct gate_use *use,
		struct whatif_gate *out, struct fault *f)
{
	const struct roster *roster = entry->rules ? entry->rules->roster : NULL;
	bool is_up = entry->rules;
	struct port_side before = {
		.compiled = is_up ? &entry->rules->compiled : &out->before,
		.licenses = roster  ? roster->licenses
			    : is_up ? NULL
				    : w->present,
		.n_licenses = roster  ? roster->n
			      : is_up ? 0
				      : w->n_present,
		.now_ns = clock_boot_ns(),
	};
	struct port_side after = {
		.compiled = &out->after,
		.licenses = w->names,
		.n_licenses = w->n_names,
		.now_ns = w->at > w->now.wall_s ? boot_at(w, &w->steps[w->n_steps - 1])
						: before.now_ns,
	};
	_free_ struct span *more = NULL;
	size_t n_more = 0;
	int err = gate_use_unnamed(use, &more, &n_more);

	*out = (struct whatif_gate){0};
	tell_policies(w, entry, out);
	if (!err && !is_up)
		err = compile_absent(w, entry, &out->before, f);
	if (!err)
		err = pass_time(w, entry, is_up ? &entry->rules->compiled : NULL, &out->after, f);
	if (!err)
		err = port_compare(&before, &after, more, n_more, &out->changes, &out->n_changes);
	if (err)
		whatif_gate_free(out);
	return err;
}

void whatif_gate_free(struct whatif_gate *gate)
{
	compiled_free(&gate->before);
	compiled_free(&gate->after);
	free(gate->changes);
	*gate = (struct whatif_gate){0};
}
