/* SPDX-License-Identifier: MIT */
/* flows.c - takes flows out of a gate's table that were recorded before their port was shut. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "gate_priv.h"

#define FLOWS_BATCH 1024

/* A tombstone of a port where something stood when the gate came. */
static bool is_drained(const struct ruleset *set, const struct plic_flow_key *key)
{
	const struct plic_rule *rule;
	uint16_t slot;

	if (key->proto != IPPROTO_UDP)
		return false;
	rule = ruleset_lookup(set, key->proto, key->local_port, RULESET_LASTING, &slot);
	for (size_t i = 0; i < rule->n_grants; i++)
		if (!rule->grants[i].license &&
		    rule->grants[i].ended_reason == PLIC_REASON_UNLICENSED)
			return true;
	return false;
}

int gate_forget_drained(struct gate *g, const struct ruleset *set, struct fault *f)
{
	_free_ struct plic_flow_key *keys = calloc(FLOWS_BATCH, sizeof(*keys));
	_free_ struct plic_flow *values = calloc(FLOWS_BATCH, sizeof(*values));
	uint32_t batch, *from = NULL, n;
	int r = keys && values ? 0 : -ENOMEM;

	while (r == 0) {
		n = FLOWS_BATCH;
		r = bpf_map_lookup_batch(g->map[GATE_FLOWS], from, &batch, keys, values, &n, NULL);
		if (r < 0 && r != -ENOENT) /* -ENOENT: the end */
			break;
		for (uint32_t i = 0; i < n; i++)
			if (is_drained(set, &keys[i]))
				bpf_map_delete_elem(g->map[GATE_FLOWS], &keys[i]);
		from = &batch;
	}
	return r == -ENOENT ? 0
			    : fault_set(f, -r, "can't read the flows of gate \"%s\": %s", g->name,
					strerror(-r));
}
