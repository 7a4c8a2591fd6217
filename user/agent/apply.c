/* SPDX-License-Identifier: MIT */
/* apply.c - brings changed rules into the kernel, all gates in one job. */
#include "rules.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "gatefile.h"
#include "jobs.h"
#include "log.h"
#include "sourcesets.h"
#include "tighten.h"

struct apply_waiter {
	struct apply_waiter *next;
	void (*done)(void *arg);
	void *arg;
};

struct apply_job {
	struct job job;
	uint64_t generation, began_ns;
	struct fault fault;
	size_t n;
	struct apply_item {
		struct gate_entry *entry;
		struct rules *rules;
		bool drained;	/* see the entry's */
		uint8_t *named; /* TCP ports that no rule named before, for gate_mark; NULL: none */
		struct fault unmarked;
		int result;
	} items[];
};

static bool same_rules(const struct ruleset *a, const struct ruleset *b)
{
	struct plic_header header;

	if (a->n_cells != b->n_cells)
		return false;
	header = b->cells[PLIC_CELL_HEADER].header;
	header.generation = a->cells[PLIC_CELL_HEADER].header.generation;
	return !memcmp(&a->cells[PLIC_CELL_HEADER].header, &header, sizeof(header)) &&
	       !memcmp(a->cells + 1, b->cells + 1, (a->n_cells - 1) * sizeof(*a->cells));
}

/* The laxest mode that the gate is in, or will have been in when an interim ends. */
static int laxest(const struct ruleset *set)
{
	const struct plic_header *head = &set->cells[PLIC_CELL_HEADER].header;
	int interim = head->interim ? set->cells[head->interim].header.mode : PLIC_ENFORCE;

	return interim > head->mode ? interim : head->mode;
}

static void take_rules(struct agent *agent, struct gate_entry *entry, struct rules *rules,
		       uint64_t generation)
{
	bool stricter =
		entry->rules && laxest(&rules->compiled.set) < laxest(&entry->rules->compiled.set);

	rules_free(entry->rules);
	entry->rules = rules;
	entry->generation = generation;
	if (stricter)
		tighten(agent, entry);
}

static void settle(struct agent *agent)
{
	struct gates *gates = &agent->gates;

	if (gates->applying)
		return;
	if (gates->dirty && !agent->stopping) {
		rules_changed(agent);
		return;
	}
	entitlements_write(agent);
	while (gates->waiters) {
		struct apply_waiter *waiter = gates->waiters;

		gates->waiters = waiter->next;
		waiter->done(waiter->arg);
		free(waiter);
	}
}

void rules_when_applied(struct agent *agent, void (*done)(void *arg), void *arg)
{
	struct apply_waiter *waiter = malloc(sizeof(*waiter));

	if (!waiter)
		return done(arg);
	*waiter = (struct apply_waiter){.next = agent->gates.waiters, .done = done, .arg = arg};
	agent->gates.waiters = waiter;
	settle(agent);
}

uint8_t *rules_newly_named(const struct ruleset *present, const struct compiled *next)
{
	_free_ uint8_t *ports = calloc(1, 65536 / 8);
	bool any = false;
	uint32_t port;
	size_t i;
	__u16 slot;

	for (i = 0; ports && i < next->n_ports; i++) {
		const struct compiled_port *at = &next->ports[i];

		for (port = at->port; at->ip_proto == IPPROTO_TCP && port <= at->end_port; port++) {
			ruleset_lookup(present, IPPROTO_TCP, port, RULESET_LASTING, &slot);
			if (slot)
				continue;
			ports[port / 8] |= 1U << port % 8;
			any = true;
		}
	}
	return any ? TAKE_PTR(ports) : NULL;
}

/*
 * The pod's own clients may stand on ports that a rule comes to name: unmarked, they would be cut
 * when that rule ends. egress marks those that come once the set is in force.
 */
static void mark_clients(struct apply_item *item)
{
	if (item->entry->gate && item->named)
		gate_mark(item->entry->gate, item->named, &item->unmarked);
}

