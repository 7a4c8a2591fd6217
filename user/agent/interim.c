/* SPDX-License-Identifier: MIT */
/* interim.c - joins what holds for a while. */
#include "interim.h"

#include "agent.h"
#include "pods.h"

/* Longer than from one tick to the next and for an apply. */
#define HANDOVER_NS 2000000000ULL

enum kind { GLASS, DRILL, TRIAL, N_KINDS };

struct holding {
	bool any, kinds[N_KINDS];
	uint64_t until_ns; /* the first end */
};

/*
 * What holds for a gate. In the kernel all would fall with the first that ends, until the agent has compiled
 * the rest: so where another goes on, one is left out shortly before its end.
 */
static struct holding find_holding(const struct agent *agent, const struct gate_entry *entry)
{
	const uint64_t ends[N_KINDS] = {
		[GLASS] = entry->glass.mode >= 0 ? entry->glass.until_ns : 0,
		[DRILL] = entry->drill.until_ns,
		[TRIAL] = agent->trial.kind != TRIAL_NONE ? agent->trial.until_ns : 0,
	};
	uint64_t now_ns = clock_boot_ns(), last_ns = 0;
	struct holding holding = {0};
	size_t i;

	for (i = 0; i < N_KINDS; i++)
		last_ns = ends[i] > last_ns ? ends[i] : last_ns;
	for (i = 0; i < N_KINDS; i++) {
		if (ends[i] <= now_ns || (ends[i] < last_ns && ends[i] - now_ns <= HANDOVER_NS))
			continue;
		if (!holding.any || ends[i] < holding.until_ns)
			holding.until_ns = ends[i];
		holding.any = holding.kinds[i] = true;
	}
	return holding;
}

/* Other licenses or policies, or another time. */
static int outlook(const struct agent *agent, const struct gate_entry *entry,
		   const struct holding *holding, struct interim *out)
{
	struct whatif *w = &out->whatif;
	bool drill = holding->kinds[DRILL];
	int err = whatif_init(w, agent);

	if (!err && holding->kinds[TRIAL])
		err = trial_put(agent, w);
	if (!err && drill)
		err = drill_put(entry, w);
	if (!err)
		err = whatif_at(w, w->now.wall_s + (drill ? entry->drill.ahead_s : 0));
	if (err)
		return err;
	out->rules.views = w->steps[w->n_steps - 1].views;
	out->rules.n_views = w->steps[w->n_steps - 1].n_views;
	out->rules.policy = whatif_policy_of(w, entry);
	out->policy_mode = pods_mode(agent, entry, out->rules.policy);
	out->rules.policy_mode = &out->policy_mode;
	out->rules.base = (struct time_base){w->at, w->now.boot_ns};
	return 0;
}

int interim_find(const struct agent *agent, const struct gate_entry *entry,
		 const struct compile_input *in, struct interim *out, bool *any)
{
	const struct holding holding = find_holding(agent, entry);
	int err = 0;

	*out = (struct interim){
		.rules = {.until_ns = holding.until_ns,
			  .views = in->views,
			  .n_views = in->n_views,
			  .policy = in->policy,
			  .policy_mode = in->policy_mode,
			  .mode = holding.kinds[GLASS] ? entry->glass.mode : in->mode,
			  .base = in->base,
			  .first_license = in->n_views + 1}};
	*any = holding.any;
	if (holding.kinds[DRILL] || holding.kinds[TRIAL])
		err = outlook(agent, entry, &holding, out);
	if (err)
		interim_free(out);
	return err;
}

void interim_tick(struct agent *agent)
{
	uint64_t now_ns = clock_boot_ns();
	bool any = false;
	size_t i;

	for (i = 0; i < agent->gates.n_entries; i++) {
		const struct gate_entry *entry = agent->gates.entries[i];
		uint64_t until_ns = entry->rules ? entry->rules->compiled.until_ns : 0;

		any |= until_ns > now_ns && find_holding(agent, entry).until_ns > until_ns;
	}
	if (any)
		rules_changed(agent);
}

void interim_free(struct interim *interim)
{
	whatif_free(&interim->whatif);
}
