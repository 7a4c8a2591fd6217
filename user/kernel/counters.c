/* SPDX-License-Identifier: MIT */
/* counters.c - what a gate let through and what it denied, over all CPUs. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "arrivals.h"
#include "cleanup.h"
#include "denials.h"
#include "gate_priv.h"
#include "traffic.h"

/* What the programs count on each CPU. Missing, it is left at 0: the rest still counts. */
static void add_budgets(const struct gate *g, struct gate_counters *out)
{
	_free_ struct plic_budget *budgets = calloc(g->node->n_cpus, sizeof(*budgets));
	uint32_t zero = 0;

	if (!budgets || bpf_map_lookup_elem(g->map[GATE_BUDGET], &zero, budgets) < 0)
		return;
	for (unsigned int i = 0; i < g->node->n_cpus; i++) {
		out->remaps += budgets[i].remaps;
		out->events_lost += budgets[i].events_lost;
	}
}

/* Only ports that somebody was let in to have arrivals, so that many idle ones cost nothing. */
static int add_arrivals(const struct gate *g, struct gate_counters *out)
{
	_free_ bool *asked = calloc(out->n_slots + 1, sizeof(*asked));

	out->arrivals = calloc(out->n_slots + 1, sizeof(*out->arrivals));
	if (!asked || !out->arrivals)
		return -ENOMEM;
	for (size_t i = 0; i < out->n_slots; i++)
		asked[i] = out->traffic[i].packets || out->traffic[i].connections;
	for (size_t i = 0; i < out->n_denials; i++)
		if (out->denials[i].key.slot < out->n_slots)
			asked[out->denials[i].key.slot] |=
				out->denials[i].key.verdict == PLIC_AUDIT;
	arrivals_read(g->node->map[NODE_ARRIVALS], g->id, g->since_ns, asked, out->n_slots,
		      out->arrivals);
	return 0;
}

int gate_counters(struct gate *g, struct gate_counters *out, struct fault *f)
{
	_free_ struct plic_traffic *traffic = calloc(g->n_slots + 1, sizeof(*traffic));
	struct gate_denial *denials;
	uint64_t n_probes;
	size_t n;
	int r;

	if (!traffic)
		return fault_set(f, ENOMEM, "no memory for the counters of gate \"%s\"", g->name);
	r = traffic_read(g->traffic, g->node->n_cpus, g->n_slots, traffic, f);
	if (r == 0)
		r = gate_count_flows(g, f);
	if (r == 0)
		r = denials_read(g->map[GATE_DENIALS], &denials, &n, f);
	if (r < 0)
		return r;
	n = denials_merge(denials, n, &n_probes);
	*out = (struct gate_counters){.traffic = TAKE_PTR(traffic),
				      .n_slots = g->n_slots,
				      .denials = denials,
				      .n_denials = n,
				      .n_probes = n_probes,
				      .flows_evicted = g->flows.evicted,
				      .footprint = gate_footprint(g)};
	add_budgets(g, out);
	if (add_arrivals(g, out)) {
		gate_counters_free(out);
		return fault_set(f, ENOMEM, "no memory for the counters of gate \"%s\"", g->name);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(out->binds) && g->map[GATE_BINDS] >= 0; i++)
		bpf_map_lookup_elem(g->map[GATE_BINDS], &i, &out->binds[i]);
	return 0;
}

void gate_counters_free(struct gate_counters *c)
{
	free(c->traffic);
	free(c->denials);
	free(c->arrivals);
	*c = (struct gate_counters){0};
}

int gate_prune_denials(struct gate *g, struct fault *f)
{
	return denials_prune(g->map[GATE_DENIALS], f);
}
