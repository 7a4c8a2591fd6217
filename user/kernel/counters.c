/* SPDX-License-Identifier: MIT */
/* counters.c - what a gate let through and what it denied, over all CPUs. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "denials.h"
#include "gate_priv.h"
#include "traffic.h"

int gate_counters(struct gate *g, struct gate_counters *out, struct fault *f)
{
	_free_ struct plic_traffic *traffic = calloc(g->n_slots + 1, sizeof(*traffic));
	struct gate_denial *denials;
	size_t n;
	int r;

	if (!traffic)
		return fault_set(f, ENOMEM, "no memory for the counters of gate \"%s\"", g->name);
	r = traffic_read(g->traffic, g->node->n_cpus, g->n_slots, traffic, f);
	if (r == 0)
		r = denials_read(g->map[GATE_DENIALS], &denials, &n, f);
	if (r < 0)
		return r;
	n = denials_merge(denials, n);
	*out = (struct gate_counters){TAKE_PTR(traffic), g->n_slots, denials, n};
	return 0;
}

void gate_counters_free(struct gate_counters *c)
{
	free(c->traffic);
	free(c->denials);
	*c = (struct gate_counters){0};
}

int gate_prune_denials(struct gate *g, struct fault *f)
{
	return denials_prune(g->map[GATE_DENIALS], f);
}
