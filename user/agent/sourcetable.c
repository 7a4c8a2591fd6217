/* SPDX-License-Identifier: MIT */
/* sourcetable.c - keeps and drops the networks of policies. */
#include "sourcetable.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "jobs.h"
#include "log.h"
#include "sourcesets.h"

static struct source_set *find(const struct source_table *table, uint32_t id)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->sets[i]->id == id)
			return table->sets[i];
	return NULL;
}

static void set_free(struct source_set *set)
{
	free(set->prefixes);
	free(set);
}

static struct source_set *copy_of(const struct source_set *set)
{
	struct source_set *copy = calloc(1, sizeof(*copy));
	size_t size = set->n_prefixes * sizeof(*set->prefixes);

	if (!copy)
		return NULL;
	*copy = *set;
	copy->prefixes = malloc(size);
	if (!copy->prefixes) {
		free(copy);
		return NULL;
	}
	memcpy(copy->prefixes, set->prefixes, size);
	return copy;
}

static bool same(const struct source_set *a, const struct source_set *b)
{
	return a->n_prefixes == b->n_prefixes &&
	       !memcmp(a->prefixes, b->prefixes, a->n_prefixes * sizeof(*a->prefixes));
}

static int take(struct source_table *table, const struct from *from, struct fault *f)
{
	const struct source_set *set = &from->set, *there = find(table, set->id);
	struct source_set **grown, *copy;

	if (!set->id)
		return 0;
	if (there)
		return same(there, set)
			       ? 0
			       : fault_set(f, EEXIST,
					   "the networks of two \"from\" have the same digest (one "
					   "in 4 billion): write one with a network more");
	grown = reallocarray(table->sets, table->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	table->sets = grown;
	copy = copy_of(set);
	if (!copy)
		return -ENOMEM;
	grown[table->n++] = copy;
	return 0;
}

int source_table_take(struct source_table *table, const struct policy *policy, struct fault *f)
{
	int err = 0;

	for (size_t i = 0; policy && !err && i < policy->n_open; i++)
		err = take(table, &policy->open[i].from, f);
	for (size_t i = 0; policy && !err && i < policy->n_ports; i++)
		err = take(table, &policy->ports[i].from, f);
	return err;
}

static void each_of_rule(const struct plic_rule *rule, void (*each)(uint32_t id, void *arg),
			 void *arg)
{
	if (rule->sources)
		each(rule->sources, arg);
	for (size_t i = 0; i < rule->n_grants; i++)
		if (rule->grants[i].sources)
			each(rule->grants[i].sources, arg);
}

/* The numbers of all sets that rules name, some more than once. */
static void each_named(const struct compiled *c, void (*each)(uint32_t id, void *arg), void *arg)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		each_of_rule(&c->ports[i].rule, each, arg);
		if (c->ports[i].has_interim)
			each_of_rule(&c->ports[i].interim, each, arg);
	}
}

/* Some of the table. */
struct choice {
	const struct source_table *table;
	bool *chosen;
};

static void choose(uint32_t id, void *arg)
{
	struct choice *choice = arg;

	for (size_t i = 0; i < choice->table->n; i++)
		choice->chosen[i] |= choice->table->sets[i]->id == id;
}

int source_table_named(const struct source_table *table, const struct compiled *c,
		       const struct source_set ***out, size_t *n)
{
	_free_ bool *chosen = calloc(table->n + 1, sizeof(*chosen));
	const struct source_set **list = calloc(table->n + 1, sizeof(*list));
	struct choice choice = {table, chosen};

	if (!chosen || !list) {
		free(list);
		return -ENOMEM;
	}
	each_named(c, choose, &choice);
	*n = 0;
	for (size_t i = 0; i < table->n; i++)
		if (chosen[i])
			list[(*n)++] = table->sets[i];
	*out = list;
	return 0;
}

/* What is in the kernel to be kept: also sets that only rules of an earlier agent name. */
struct keep_job {
	struct job job;
	struct fault fault;
	uint32_t *ids;
	size_t n, room;
};

static void keep(uint32_t id, void *arg)
{
	struct keep_job *job = arg;

	for (size_t i = 0; i < job->n; i++)
		if (job->ids[i] == id)
			return;
	if (job->n < job->room)
		job->ids[job->n++] = id;
}

static void count(uint32_t id, void *arg)
{
	++*(size_t *)arg;
}

static void keep_work(struct job *job)
{
	struct keep_job *work = (struct keep_job *)job;

	sourcesets_keep(job->agent->node, work->ids, work->n, &work->fault);
}

static void keep_done(struct job *job)
{
	struct keep_job *work = (struct keep_job *)job;

	if (work->fault.text[0])
		log_event(LOG_ERROR, "sources_failed", LOG_NO_FIELDS, "%s", work->fault.text);
	free(work->ids);
	free(work);
}

static struct keep_job *keep_new(const struct gates *gates)
{
	struct keep_job *work = calloc(1, sizeof(*work));
	size_t i;

	if (!work)
		return NULL;
	work->job.work = keep_work;
	work->job.done = keep_done;
	for (i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->rules)
			each_named(&gates->entries[i]->rules->compiled, count, &work->room);
	work->ids = calloc(work->room + 1, sizeof(*work->ids));
	if (!work->ids) {
		free(work);
		return NULL;
	}
	for (i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->rules)
			each_named(&gates->entries[i]->rules->compiled, keep, work);
	return work;
}

static bool is_kept(const struct keep_job *work, uint32_t id)
{
	for (size_t i = 0; i < work->n; i++)
		if (work->ids[i] == id)
			return true;
	return false;
}

/* No rules but those of the entries are in force or on their way there. */
static bool is_quiet(const struct agent *agent)
{
	const struct gates *gates = &agent->gates;
	bool quiet = agent->ready && !agent->stopping && !gates->applying && !gates->dirty;

	for (size_t i = 0; i < gates->n_entries && quiet; i++)
		quiet = !gates->entries[i]->opening && gates->entries[i]->state != GATE_FAILED;
	return quiet;
}

void source_table_sweep(struct agent *agent)
{
	struct source_table *table = &agent->sources;
	struct keep_job *work = is_quiet(agent) ? keep_new(&agent->gates) : NULL;
	size_t before = table->n, i;

	if (!work)
		return;
	for (i = table->n = 0; i < before; i++) {
		if (is_kept(work, table->sets[i]->id))
			table->sets[table->n++] = table->sets[i];
		else
			set_free(table->sets[i]);
	}
	if (table->n == before && table->cleared) {
		free(work->ids);
		free(work);
		return;
	}
	table->cleared = true;
	job_submit(agent, &work->job);
}

void source_table_free(struct source_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		set_free(table->sets[i]);
	free(table->sets);
}
