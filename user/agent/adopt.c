/* SPDX-License-Identifier: MIT */
/* adopt.c - reads the pins of an earlier agent and settles what becomes of them. */
#include "adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "cgrouptree.h"
#include "cleanup.h"
#include "file.h"
#include "gatefile.h"
#include "jobs.h"
#include "log.h"
#include "netns.h"

/* One directory of pins. */
struct pinned {
	char *name;
	char *path;    /* to its namespace or cgroup, NULL: that is dead */
	int err;       /* of the look at it */
	bool outdated; /* of another version: its place alone is known */
	struct fault fault;
	struct plic_gate about;
	struct ruleset set;
};

struct adopt_job {
	struct job job;
	attach_done *found;
	int result;
	struct fault fault;
	struct quota_use *used; /* of the node, before it was started again */
	size_t n_used;
	struct quota_use *quotas; /* as the kernel has them; NULL: not known */
	size_t n_quotas;
	struct pinned *pins;
	size_t n_pins;
};

static int find_place(const struct plic_gate *about, char *path, size_t len)
{
	return about->cgroup_id ? cgroup_find(about->cgroup_id, path, len)
				: netns_find(about->netns_ino, NULL, path, len);
}

static void look_at(struct adopt_job *adopt, struct node *node, const char *name)
{
	struct pinned *grown, *pin;
	char path[PATH_MAX];

	grown = reallocarray(adopt->pins, adopt->n_pins + 1, sizeof(*grown));
	if (!grown)
		return;
	adopt->pins = grown;
	pin = &grown[adopt->n_pins];
	*pin = (struct pinned){.name = strdup(name)};
	if (!pin->name)
		return;
	adopt->n_pins++;
	pin->err = gate_peek(node, name, &pin->about, &pin->set, &pin->fault);
	pin->outdated = pin->err == -ESTALE;
	if (pin->outdated)
		pin->err = 0;
	if (!pin->err && !find_place(&pin->about, path, sizeof(path)))
		pin->path = strdup(path);
	if (pin->err || !pin->path)
		gate_collect(node, name, NULL);
}

/* One agent for one directory of pins, too: two would collect each other's gates. */
static int lock_pins(struct agent *agent, struct fault *f)
{
	const char *dir = agent->config.bpffs;
	int err;

	agent->pins_lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (agent->pins_lock < 0)
		return fault_set(f, errno, "can't open \"%s\": %s", dir, strerror(errno));
	err = file_lock(agent->pins_lock);
	if (err)
		return fault_set(f, -err,
				 "another agent uses the pins in \"%s\": stop it, or give this one "
				 "another \"bpffs\"",
				 dir);
	return 0;
}

static void adopt_work(struct job *job)
{
	struct adopt_job *adopt = (struct adopt_job *)job;
	char **names = NULL, **name;

	adopt->result = node_open(job->agent->config.bpffs, &job->agent->node, &adopt->fault);
	if (!adopt->result)
		adopt->result = lock_pins(job->agent, &adopt->fault);
	if (!adopt->result)
		adopt->result = quotas_put(job->agent->node, PLIC_NODE_WIDE, adopt->used,
					   adopt->n_used, &adopt->fault);
	if (!adopt->result) /* before pins are collected, and with them what their gates used */
		quotas_read(job->agent->node, &adopt->quotas, &adopt->n_quotas, NULL);
	if (!adopt->result)
		adopt->result = node_gates(job->agent->node, &names, &adopt->fault);
	for (name = names; name && *name; name++)
		look_at(adopt, job->agent->node, *name);
	node_names_free(names);
}

/* An id is in the pins for good; whoever has it in the table without pins takes another. */
static void claim_id(struct gates *gates, struct gate_entry *owner, uint32_t id)
{
	uint32_t was = owner->id;
	size_t i;

	for (i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->id == id)
			gates->entries[i]->id = was;
	owner->id = id;
}

