/* SPDX-License-Identifier: MIT */
/* interim.c - joins what holds for a while. */
#include "interim.h"

#include "agent.h"

/* Other licenses or policies, or another time. */
static int outlook(const struct agent *agent, const struct gate_entry *entry, struct interim *out,
		   bool drill)
{
	struct whatif *w = &out->whatif;
	int err = whatif_init(w, agent);

	if (!err)
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
	out->rules.base = (struct time_base){w->at, w->now.boot_ns};
	return 0;
}

static void ends(struct compile_interim *rules, uint64_t until_ns)
{
	if (!rules->until_ns || until_ns < rules->until_ns)
		rules->until_ns = until_ns;
}

int interim_find(const struct agent *agent, const struct gate_entry *entry,
		 const struct compile_input *in, struct interim *out, bool *any)
{
	uint64_t now_ns = clock_boot_ns();
	bool glass = glass_holds(entry, now_ns), drill = drill_holds(entry, now_ns);
	bool trial = agent->trial.kind != TRIAL_NONE && now_ns < agent->trial.until_ns;
	int err = 0;

	*out = (struct interim){.rules = {.views = in->views,
					  .n_views = in->n_views,
					  .policy = in->policy,
					  .mode = glass ? entry->glass.mode : in->mode,
					  .base = in->base,
					  .first_license = in->n_views + 1}};
	*any = glass || drill || trial;
	if (glass)
		ends(&out->rules, entry->glass.until_ns);
	if (drill)
		ends(&out->rules, entry->drill.until_ns);
	if (trial)
		ends(&out->rules, agent->trial.until_ns);
	if (drill || trial)
		err = outlook(agent, entry, out, drill);
	if (err)
		interim_free(out);
	return err;
}

void interim_free(struct interim *interim)
{
	whatif_free(&interim->whatif);
}
