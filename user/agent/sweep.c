/* SPDX-License-Identifier: MIT */
/* sweep.c - the periodic round over all gates. */
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "attach.h"
#include "inspect.h"
#include "jobs.h"
#include "log.h"
#include "pods.h"
#include "rivals.h"
#include "usher.h"

#define MAX_OPENING 4	 /* jobs; loading a gate's programs takes its time */
#define INSPECT_EVERY 20 /* rounds: 10 s */
#define USHER_EVERY 2	 /* rounds: 1 s */
#define PRUNE_EVERY 1200 /* rounds: 10 min */

struct sweep_job {
	struct job job;
	bool prune;
	struct quota_use *quotas; /* before gates went; NULL: none did */
	size_t n_quotas;
	bool stranger; /* see cgroups_stranger() */
	uint32_t stranger_gate;
	size_t n;
	struct sweep_item {
		struct gate_entry *entry;
		int result;
		struct gate_sweep seen;
		struct fault fault;
	} items[];
};

static void sweep_work(struct job *job)
{
	struct sweep_job *round = (struct sweep_job *)job;
	size_t i;

	round->stranger = cgroups_stranger(job->agent->node, &round->stranger_gate);
	for (i = 0; i < round->n; i++) {
		struct sweep_item *item = &round->items[i];
		struct gate_entry *entry = item->entry;

		if (!entry->gate)
			continue;
		item->result = gate_sweep(entry->gate, &item->seen, &item->fault);
		if (item->result)
			continue;
		if (item->seen.dead) {
			if (!round->quotas)
				quotas_read(job->agent->node, &round->quotas, &round->n_quotas,
					    NULL);
			item->result = gate_remove(entry->gate, &item->fault);
			entry->gate = NULL;
		} else if (round->prune) {
			gate_prune_denials(entry->gate, NULL);
		}
	}
}

static void log_gap(struct gate_entry *entry, const struct gate_sweep *seen)
{
	char gap[32];
	int hook;

	entry->unprotected_ns += seen->unprotected_ns;
	snprintf(gap, sizeof(gap), "%.3f", seen->unprotected_ns / 1e9);
	if (seen->added)
		log_event(LOG_INFO, "interfaces_covered",
			  LOG_FIELDS("gate", entry->name, "unprotected_seconds", gap),
			  "%u new interfaces", seen->added);
	for (hook = 0; hook < GATE_N_HOOKS; hook++) {
		entry->lost[hook] += seen->restored[hook];
		if (seen->restored[hook])
			log_event(LOG_ERROR, "attachment_lost",
				  LOG_FIELDS("gate", entry->name, "hook", gate_hook_word(hook),
					     "unprotected_seconds", gap),
				  "%u attachments were gone and have been put back: somebody "
				  "removed them",
				  seen->restored[hook]);
	}
}

/* Whether foreign programs came or went. */
static bool outranking(const struct gate_entry *entry, const struct gate_sweep *seen)
{
	int hook;

	for (hook = 0; hook < GATE_N_HOOKS; hook++)
		if (seen->outranked[hook].regained ||
		    seen->outranked[hook].held != entry->outranked[hook].held)
			return true;
	return false;
}

/* true: attachments are other ones than before. */
static bool swept(struct sweep_item *item)
{
	struct gate_entry *entry = item->entry;
	struct place place = place_of(entry);
	unsigned int restored = 0;
	bool other;
	int hook;

	if (entry->removed)
		return false;
	if (item->seen.dead) {
		log_event(LOG_INFO, entry->cgroup ? "cgroup_gone" : "namespace_gone",
			  LOG_FIELDS("gate", entry->name, place_word(&place), place_path(&place)),
			  "the gate waits for another one");
		gate_entry_reset(entry);
		pods_lost(entry);
		entry->state = GATE_WAITING;
		fault_set(&entry->error, 0, "the %s is gone",
			  entry->cgroup ? "cgroup" : "namespace");
		return false;
	}
	other = outranking(entry, &item->seen);
	rivals_swept(entry, &item->seen);
	if (item->result) {
		if (strcmp(entry->error.text, item->fault.text))
			log_event(LOG_ERROR, "sweep_failed", LOG_FIELDS("gate", entry->name), "%s",
				  item->fault.text);
		entry->error = item->fault;
		entry->sweep_failed = true;
		return other;
	}
	if (entry->sweep_failed)
		entry->error = (struct fault){0};
	entry->sweep_failed = false;
	log_gap(entry, &item->seen);
	for (hook = 0; hook < GATE_N_HOOKS; hook++)
		restored += item->seen.restored[hook];
	return restored || item->seen.added || other;
}

