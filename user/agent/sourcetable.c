/* SPDX-License-Identifier: MIT */
/* sourcetable.c - keeps and drops the networks of policies. */
#include "sourcetable.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "jobs.h"
#include "log.h"
#include "sourcesets.h"

static struct source_item *find(const struct source_table *table, uint32_t id)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->items[i]->set.id == id)
			return table->items[i];
	return NULL;
}

static void item_free(struct source_item *item)
{
	if (item)
		free(item->set.prefixes);
	if (item)
		free(item->pods);
	free(item);
}

/* Which pods are in it, in words that are the same for the same; the caller's. "" for none. */
static char *pods_text(const struct from *from, const char *namespace)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool whole = out;

	for (size_t i = 0; out && i < from->n_pods; i++) {
		const struct from_pods *entry = &from->pods[i];
		_free_ char *pods = selector_text(&entry->pods);
		_free_ char *namespaces =
			entry->namespaces ? selector_text(entry->namespaces) : NULL;

		whole &= pods && (namespaces || !entry->namespaces);
		fprintf(out, "%s\n%c%s\n", pods ? pods : "", entry->namespaces ? '?' : '=',
			entry->namespaces ? namespaces
			: namespace	  ? namespace
					  : "");
	}
	if (out && fclose(out))
		whole = false;
	if (whole)
		return text;
	free(text);
	return NULL;
}

static struct source_item *item_new(uint32_t id, const struct from *from, const char *namespace)
{
	struct source_item *item = calloc(1, sizeof(*item));
	size_t n = from->set.n_prefixes;

	if (!item)
		return NULL;
	item->set.id = id;
	item->set.n_prefixes = n;
	item->set.prefixes = calloc(n + 1, sizeof(*item->set.prefixes));
	item->pods = pods_text(from, namespace);
	if (!item->set.prefixes || !item->pods) {
		item_free(item);
		return NULL;
	}
	if (n)
		memcpy(item->set.prefixes, from->set.prefixes, n * sizeof(*from->set.prefixes));
	return item;
}

static bool same(const struct source_item *a, const struct source_item *b)
{
	size_t n = a->set.n_prefixes;

	return n == b->set.n_prefixes && !strcmp(a->pods, b->pods) &&
	       (!n || !memcmp(a->set.prefixes, b->set.prefixes, n * sizeof(*a->set.prefixes)));
}

static int add(struct agent *agent, const struct from *from, const char *namespace,
	       struct source_item *item)
{
	struct source_table *table = &agent->sources;
	struct source_item **grown = reallocarray(table->items, table->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	table->items = grown;
	if (from->n_pods && kubepeers_add(agent, item->set.id, from, namespace))
		return -ENOMEM;
	grown[table->n++] = item;
	return 0;
}

static int take(struct agent *agent, const struct from *from, const char *namespace,
		struct fault *f)
{
	uint32_t id = from_set_id(from, namespace);
	const struct source_item *there = id ? find(&agent->sources, id) : NULL;
	struct source_item *item = id ? item_new(id, from, namespace) : NULL;
	int err = 0;

	if (!id)
		return 0;
	if (!item)
		return -ENOMEM;
	if (there && !same(there, item))
		err = fault_set(f, EEXIST,
				"two \"from\" have the same digest (one in 4 billion): write one "
				"with a network more");
	else if (!there)
		err = add(agent, from, namespace, item);
	if (err || there)
		item_free(item);
	return err;
}

int source_table_take(struct agent *agent, const struct policy *policy, const char *namespace,
		      struct fault *f)
{
	int err = 0;

	for (size_t i = 0; policy && !err && i < policy->n_open; i++)
		err = take(agent, &policy->open[i].from, namespace, f);
	for (size_t i = 0; policy && !err && i < policy->n_ports; i++)
		err = take(agent, &policy->ports[i].from, namespace, f);
	return err;
}

static int by_address(const void *address, const void *prefix)
{
	const struct source_prefix *p = prefix;
	int r = memcmp(address, p->address, sizeof(p->address));

	return r ? r : 128 - p->len;
}

enum source_under source_table_under(const struct source_table *table, uint32_t id,
				     const uint8_t address[16])
{
	const struct source_item *item = find(table, id);
	const struct source_prefix *p =
		item && item->set.n_prefixes ? bsearch(address, item->set.prefixes,
						       item->set.n_prefixes, sizeof(*p), by_address)
					     : NULL;

	return !p ? SOURCE_UNDER_NONE : p->in ? SOURCE_UNDER_IN : SOURCE_UNDER_OUT;
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
		choice->chosen[i] |= choice->table->items[i]->set.id == id;
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
			list[(*n)++] = &table->items[i]->set;
	*out = list;
	return 0;
}

/* What is in the kernel to be kept: also sets that only rules of an earlier agent name. */
struct keep_job {
	struct job job;
	int result;
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

	work->result = sourcesets_keep(job->agent->node, work->ids, work->n, &work->fault);
}

static void keep_done(struct job *job)
{
	struct keep_job *work = (struct keep_job *)job;

	if (work->result) {
		log_event(LOG_ERROR, "sources_failed", LOG_NO_FIELDS, "%s", work->fault.text);
		job->agent->sources.cleared = false;
		kubepeers_look_again(job->agent); /* pods of sets that should be gone */
	}
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
	bool quiet = agent->ready && !agent->stopping && !gates->applying && !gates->dirty &&
		     !agent->kubepeers.looking;

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
		if (is_kept(work, table->items[i]->set.id))
			table->items[table->n++] = table->items[i];
		else
			item_free(table->items[i]);
	}
	if (table->n == before && table->cleared) {
		free(work->ids);
		free(work);
		return;
	}
	table->cleared = true;
	job_submit(agent, &work->job);
	kubepeers_keep(agent, work->ids, work->n);
}

void source_table_free(struct source_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		item_free(table->items[i]);
	free(table->items);
}