static void apply_work(struct job *job)
{
	struct apply_job *apply = (struct apply_job *)job;
	_free_ struct gate **gates = calloc(apply->n, sizeof(*gates));
	_free_ const struct ruleset **sets = calloc(apply->n, sizeof(*sets));
	_free_ int *results = calloc(apply->n, sizeof(*results));
	struct fault full = {0};
	size_t i, n = 0;

	for (i = 0; i < apply->n; i++) {
		struct apply_item *item = &apply->items[i];

		item->result = !gates || !sets || !results ? -ENOMEM : -ESTALE;
		if (item->result == -ENOMEM || !item->entry->gate)
			continue; /* no handle: its namespace died meanwhile */
		item->result = sourcesets_put(job->agent->node, item->rules->sources,
					      item->rules->n_sources, &full);
		if (item->result)
			continue;
		mark_clients(item);
		gates[n] = item->entry->gate;
		sets[n++] = &item->rules->compiled.set;
	}
	if (n)
		gates_apply(job->agent->node, gates, sets, n, results, &apply->fault);
	if (!apply->fault.text[0])
		apply->fault = full;
	for (i = n = 0; i < apply->n; i++) {
		struct apply_item *item = &apply->items[i];

		if (!item->result)
			item->result = results[n++];
		mark_clients(item); /* those that came meanwhile */
		if (!item->result && item->drained)
			item->result = gate_forget_drained(
				item->entry->gate, &item->rules->compiled.set, &apply->fault);
	}
}

static void item_done(struct agent *agent, struct apply_job *apply, struct apply_item *item)
{
	struct gate_entry *entry = item->entry;

	free(item->named);
	if (item->unmarked.text[0])
		log_event(
			LOG_WARN, "clients_unmarked", LOG_FIELDS("gate", entry->name),
			"the pod's own connections may be cut with the ports that they come from: "
			"%s",
			item->unmarked.text);
	if (!item->result && !entry->removed) {
		take_rules(agent, entry, item->rules, apply->generation);
		entry->drained &= !item->drained;
		entry->error = (struct fault){0};
		return;
	}
	rules_free(item->rules);
	if (entry->removed || item->result == -ESTALE)
		return;
	agent->gates.failed = true;
	if (!apply->fault.text[0])
		fault_set(&apply->fault, -item->result, "%s", strerror(-item->result));
	if (strcmp(entry->error.text, apply->fault.text))
		log_event(LOG_ERROR, "apply_failed", LOG_FIELDS("gate", entry->name),
			  "the rules before stay in force: %s", apply->fault.text);
	entry->error = apply->fault;
}

static void apply_done(struct job *job)
{
	struct apply_job *apply = (struct apply_job *)job;
	struct agent *agent = job->agent;
	struct gates *gates = &agent->gates;
	double seconds = (clock_boot_ns() - apply->began_ns) / 1e9;
	size_t i;

	for (i = 0; i < apply->n; i++)
		item_done(agent, apply, &apply->items[i]);
	gates->apply_seconds_sum += seconds;
	gates->apply_count++;
	gates->applying = false;
	log_event(LOG_DEBUG, "applied", LOG_NO_FIELDS, "generation %llu, %zu gates, %.3f s",
		  (unsigned long long)apply->generation, apply->n, seconds);
	free(apply);
	settle(agent);
	cuts_check(agent);
}

/* Compiles one gate; what needs the kernel goes into the job, the rest is taken at once. */
static void compile_into(struct agent *agent, struct gate_entry *entry, struct apply_job *apply)
{
	struct rules *rules;
	struct fault f = {0};
	int err = rules_compile(agent, entry, &rules, &f);

	if (err) {
		trial_spoil(agent);
		entry->error = f;
		log_event(LOG_ERROR, "compile_failed", LOG_FIELDS("gate", entry->name),
			  "the rules before stay in force: %s",
			  f.text[0] ? f.text : strerror(-err));
	} else if (entry->rules && same_rules(&entry->rules->compiled.set, &rules->compiled.set)) {
		take_rules(agent, entry, rules, agent->gates.generation);
	} else {
		apply->items[apply->n++] = (struct apply_item){
			.entry = entry,
			.rules = rules,
			.drained = entry->drained,
			.named = entry->rules ? rules_newly_named(&entry->rules->compiled.set,
								  &rules->compiled)
					      : NULL,
		};
	}
}

void rules_changed(struct agent *agent)
{
	struct gates *gates = &agent->gates;
	struct apply_job *apply;
	size_t i;

	gates->dirty = true;
	if (gates->applying || agent->stopping)
		return;
	apply = calloc(1, sizeof(*apply) + gates->n_entries * sizeof(apply->items[0]));
	if (!apply)
		return;
	gates->dirty = false;
	gates->failed = false;
	apply->generation = ++gates->generation;
	apply->began_ns = clock_boot_ns();
	for (i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->state == GATE_ATTACHED)
			compile_into(agent, gates->entries[i], apply);
	if (!apply->n) { /* no set carries this generation over a restart */
		free(apply);
		gatefile_save(agent);
		return settle(agent);
	}
	gates->applying = true;
	apply->job.work = apply_work;
	apply->job.done = apply_done;
	kubepeers_tell(agent);
	job_submit(agent, &apply->job);
}
