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
#define PAUSE_FACTOR 20 /* of the time that a look takes: a node may have very many processes */

struct look_job {
	struct job job;
	struct fault cgroups, addresses;
	uint64_t took_ns;
	struct origin_network *cluster; /* of its nodes; NULL: not known */
	size_t n_cluster;
	struct origin_network *networks; /* new ones, NULL: as before */
	size_t n_networks;
	size_t n;
	struct look_item {
		struct gate_place place;
		struct gate_entry *entry; /* whose listeners are looked at too, NULL: nobody's */
	} items[];
};

/* In the order of who is believed: of a network that stands twice the first origin holds. */
static int list_networks(const struct look_job *look, struct origin_network **out, size_t *n,
			 struct fault *f)
{
	const struct origin_config *config = &look->job.agent->config.origins;
	_free_ struct cidr *own = NULL;
	struct origin_network *list;
	size_t n_own = 0;
	int err = addresses_list(&own, &n_own, f);

	if (err)
		return err;
	list = calloc(n_own + config->n_node + config->n_pods + look->n_cluster + 1, sizeof(*list));
	if (!list)
		return fault_set(f, ENOMEM, "out of memory");
	*n = 0;
	for (size_t i = 0; i < n_own; i++)
		list[(*n)++] = (struct origin_network){own[i], PLIC_ORIGIN_NODE};
	for (size_t i = 0; i < config->n_node; i++)
		list[(*n)++] = (struct origin_network){config->node[i], PLIC_ORIGIN_NODE};
	for (size_t i = 0; i < config->n_pods; i++)
		list[(*n)++] = (struct origin_network){config->pods[i], PLIC_ORIGIN_POD};
	for (size_t i = 0; i < look->n_cluster; i++)
		list[(*n)++] = look->cluster[i];
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

	if (list_networks(look, &list, &n, &look->addresses) ||
	    (before->networks && n == before->n_networks &&
	     !memcmp(list, before->networks, n * sizeof(*list))) ||
	    sourcesets_origins(agent->node, list, n, &look->addresses))
		return;
	look->networks = TAKE_PTR(list);
	look->n_networks = n;
}

static void look_at_cgroups(struct look_job *look)
{
	const struct origin_config *config = &look->job.agent->config.origins;
	_free_ struct gate_place *places = calloc(look->n + 1, sizeof(*places));

	for (size_t i = 0; places && i < look->n; i++)
		places[i] = look->items[i].place;
	if (places)
		cgroups_scan(look->job.agent->node, places, look->n, config->runtimes,
			     config->n_runtimes, &look->cgroups);
}

static void look_work(struct job *job)
{
	struct look_job *look = (struct look_job *)job;
	uint64_t began_ns = clock_boot_ns();

	look_at_addresses(look);
	if (look->n)
		look_at_cgroups(look);
	for (size_t i = 0; i < look->n; i++)
		if (look->items[i].entry && look->items[i].entry->gate)
			gate_owners(look->items[i].entry->gate, NULL);
	look->took_ns = clock_boot_ns() - began_ns;
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
	origins->next_ns = clock_boot_ns() + PAUSE_NS;
	if (look->took_ns > PAUSE_NS / PAUSE_FACTOR)
		origins->next_ns += PAUSE_FACTOR * look->took_ns - PAUSE_NS;
	note(&origins->cgroups, &look->cgroups, "cgroups_unknown");
	note(&origins->addresses, &look->addresses, "addresses_unknown");
	if (look->networks) {
		free(origins->networks);
		origins->networks = look->networks;
		origins->n_networks = look->n_networks;
	}
	free(look->cluster);
	free(look);
}

static void look(struct agent *agent)
{
	const struct gates *gates = &agent->gates;
	struct look_job *job = calloc(1, sizeof(*job) + gates->n_entries * sizeof(job->items[0]));

	if (!job)
		return;
	job->job.work = look_work;
	job->job.done = look_done;
	job->cluster = kubenodes_networks(agent, &job->n_cluster);
	if (!job->cluster) {
		free(job);
		return; /* with the next tick */
	}
	for (size_t i = 0; i < gates->n_entries; i++) {
		struct gate_entry *entry = gates->entries[i];

		if (!entry->place || entry->cgroup)
			continue;
		job->items[job->n++] = (struct look_item){
			.place = {entry->place, entry->id},
			.entry = entry->listeners_due ? entry : NULL,
		};
		entry->listeners_due = false;
	}
	agent->origins.due = false;
	agent->origins.looking = true;
	job_submit(agent, &job->job);
}

void origins_tick(struct agent *agent)
{
	const struct origins *origins = &agent->origins;

	if (origins->due && !origins->looking && !agent->stopping &&
	    clock_boot_ns() >= origins->next_ns)
		look(agent);
}

void origins_look(struct agent *agent, const uint32_t *gate)
{
	const struct gates *gates = &agent->gates;

	for (size_t i = 0; gate && i < gates->n_entries; i++)
		gates->entries[i]->listeners_due |= gates->entries[i]->id == *gate;
	agent->origins.due = true;
	origins_tick(agent);
}

static bool rule_asks(const struct plic_rule *rule)
{
	bool asks = rule->origins;

	for (size_t i = 0; i < rule->n_grants; i++)
		asks |= rule->grants[i].origins;
	return asks;
}

/* Does a rule in force ask for origins? */
static bool anybody_asks(const struct gates *gates)
{
	for (size_t i = 0; i < gates->n_entries; i++) {
		const struct rules *rules = gates->entries[i]->rules;

		for (size_t j = 0; rules && j < rules->compiled.n_ports; j++)
			if (rule_asks(&rules->compiled.ports[j].rule) ||
			    rule_asks(&rules->compiled.ports[j].interim))
				return true;
	}
	return false;
}

void origins_warn(const struct agent *agent, cJSON *warnings)
{
	const struct origins *origins = &agent->origins;

	if (!anybody_asks(&agent->gates))
		return;
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
