/* SPDX-License-Identifier: MIT */
/* tighten.c - drains inbound flows of ports that nothing opens. */
#include "tighten.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "inspect.h"

static bool has_begun(const struct plic_rule *rule, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < rule->n_grants; i++)
		if (rule->grants[i].from_ns <= now_ns)
			return true;
	return false;
}

/*
 * A port where inbound flows stand and that nothing opens: TCP is drained, not cut off; UDP is shut, for
 * wire takes the sockets that a server has connected to its clients for the pod's own.
 */
bool tighten_now(struct gate_entry *entry)
{
	uint64_t now_ns = clock_boot_ns();
	bool any = false;
	size_t i;

	for (i = 0; entry->rules && i < entry->stand.n_inbound; i++) {
		const struct gate_listener *at = &entry->stand.inbound[i];
		const struct plic_rule *rule;
		__u16 slot;

		rule = ruleset_lookup(&entry->rules->compiled.set, at->ip_proto, at->port, now_ns,
				      &slot);
		if (!has_begun(rule, now_ns))
			any |= !rules_drain(entry, at->ip_proto, at->port);
	}
	entry->drained |= any;
	return any;
}

struct look {
	struct agent *agent;
	char name[GATE_NAME_MAX + 1];
};

static void looked(void *arg)
{
	struct look *look = arg;
	struct gate_entry *entry = gates_find(&look->agent->gates, look->name);

	if (entry && entry->state == GATE_ATTACHED && tighten_now(entry))
		rules_changed(look->agent);
	free(look);
}

/* The pod's own connections are marked first, so that what is left came in. */
void tighten(struct agent *agent, const struct gate_entry *entry)
{
	struct look *look = entry->state == GATE_ATTACHED ? calloc(1, sizeof(*look)) : NULL;

	if (!look)
		return;
	look->agent = agent;
	strcpy(look->name, entry->name);
	inspect_gates(agent, entry->name, INSPECT_LISTENERS | INSPECT_MARK, looked, look);
}
