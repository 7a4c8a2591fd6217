/* SPDX-License-Identifier: MIT */
/* attach.c - jobs that open and remove gates. */
#include "attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "gatefile.h"
#include "jobs.h"
#include "log.h"
#include "sourcesets.h"
#include "sweep.h"
#include "tighten.h"

#define RETRY_NS (5 * 1000000000ULL)

struct open_job {
	struct job job;
	struct gate_entry *entry;
	struct gate_spec spec;
	struct quota_use *used; /* before, of quotas */
	struct rules *rules;
	bool again;	/* its rules were read back from pins */
	uint8_t *named; /* then: see rules_newly_named */
	bool moved;	/* to another place than the one that gates.json has */
	int result;
	struct fault fault;
	uint32_t id;
	uint64_t since_ns;
	struct gate_counters counters;
	struct gate_stand stand;
	struct gate_attachment *attachments;
	size_t n_attachments;
	attach_done *done;
	void *arg;
};

static void open_work(struct job *job)
{
	struct open_job *open = (struct open_job *)job;
	struct gate *gate = NULL;

	if (open->entry->gate) { /* can't be: one open at a time */
		open->result = -EBUSY;
		return;
	}
	open->result = sourcesets_put(job->agent->node, open->rules->sources,
				      open->rules->n_sources, &open->fault);
	if (open->result)
		return;
	open->result = gate_open(job->agent->node, &open->spec, &open->rules->compiled.set, &gate,
				 &open->fault);
	if (open->result)
		return;
	open->id = gate_id(gate);
	open->since_ns = gate_since_ns(gate);
	/* The gate stands; what can't be seen of it now the next sweep sees. */
	gate_counters(gate, &open->counters, NULL);
	/*
	 * On ports that had a rule all along egress has marked the pod's own connections: what isn't
	 * marked there came in, even if its listener is closed now.
	 */
	if (open->named)
		gate_mark(gate, open->named, NULL);
	gate_stand(gate, !open->again, &open->stand, NULL);
	gate_attachments(gate, &open->attachments, &open->n_attachments, NULL);
	/* Last: who looks meanwhile may have been asked to when another gate of this entry stood. */
	__atomic_store_n(&open->entry->gate, gate, __ATOMIC_RELEASE);
}

static void open_failed(struct gate_entry *entry, const struct open_job *open)
{
	struct place place = place_of(entry);
	struct fault was = entry->error;

	entry->state = open->result == -ENOENT ? GATE_WAITING : GATE_FAILED;
	entry->error = open->fault;
	if (!entry->error.text[0])
		fault_set(&entry->error, -open->result, "%s", strerror(-open->result));
	entry->retry_ns = clock_boot_ns() + RETRY_NS;
	if (strcmp(was.text, entry->error.text))
		log_event(LOG_ERROR, "gate_failed",
			  LOG_FIELDS("gate", entry->name, place_word(&place), place_path(&place)),
			  "%s", entry->error.text);
}

static void opened(struct agent *agent, struct gate_entry *entry, struct open_job *open)
{
	bool adopted = open->since_ns < agent->gates.began_ns;
	struct place place = place_of(entry);

	rules_free(entry->rules);
	entry->rules = open->rules;
	open->rules = NULL;
	entry->state = GATE_ATTACHED;
	entry->error = (struct fault){0};
	entry->id = open->id;
	entry->since_ns = open->since_ns;
	entry->generation = entry->rules->compiled.set.cells[PLIC_CELL_HEADER].header.generation;
	gate_counters_free(&entry->counters);
	entry->counters = open->counters;
	free(entry->attachments);
	entry->attachments = open->attachments;
	entry->n_attachments = open->n_attachments;
	gate_stand_free(&entry->stand);
	entry->stand = open->stand;
	log_event(LOG_INFO, adopted ? "gate_adopted" : "gate_attached",
		  LOG_FIELDS("gate", entry->name, place_word(&place), place_path(&place)),
		  "%zu hooks, %zu ports", entry->n_attachments, entry->rules->compiled.n_ports);
	shield_opened(agent, entry);
	if (open->moved)
		gatefile_save(agent);
	origins_look(agent, &entry->id);
	if ((!adopted && tighten_now(entry)) || entry->generation != agent->gates.generation)
		rules_changed(agent);
}

