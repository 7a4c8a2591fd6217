/* SPDX-License-Identifier: MIT */
/* origins.c - one job looks at the processes and addresses of the node. */
#include "origins.h"

#include <stdlib.h>
#include <string.h>

#include "addresses.h"
#include "agent.h"
#include "cleanup.h"
#include "jobs.h"
#include "log.h"
#include "portlic.h"
#include "reply.h"
#include "sourcesets.h"

#define PAUSE_NS 1000000000ULL

struct look_job {
	struct job job;
	struct fault cgroups, addresses;
	struct gate_entry *entry;	 /* whose listeners are looked at too, NULL: nobody's */
	struct origin_network *networks; /* new ones, NULL: as before */
	size_t n_networks;
	size_t n_gates;
	struct gate_place gates[];
};

/* Ahead of the configuration's: of a network that stands twice the first origin holds. */
static int list_networks(const struct origin_config *config, struct origin_network **out, size_t *n,
			 struct fault *f)
{
	_free_ struct cidr *own = NULL;
	struct origin_network *list;
	size_t n_own = 0;
	int err = addresses_list(&own, &n_own, f);

	if (err)
		return err;
	list = calloc(n_own + config->n_node + config->n_pods + 1, sizeof(*list));
	if (!list)
		return fault_set(f, ENOMEM, "out of memory");
	*n = 0;
	for (size_t i = 0; i < n_own; i++)
		list[(*n)++] = (struct origin_network){own[i], PLIC_ORIGIN_NODE};
	for (size_t i = 0; i < config->n_node; i++)
		list[(*n)++] = (struct origin_network){config->node[i], PLIC_ORIGIN_NODE};
	for (size_t i = 0; i < config->n_pods; i++)
		list[(*n)++] = (struct origin_network){config->pods[i], PLIC_ORIGIN_POD};
	*out = list;
	return 0;
}

/* Only one look is under way at a time, so what the last one wrote stays as it is meanwhile. */
static void look_at_addresses(struct look_job *look)
{
	const struct agent *agent = look->job.agent;
	const struct origins *before = &agent->origins;
	_free_ struct origin_network *list = NULL;
	size_t n = 0;

	if (list_networks(&agent->config.origins, &list, &n, &look->addresses) ||
	    (before->networks && n == before->n_networks &&
	     !memcmp(list, before->networks, n * sizeof(*list))) ||
	    sourcesets_origins(agent->node, list, n, &look->addresses))
		return;
	look->networks = TAKE_PTR(list);
	look->n_networks = n;
}

static void look_work(struct job *job)
{
	struct look_job *look = (struct look_job *)job;
	const struct origin_config *config = &job->agent->config.origins;

	look_at_addresses(look);
	if (look->n_gates)
		cgroups_scan(job->agent->node, look->gates, look->n_gates, config->runtimes,
			     config->n_runtimes, &look->cgroups);
	if (look->entry && look->entry->gate)
		gate_owners(look->entry->gate, NULL);
}

static void note(struct fault *last, const struct fault *now, const char *event)
{
	if (now->text[0] && strcmp(last->text, now->text))
		log_event(LOG_WARN, event, LOG_NO_FIELDS, "%s", now->text);
	*last = *now;
}

static void look_done(struct job *job)
{
	struct look_job *look = (struct look_job *)job;
	struct origins *origins = &job->agent->origins;

	origins->looking = false;
	origins->looked_ns = clock_boot_ns();
	note(&origins->cgroups, &look->cgroups, "cgroups_unknown");
	note(&origins->addresses, &look->addresses, "addresses_unknown");
	if (look->networks) {
		free(origins->networks);
		origins->networks = look->networks;
		origins->n_networks = look->n_networks;
	}
	free(look);
}

static struct gate_entry *entry_of(const struct gates *gates, uint32_t id)
{
	size_t i;

	for (i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->id == id && gates->entries[i]->state == GATE_ATTACHED)
			return gates->entries[i];
	return NULL;
}

static void look(struct agent *agent)
{
	struct origins *origins = &agent->origins;
	const struct gates *gates = &agent->gates;
	struct look_job *job = calloc(1, sizeof(*job) + gates->n_entries * sizeof(job->gates[0]));
	size_t i;

	if (!job)
		return;
	job->job.work = look_work;
	job->job.done = look_done;
	for (i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->place && !gates->entries[i]->cgroup)
			job->gates[job->n_gates++] = (struct gate_place){gates->entries[i]->place,
									 gates->entries[i]->id};
	if (origins->tell)
		job->entry = entry_of(gates, origins->gate);
	origins->due = origins->tell = false;
	origins->looking = true;
	job_submit(agent, &job->job);
}

void origins_tick(struct agent *agent)
{
	const struct origins *origins = &agent->origins;

	if (origins->due && !origins->looking && !agent->stopping &&
	    (!origins->looked_ns || clock_boot_ns() - origins->looked_ns >= PAUSE_NS))
		look(agent);
}

void origins_look(struct agent *agent, const uint32_t *gate)
{
	struct origins *origins = &agent->origins;

	origins->due = true;
	if (gate) {
		origins->tell = true;
		origins->gate = *gate;
	}
	origins_tick(agent);
}

void origins_warn(const struct agent *agent, cJSON *warnings)
{
	const struct origins *origins = &agent->origins;

	if (origins->support == CGROUPS_NONE)
		json_warn(warnings,
			  "origins on lo are unknown: this node has no cgroup v2, so only a policy "
			  "that admits \"unknown\" lets anybody in there");
	else if (origins->cgroups.text[0])
		json_warn(warnings, "origins on lo may be unknown: %s", origins->cgroups.text);
	else if (origins->support == CGROUPS_HYBRID)
		json_warn(warnings,
			  "origins on lo: cgroup v1 is in use beside v2, so containers whose "
			  "runtime gives them no cgroup of v2 pass for that runtime");
	if (origins->addresses.text[0])
		json_warn(warnings, "origins of addresses may be old: %s", origins->addresses.text);
}
