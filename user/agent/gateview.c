/* SPDX-License-Identifier: MIT */
/* gateview.c - builds the object of a gate. */
#include "gateview.h"

#include <string.h>

#include "agent.h"
#include "pods.h"
#include "ports.h"
#include "reply.h"

bool gate_unlicensed(const struct gate_entry *entry, const struct gate_listener *listener)
{
	uint64_t now_ns = clock_boot_ns();
	const struct plic_rule *rule;
	__u16 slot;

	if (!entry->rules)
		return true;
	rule = ruleset_lookup(&entry->rules->compiled.set, listener->ip_proto, listener->port,
			      now_ns, &slot);
	return !rule_live_grant(rule, now_ns);
}

/* How many ports of the gate something opens now; a range counts each of its ports. */
static unsigned int ports_allowed(const struct gate_entry *entry)
{
	uint64_t now_ns = clock_boot_ns();
	unsigned int n = 0;
	size_t i;

	for (i = 0; entry->rules && i < entry->rules->compiled.n_ports; i++) {
		const struct compiled *compiled = &entry->rules->compiled;
		const struct compiled_port *port = &compiled->ports[i];

		if (rule_live_grant(compiled_rule(compiled, port, now_ns), now_ns))
			n += port->end_port - port->port + 1u;
	}
	return n;
}

static bool hook_present(const struct gate_entry *entry, enum gate_hook hook)
{
	bool any = false;
	size_t i;

	for (i = 0; i < entry->n_attachments; i++) {
		if (entry->attachments[i].hook != hook)
			continue;
		if (!entry->attachments[i].present)
			return false;
		any = true;
	}
	return any;
}

/* A hook stands in the list while all its attachments are there. */
static void put_hooks(cJSON *item, const struct gate_entry *entry)
{
	static const enum gate_hook order[] = {HOOK_WIRE,   HOOK_SOCKET, HOOK_HOST,  HOOK_BIND,
					       HOOK_EGRESS, HOOK_LEDGER, HOOK_SHIELD};
	cJSON *hooks = cJSON_AddArrayToObject(item, "hooks");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (hook_present(entry, order[i]))
			cJSON_AddItemToArray(hooks, cJSON_CreateString(gate_hook_word(order[i])));
}

/* null: none decides before ours. id 0: a filter that is no BPF program. */
static void put_rival(cJSON *object, const struct gate_attachment *at)
{
	cJSON *rival;

	if (!at->overtaken) {
		cJSON_AddNullToObject(object, "rival");
		return;
	}
	rival = cJSON_AddObjectToObject(object, "rival");
	cJSON_AddNumberToObject(rival, "id", at->rival.prog_id);
	cJSON_AddStringToObject(rival, "name", at->rival.name);
}

static void put_attachments(cJSON *item, const struct gate_entry *entry)
{
	cJSON *list = cJSON_AddArrayToObject(item, "attachments");
	size_t i;

	for (i = 0; i < entry->n_attachments; i++) {
		const struct gate_attachment *at = &entry->attachments[i];
		cJSON *object = cJSON_CreateObject();

		cJSON_AddStringToObject(object, "hook", gate_hook_word(at->hook));
		json_put_string(object, "interface", at->interface[0] ? at->interface : NULL);
		json_put_known(object, "ifindex", (uint64_t)at->ifindex);
		cJSON_AddStringToObject(object, "kind", at->kind);
		cJSON_AddBoolToObject(object, "removable", at->removable);
		cJSON_AddBoolToObject(object, "present", at->present);
		cJSON_AddBoolToObject(object, "overtaken", at->overtaken);
		put_rival(object, at);
		cJSON_AddItemToArray(list, object);
	}
}

static void put_listeners(cJSON *item, const struct gate_entry *entry)
{
	cJSON *list = cJSON_AddArrayToObject(item, "unlicensed_listeners");
	size_t i;

	for (i = 0; i < entry->stand.n_listeners; i++) {
		const struct gate_listener *at = &entry->stand.listeners[i];
		cJSON *object;

		if (!gate_unlicensed(entry, at))
			continue;
		object = cJSON_CreateObject();
		cJSON_AddNumberToObject(object, "port", at->port);
		cJSON_AddStringToObject(object, "protocol", proto_word(at->ip_proto));
		cJSON_AddItemToArray(list, object);
	}
}

/* null unless the gate's mode is another one for a while. */
static void put_glass(cJSON *item, const struct gate_entry *entry)
{
	cJSON *glass;

	if (!glass_holds(entry, clock_boot_ns())) {
		cJSON_AddNullToObject(item, "break_glass");
		return;
	}
	glass = cJSON_AddObjectToObject(item, "break_glass");
	json_put_time(glass, "since", entry->glass.since);
	json_put_time(glass, "until", entry->glass.until);
	cJSON_AddStringToObject(glass, "why", entry->glass.why);
}

cJSON *gate_json(const struct agent *agent, const struct gate_entry *entry)
{
	const struct policy *policy = rules_policy(agent, entry);
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "name", entry->name);
	json_put_string(item, "netns", entry->netns);
	json_put_string(item, "cgroup", entry->cgroup);
	cJSON_AddItemToObject(item, "pod", pods_gate_json(entry));
	cJSON_AddStringToObject(item, "mode", mode_word(rules_mode(agent, entry)));
	json_put_u64(item, "generation", entry->generation);
	put_hooks(item, entry);
	cJSON_AddNumberToObject(item, "ports_allowed", ports_allowed(entry));
	cJSON_AddStringToObject(item, "state", gate_state_word(entry->state));
	put_glass(item, entry);
	cJSON_AddItemToObject(item, "rehearsal", drill_json(agent, entry));
	cJSON_AddItemToObject(item, "shield", shield_json(entry));
	json_put_string(item, "policy", policy ? policy->name : NULL);
	json_put_moment(item, "since", &agent->clock, entry->since_ns);
	put_attachments(item, entry);
	put_listeners(item, entry);
	cJSON_AddNumberToObject(item, "unprotected_seconds", entry->unprotected_ns / 1e9);
	json_put_string(item, "error", entry->error.text[0] ? entry->error.text : NULL);
	return item;
}

void gates_warn_errors(cJSON *warnings, const struct agent *agent)
{
	size_t i;

	for (i = 0; i < agent->gates.n_entries; i++) {
		const struct gate_entry *entry = agent->gates.entries[i];

		if (entry->state == GATE_ATTACHED && entry->error.text[0])
			json_warn(warnings, "gate \"%s\": %s", entry->name, entry->error.text);
	}
}