static void open_done(struct job *job)
{
	struct open_job *open = (struct open_job *)job;
	struct gate_entry *entry = open->entry;

	entry->opening = false;
	if (!open->result && !entry->removed) {
		opened(job->agent, entry, open);
	} else {
		if (!entry->removed)
			open_failed(entry, open);
		gate_counters_free(&open->counters);
		free(open->attachments);
		gate_stand_free(&open->stand);
	}
	rules_free(open->rules);
	free(open->named);
	free(open->used);
	if (open->done)
		open->done(job->agent, open->arg, open->result, &open->fault);
	sweep_waiting(job->agent);
	agent_ready_if_tried(job->agent);
	free(open);
}

void attach_open(struct agent *agent, struct gate_entry *entry, uint64_t place, attach_done *done,
		 void *arg)
{
	struct open_job *open = calloc(1, sizeof(*open));
	int err;

	if (!open)
		return;
	if (entry->place != place && entry->place)
		gate_entry_reset(entry); /* another one: nothing of the old one holds */
	open->job.kind = JOB_OPENS;
	open->job.work = open_work;
	open->job.done = open_done;
	open->entry = entry;
	open->moved = entry->place != place;
	entry->place = place;
	err = rules_compile(agent, entry, &open->rules, &open->fault);
	if (err) {
		open->result = err;
		open_failed(entry, open);
		if (done)
			done(agent, arg, err, &entry->error);
		free(open);
		return;
	}
	open->again = entry->rules != NULL;
	if (open->again)
		open->named =
			rules_newly_named(&entry->rules->compiled.set, &open->rules->compiled);
	open->done = done;
	open->arg = arg;
	open->spec = (struct gate_spec){.name = entry->name,
					.netns = entry->netns,
					.cgroup = entry->cgroup,
					.place = place,
					.id = entry->id};
	quotafile_of(agent, entry->name, &open->used, &open->spec.n_used);
	open->spec.used = open->used;
	entry->opening = true;
	entry->tried = true;
	kubepeers_tell(agent);
	job_submit(agent, &open->job);
}

struct remove_job {
	struct job job;
	struct gate_entry *entry;
	struct quota_use *quotas; /* before; NULL: not known */
	size_t n_quotas;
	attach_done *done;
	void *arg;
	int result;
	struct fault fault;
};

static void remove_work(struct job *job)
{
	struct remove_job *remove = (struct remove_job *)job;
	struct gate_entry *entry = remove->entry;

	quotas_read(job->agent->node, &remove->quotas, &remove->n_quotas, NULL);
	if (entry->gate)
		remove->result = gate_remove(entry->gate, &remove->fault);
	else
		remove->result = gate_collect(job->agent->node, entry->name, &remove->fault);
	entry->gate = NULL;
	if (remove->result == -ENOENT) /* it never came up: no pins */
		remove->result = 0;
}

static void remove_done(struct job *job)
{
	struct remove_job *remove = (struct remove_job *)job;
	_free_ const char **names = quotafile_names(job->agent, remove->entry);

	if (remove->quotas && names)
		quotafile_take(job->agent, names, remove->quotas, remove->n_quotas);
	if (remove->result)
		log_event(LOG_ERROR, "gate_failed", LOG_FIELDS("gate", remove->entry->name), "%s",
			  remove->fault.text);
	else
		log_event(LOG_INFO, "gate_removed", LOG_FIELDS("gate", remove->entry->name),
			  "taken down with its pins");
	if (remove->done)
		remove->done(job->agent, remove->arg, remove->result, &remove->fault);
	gate_entry_free(remove->entry);
	free(remove);
}

void attach_remove(struct agent *agent, struct gate_entry *entry, attach_done *done, void *arg)
{
	static const struct fault no_memory = {"out of memory"};
	struct remove_job *remove = calloc(1, sizeof(*remove));

	if (!remove) {
		if (done)
			done(agent, arg, -ENOMEM, &no_memory);
		return;
	}
	remove->job.work = remove_work;
	remove->job.done = remove_done;
	remove->entry = entry;
	remove->done = done;
	remove->arg = arg;
	gates_take_out(&agent->gates, entry);
	gatefile_save(agent);
	entitlements_remove(agent, entry);
	job_submit(agent, &remove->job);
}
