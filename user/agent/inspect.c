/* SPDX-License-Identifier: MIT */
/* inspect.c - one job reads all that is asked for. */
#include "inspect.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "jobs.h"
#include "portuse.h"

struct inspect_job {
	struct job job;
	unsigned int what;
	void (*done)(void *arg);
	void *arg;
	struct quota_use *quotas; /* NULL: not looked at */
	size_t n_quotas;
	size_t n;
	struct inspect_item {
		struct gate_entry *entry;
		unsigned int have; /* of what */
		struct gate_counters counters;
		struct gate_seats *seats;
		size_t n_seats;
		struct gate_attachment *attachments;
		size_t n_attachments;
		struct gate_stand stand;
		struct gate_peer *peers;
		size_t n_peers;
	} items[];
};

static uint64_t day_ago_ns(void)
{
	uint64_t now_ns = clock_boot_ns();

	return now_ns > PORT_USE_RECENT_NS ? now_ns - PORT_USE_RECENT_NS : 0;
}

static void inspect_one(struct inspect_item *item, unsigned int what)
{
	/* One may come up beside this look: see open_work() */
	struct gate *gate = __atomic_load_n(&item->entry->gate, __ATOMIC_ACQUIRE);

	if (!gate)
		return;
	if ((what & INSPECT_COUNTERS) && !gate_seats(gate, &item->seats, &item->n_seats, NULL)) {
		if (!gate_counters(gate, &item->counters, NULL))
			item->have |= INSPECT_COUNTERS;
		else
			free(item->seats);
	}
	if ((what & INSPECT_ATTACHMENTS) &&
	    !gate_attachments(gate, &item->attachments, &item->n_attachments, NULL))
		item->have |= INSPECT_ATTACHMENTS;
	if ((what & INSPECT_LISTENERS) &&
	    !gate_stand(gate, what & INSPECT_MARK, &item->stand, NULL))
		item->have |= INSPECT_LISTENERS;
	if ((what & INSPECT_PEERS) &&
	    !gate_peers(gate, day_ago_ns(), &item->peers, &item->n_peers, NULL))
		item->have |= INSPECT_PEERS;
}

static void inspect_work(struct job *job)
{
	struct inspect_job *inspect = (struct inspect_job *)job;
	size_t i;

	for (i = 0; i < inspect->n; i++)
		inspect_one(&inspect->items[i], inspect->what);
	if (inspect->what & (INSPECT_COUNTERS | INSPECT_QUOTAS))
		quotas_read(job->agent->node, &inspect->quotas, &inspect->n_quotas, NULL);
}

static void take(struct inspect_item *item)
{
	struct gate_entry *entry = item->entry;

	if (item->have & INSPECT_COUNTERS) {
		gate_counters_free(&entry->counters);
		entry->counters = item->counters;
		free(entry->seats);
		entry->seats = item->seats;
		entry->n_seats = item->n_seats;
	}
	if (item->have & INSPECT_ATTACHMENTS) {
		free(entry->attachments);
		entry->attachments = item->attachments;
		entry->n_attachments = item->n_attachments;
	}
	if (item->have & INSPECT_LISTENERS) {
		gate_stand_free(&entry->stand);
		entry->stand = item->stand;
	}
	if (item->have & INSPECT_PEERS) {
		free(entry->peers);
		entry->peers = item->peers;
		entry->n_peers = item->n_peers;
	}
}

static void inspect_done(struct job *job)
{
	struct inspect_job *inspect = (struct inspect_job *)job;
	size_t i;

	for (i = 0; i < inspect->n; i++)
		take(&inspect->items[i]);
	if (inspect->quotas)
		quotafile_take(job->agent, NULL, inspect->quotas, inspect->n_quotas);
	if (inspect->done)
		inspect->done(inspect->arg);
	free(inspect);
}

void inspect_gates(struct agent *agent, const char *name, unsigned int what,
		   void (*done)(void *arg), void *arg)
{
	const struct gates *gates = &agent->gates;
	struct inspect_job *inspect;
	size_t i;

	inspect = calloc(1, sizeof(*inspect) + gates->n_entries * sizeof(inspect->items[0]));
	if (!inspect) {
		if (done)
			done(arg);
		return;
	}
	inspect->job.work = inspect_work;
	inspect->job.done = inspect_done;
	inspect->what = what;
	inspect->done = done;
	inspect->arg = arg;
	for (i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->state == GATE_ATTACHED &&
		    (!name || !strcmp(gates->entries[i]->name, name)))
			inspect->items[inspect->n++].entry = gates->entries[i];
	/* At the start it waits its turn: behind who finds the node, and the gates of before. */
	if ((what & INSPECT_AHEAD) && agent->ready)
		inspect->job.kind = JOB_LOOKS;
	job_submit(agent, &inspect->job);
}
