/* SPDX-License-Identifier: MIT */
/* cuts.c - finds the ports that have come to their cut, and has their connections ended. */
#include "cuts.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "jobs.h"
#include "log.h"

#define PORTS_LEN (65536 / 8)
#define MAX_WAIT_NS (3600 * 1000000000ULL)
#define MAX_GATES 64 /* in a job, so that other kernel work gets its turn */
#define NEXT_JOB_NS (100 * 1000000ULL)

struct cut_job {
	struct job job;
	size_t n;
	struct cut_item {
		struct gate_entry *entry;
		uint8_t ports[PORTS_LEN];
		unsigned int n_cut;
		int result;
		struct fault fault;
	} items[];
};

static void cut_work(struct job *job)
{
	struct cut_job *cut = (struct cut_job *)job;
	size_t i;

	for (i = 0; i < cut->n; i++) {
		struct cut_item *item = &cut->items[i];
		struct gate *gate = item->entry->gate;

		if (gate)
			item->result = gate_cut(gate, item->ports, &item->n_cut, &item->fault);
	}
}

static void cut_failed(struct agent *agent, struct cut_item *item)
{
	struct gate_entry *entry = item->entry;

	if (item->result == -EOPNOTSUPP) {
		if (!agent->cuts.unsupported)
			log_event(LOG_WARN, "cut_unsupported", LOG_FIELDS("gate", entry->name),
				  "%s", item->fault.text);
		agent->cuts.unsupported = true;
		return;
	}
	if (strcmp(entry->cut_fault.text, item->fault.text))
		log_event(LOG_ERROR, "cut_failed", LOG_FIELDS("gate", entry->name),
			  "the gate drops their packets; tried again: %s", item->fault.text);
	entry->cut_fault = item->fault;
	free(entry->cut_ports); /* as if they had just come to it */
	entry->cut_ports = NULL;
}

static void item_done(struct agent *agent, struct cut_item *item)
{
	struct gate_entry *entry = item->entry;
	char number[16];

	if (entry->removed)
		return;
	if (item->n_cut) {
		entry->connections_cut += item->n_cut;
		snprintf(number, sizeof(number), "%u", item->n_cut);
		log_event(LOG_INFO, "connections_cut",
			  LOG_FIELDS("gate", entry->name, "number", number),
			  "they stood on ports whose right is over, and were reset");
	}
	if (item->result)
		cut_failed(agent, item);
	else
		entry->cut_fault = (struct fault){0};
}

static void cut_done(struct job *job)
{
	struct cut_job *cut = (struct cut_job *)job;
	size_t i;

	for (i = 0; i < cut->n; i++)
		item_done(job->agent, &cut->items[i]);
	free(cut);
}

/* Sets a bit for each port that is past its cut. *next_ns: when one more will be. */
static bool find_ports(const struct gate_entry *entry, uint64_t now_ns, uint8_t *ports,
		       uint64_t *next_ns)
{
	const struct compiled *compiled = &entry->rules->compiled;
	bool any = false;
	uint32_t port;
	size_t i;

	if (compiled->until_ns > now_ns && compiled->until_ns < *next_ns)
		*next_ns = compiled->until_ns;
	for (i = 0; i < compiled->n_ports; i++) {
		const struct compiled_port *at = &compiled->ports[i];
		const struct plic_rule *rule = compiled_rule(compiled, at, now_ns);
		uint64_t boundary = rule_next_cut_ns(rule, now_ns);

		if (at->ip_proto != IPPROTO_TCP)
			continue;
		if (boundary < *next_ns)
			*next_ns = boundary;
		if (!rule_is_cut(rule, now_ns))
			continue;
		any = true;
		for (port = at->port; port <= at->end_port; port++)
			ports[port / 8] |= 1U << port % 8;
	}
	return any;
}

static bool gained(const uint8_t *before, const uint8_t *now)
{
	size_t i;

	for (i = 0; i < PORTS_LEN; i++)
		if (now[i] & ~(before ? before[i] : 0))
			return true;
	return false;
}

