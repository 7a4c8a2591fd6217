/* SPDX-License-Identifier: MIT */
/* usher.c - the round over the seats of all gates, as a job. */
#include "usher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "jobs.h"
#include "log.h"
#include "seats.h"

struct usher_job {
	struct job job;
	bool all; /* the gates of the node */
	struct fault fault;
	int result;
	size_t n;
	struct usher_item {
		struct gate_entry *entry;
		unsigned int cut;
	} items[];
};

static void usher_work(struct job *job)
{
	struct usher_job *round = (struct usher_job *)job;
	_free_ struct seats_gate *gates = calloc(round->n + 1, sizeof(*gates));
	size_t i, n = 0;

	if (!gates)
		return;
	for (i = 0; i < round->n; i++)
		if (round->items[i].entry->gate)
			gates[n++].gate = round->items[i].entry->gate;
	round->result = seats_round(job->agent->node, gates, n, round->all, &round->fault);
	for (i = n = 0; i < round->n; i++)
		if (round->items[i].entry->gate)
			round->items[i].cut = gates[n++].cut;
}

static void log_cut(struct usher_item *item)
{
	char n[16];

	if (!item->cut || item->entry->removed)
		return;
	item->entry->connections_cut += item->cut;
	snprintf(n, sizeof(n), "%u", item->cut);
	log_event(LOG_INFO, "seats_taken", LOG_FIELDS("gate", item->entry->name, "connections", n),
		  "their clients have no seat, and were reset");
}

/* Told once, until it goes well again. */
static void log_trouble(struct agent *agent, const struct usher_job *round)
{
	if (round->result && strcmp(agent->seats_trouble.text, round->fault.text))
		log_event(LOG_ERROR, "seats_failed", LOG_NO_FIELDS, "%s", round->fault.text);
	agent->seats_trouble = round->fault;
}

static void usher_done(struct job *job)
{
	struct usher_job *round = (struct usher_job *)job;
	struct agent *agent = job->agent;
	size_t i;

	agent->ushering = false;
	for (i = 0; i < round->n; i++)
		log_cut(&round->items[i]);
	log_trouble(agent, round);
	free(round);
	kube_seats_round(agent);
}

/* A gate that waits has no namespace, so nobody in it; of one that failed nobody knows. */
static bool counts(const struct gate_entry *entry)
{
	return !entry->opening && entry->state != GATE_FAILED;
}

void usher_round(struct agent *agent)
{
	const struct gates *gates = &agent->gates;
	struct usher_job *round;
	size_t i;

	if (agent->ushering || agent->stopping || !agent->ready)
		return;
	round = calloc(1, sizeof(*round) + gates->n_entries * sizeof(round->items[0]));
	if (!round)
		return;
	round->job.work = usher_work;
	round->job.done = usher_done;
	round->all = true;
	for (i = 0; i < gates->n_entries; i++) {
		round->all &= counts(gates->entries[i]);
		if (gates->entries[i]->state == GATE_ATTACHED)
			round->items[round->n++].entry = gates->entries[i];
	}
	agent->ushering = true;
	job_submit(agent, &round->job);
}