static void sweep_done(struct job *job)
{
	struct sweep_job *round = (struct sweep_job *)job;
	struct agent *agent = job->agent;
	bool changed = false;
	size_t i;

	agent->sweeping = false;
	if (round->quotas)
		quotafile_take(agent, NULL, round->quotas, round->n_quotas);
	for (i = 0; i < round->n; i++)
		changed |= swept(&round->items[i]);
	if (round->stranger)
		origins_look(agent, &round->stranger_gate);
	free(round);
	if (changed && !agent->stopping)
		inspect_gates(agent, NULL, INSPECT_ATTACHMENTS, NULL, NULL);
}

/*
 * A PID may come to mean another process: a gate named by /proc/PID waits for its own namespace
 * only, or a stranger would be cut off.
 */
static bool may_open(const struct agent *agent, const struct gate_entry *entry,
		     const struct place *place, uint64_t id, struct fault *f)
{
	const struct gate_entry *there = gates_on(&agent->gates, place, id);

	if (place_check(agent, place, id, f) || !pods_may_open(entry, id, f))
		return false;
	if (!(there && there != entry) &&
	    (!entry->place || entry->place == id ||
	     strncmp(place_path(place), "/proc/", strlen("/proc/")) != 0))
		return true;
	fault_set(f, 0, "\"%s\" is another %s now, or has a gate already", place_path(place),
		  place->cgroup ? "cgroup" : "namespace");
	return false;
}

static void try_waiting(struct agent *agent, struct gate_entry *entry)
{
	struct place place = place_of(entry);
	struct fault f = {0};
	uint64_t id;

	entry->tried = true;
	if (!place_id(&place, &id, &f) && may_open(agent, entry, &place, id, &f)) {
		attach_open(agent, entry, id, NULL, NULL);
		return;
	}
	entry->retry_ns = clock_boot_ns() + SWEEP_MS * 1000000ULL / 2; /* the next round */
	if (entry->error.text[0])
		return;
	entry->error = f;
	log_event(LOG_WARN, "gate_waiting", LOG_FIELDS("gate", entry->name), "%s", f.text);
}

void sweep_waiting(struct agent *agent)
{
	const struct gates *gates = &agent->gates;
	uint64_t now_ns = clock_boot_ns();
	unsigned int n_opening = 0;
	size_t i;

	for (i = 0; i < gates->n_entries; i++)
		n_opening += gates->entries[i]->opening;
	for (i = 0; i < gates->n_entries && n_opening < MAX_OPENING && !agent->stopping; i++) {
		struct gate_entry *entry = gates->entries[i];

		if (entry->state == GATE_ATTACHED || entry->opening || now_ns < entry->retry_ns)
			continue;
		try_waiting(agent, entry);
		n_opening += entry->opening;
	}
}

void sweep(struct agent *agent)
{
	static unsigned int rounds;
	struct gates *gates = &agent->gates;
	struct sweep_job *round;
	size_t i;

	if (agent->sweeping || agent->stopping)
		return;
	round = calloc(1, sizeof(*round) + gates->n_entries * sizeof(round->items[0]));
	if (!round)
		return;
	rounds++;
	round->job.work = sweep_work;
	round->job.done = sweep_done;
	round->prune = rounds % PRUNE_EVERY == 0;
	for (i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->state == GATE_ATTACHED)
			round->items[round->n++].entry = gates->entries[i];
	agent->sweeping = true;
	job_submit(agent, &round->job);
	sweep_waiting(agent);
	origins_tick(agent);
	if (rounds % USHER_EVERY == 0)
		usher_round(agent);
	if (rounds % INSPECT_EVERY)
		return;
	origins_look(agent, NULL);
	source_table_sweep(agent);
	inspect_gates(agent, NULL, INSPECT_LISTENERS | INSPECT_QUOTAS, cuts_inspected, agent);
}