static bool stands(const struct gate_entry *entry, const uint8_t *ports)
{
	size_t i;

	for (i = 0; i < entry->stand.n_inbound; i++) {
		const struct gate_listener *at = &entry->stand.inbound[i];

		if (at->ip_proto == IPPROTO_TCP && ports[at->port / 8] >> at->port % 8 & 1)
			return true;
	}
	return false;
}

/* true: the gate's connections on `ports` have to go. */
static bool is_due(struct agent *agent, struct gate_entry *entry, uint8_t *ports, uint64_t *next_ns)
{
	bool due = false;

	memset(ports, 0, PORTS_LEN);
	if (!find_ports(entry, clock_boot_ns(), ports, next_ns)) {
		free(entry->cut_ports);
		entry->cut_ports = NULL;
		return false;
	}
	due = gained(entry->cut_ports, ports) || (agent->cuts.inspected && stands(entry, ports));
	if (!entry->cut_ports)
		entry->cut_ports = malloc(PORTS_LEN);
	if (entry->cut_ports)
		memcpy(entry->cut_ports, ports, PORTS_LEN);
	return due;
}

static struct cut_job *find_due(struct agent *agent, uint64_t now_ns, uint64_t *next_ns)
{
	const struct gates *gates = &agent->gates;
	uint8_t ports[PORTS_LEN];
	struct cut_job *cut = NULL;
	size_t i;

	for (i = 0; i < gates->n_entries; i++) {
		struct gate_entry *entry = gates->entries[i];
		size_t n = cut ? cut->n : 0;
		void *grown;

		if (n == MAX_GATES) {
			*next_ns = now_ns + NEXT_JOB_NS;
			break;
		}
		if (entry->state != GATE_ATTACHED || !entry->rules ||
		    !is_due(agent, entry, ports, next_ns))
			continue;
		grown = realloc(cut, sizeof(*cut) + (n + 1) * sizeof(cut->items[0]));
		if (!grown) /* the next inspection sees what stands */
			continue;
		cut = grown;
		cut->n = n + 1;
		memset(&cut->items[n], 0, sizeof(cut->items[n]));
		cut->items[n].entry = entry;
		memcpy(cut->items[n].ports, ports, PORTS_LEN);
	}
	return cut;
}

static void on_boundary(uv_timer_t *timer)
{
	cuts_check(timer->data);
}

/*
 * Only rules that are in force count: while others are on their way, a port that was just renewed would
 * still look like one that is past its cut.
 */
static void check_now(void *arg)
{
	struct agent *agent = arg;
	uint64_t now_ns = clock_boot_ns(), next_ns = now_ns + MAX_WAIT_NS;
	struct cut_job *cut;

	agent->cuts.waiting = false;
	if (agent->stopping || agent->gates.applying || agent->gates.dirty)
		return;
	cut = find_due(agent, now_ns, &next_ns);
	agent->cuts.inspected = false;
	uv_timer_start(&agent->cuts.timer, on_boundary,
		       next_ns > now_ns ? (next_ns - now_ns) / 1000000 + 1 : 1, 0);
	if (!cut)
		return;
	memset(&cut->job, 0, sizeof(cut->job));
	cut->job.work = cut_work;
	cut->job.done = cut_done;
	job_submit(agent, &cut->job);
}

void cuts_check(struct agent *agent)
{
	if (agent->cuts.waiting || agent->stopping)
		return;
	agent->cuts.waiting = true;
	rules_when_applied(agent, check_now, agent);
}

void cuts_inspected(void *arg)
{
	struct agent *agent = arg;

	agent->cuts.inspected = true;
	cuts_check(agent);
}

void cuts_start(struct agent *agent)
{
	uv_timer_init(&agent->loop, &agent->cuts.timer);
	agent->cuts.timer.data = agent;
}

void cuts_stop(struct agent *agent)
{
	uv_close((uv_handle_t *)&agent->cuts.timer, NULL);
}