static void adopt_pin(struct agent *agent, struct pinned *pin)
{
	struct gate_entry *entry = gates_find(&agent->gates, pin->name);
	struct place place = {0};
	struct fault f = {0};
	uint64_t generation;

	*(pin->about.cgroup_id ? &place.cgroup : &place.netns) = pin->path;
	if (pin->err || !pin->path) {
		log_event(LOG_WARN, "pins_collected", LOG_FIELDS("gate", pin->name), "%s",
			  pin->err		 ? pin->fault.text
			  : pin->about.cgroup_id ? "their cgroup is gone"
						 : "their namespace is gone");
		return;
	}
	if (!entry) {
		entry = gates_add(&agent->gates, pin->name, &place);
		log_event(LOG_WARN, "gate_found",
			  LOG_FIELDS("gate", pin->name, place_word(&place), pin->path),
			  "its pins are there and gates.json doesn't know it: taken over");
	}
	if (!entry)
		return;
	if (pin->outdated) {
		log_event(
			LOG_WARN, "gate_renewed", LOG_FIELDS("gate", entry->name),
			"its pins are of another version: its programs are replaced in place, its "
			"counters begin anew");
		return;
	}
	generation = pin->set.cells[PLIC_CELL_HEADER].header.generation;
	if (generation > agent->gates.generation)
		agent->gates.generation = generation;
	claim_id(&agent->gates, entry, pin->about.id);
	entry->place = pin->about.cgroup_id ? pin->about.cgroup_id : pin->about.netns_ino;
	entry->since_ns = pin->about.since_ns;
	if (rules_adopt(entry, &pin->set, &f))
		log_event(LOG_ERROR, "state_lost", LOG_FIELDS("gate", entry->name),
			  "its rules in the kernel can't be read back; its counters start anew: %s",
			  f.text);
}

static void take_quotas(struct agent *agent, struct adopt_job *adopt)
{
	_free_ const char **names = calloc(PLIC_MAX_GATES, sizeof(*names));

	for (size_t i = 0; names && i < adopt->n_pins; i++)
		if (!adopt->pins[i].err && adopt->pins[i].about.id < PLIC_MAX_GATES)
			names[adopt->pins[i].about.id] = adopt->pins[i].name;
	if (names && adopt->quotas)
		quotafile_take(agent, names, adopt->quotas, adopt->n_quotas);
	free(adopt->used);
}

static void adopt_done(struct job *job)
{
	struct adopt_job *adopt = (struct adopt_job *)job;
	struct agent *agent = job->agent;
	size_t i;

	take_quotas(agent, adopt);
	for (i = 0; i < adopt->n_pins; i++) {
		adopt_pin(agent, &adopt->pins[i]);
		free(adopt->pins[i].name);
		free(adopt->pins[i].path);
		ruleset_free(&adopt->pins[i].set);
	}
	free(adopt->pins);
	agent->gates.generation++;
	if (!adopt->result && agent->gates.n_entries)
		gatefile_save(agent);
	adopt->found(agent, NULL, adopt->result, &adopt->fault);
	free(adopt);
}

void adopt_pins(struct agent *agent, attach_done *found)
{
	struct adopt_job *adopt = calloc(1, sizeof(*adopt));

	if (!adopt)
		abort(); /* the first allocation of the start */
	adopt->job.work = adopt_work;
	adopt->job.done = adopt_done;
	adopt->found = found;
	quotafile_of(agent, "", &adopt->used, &adopt->n_used);
	job_submit(agent, &adopt->job);
}

/* By its descriptor the agent holds what was mounted there; a new one sees what is there now. */
static bool in_place(const struct agent *agent)
{
	struct stat held, there;

	return agent->pins_lock < 0 || fstat(agent->pins_lock, &held) ||
	       (!stat(agent->config.bpffs, &there) && held.st_dev == there.st_dev &&
		held.st_ino == there.st_ino);
}

void adopt_watch(struct agent *agent)
{
	struct fault *trouble = &agent->pins_trouble;
	bool was = trouble->text[0], is = !in_place(agent);

	if (was == is)
		return;
	*trouble = (struct fault){0};
	if (!is) {
		log_event(LOG_INFO, "pins_back", LOG_FIELDS("bpffs", agent->config.bpffs),
			  "the pins are where they were");
		return;
	}
	fault_set(trouble, ENOENT,
		  "the pins are no longer at \"%s\" (unmounted or removed): the gates hold as long "
		  "as the agent runs; mount the bpf file system again, then restart the agent",
		  agent->config.bpffs);
	log_event(LOG_ERROR, "pins_gone", LOG_FIELDS("bpffs", agent->config.bpffs), "%s",
		  trouble->text);
}
