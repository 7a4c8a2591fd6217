/* SPDX-License-Identifier: MIT */
/* kube_report.c - what this node says of its licenses, in a Lease of its own: when that changes, and now and then. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "log.h"

#define NS_PER_S 1000000000ULL
#define AGAIN_S 30 /* with many nodes not more often */
#define AGAIN_MIN_S 3
#define ALIVE_S 600    /* not more seldom, a tenth to either side */
#define NODES_PER_S 50 /* that write when all of them have news at once */
#define RETRY_S 2

/* generation 0: what decides whether there is news; generations come and go with pods. */
static char *report_text(const struct agent *agent, int64_t generation)
{
	const struct source *source = &agent->licenses.source;
	struct nodereport report = {.generation = generation};
	char *text;
	size_t i;

	for (i = 0; i < source->n_files; i++) {
		const struct source_file *file = source->files[i];
		const struct license_entry *entry = file->value;

		if (file->outside && entry)
			nodereport_add(&report, file->name, entry->state,
				       entry->lic ? entry->lic->sha256 : NULL);
	}
	text = nodereport_text(&report);
	nodereport_free(&report);
	return text;
}

static void on_answer(void *arg, const struct kube_answer *answer)
{
	struct agent *agent = arg;
	struct kube_sync *sync = &agent->kube_sync;
	uint64_t now = clock_boot_ns();

	sync->report_request = NULL;
	if (kube_well(answer)) {
		free(sync->reported);
		sync->reported = TAKE_PTR(sync->reporting);
		sync->report_ns = now;
		sync->report_alive_ns =
			now + (ALIVE_S * 9 / 10 + randombytes_uniform(ALIVE_S / 5)) * NS_PER_S;
		sync->report_due_ns = 0;
		sync->report_failures = 0;
		sync->report_absent = false;
		return;
	}
	free(TAKE_PTR(sync->reporting));
	if (!answer->err && (answer->status == 404 || answer->status == 409)) {
		sync->report_absent = answer->status == 404 && !sync->report_absent;
		sync->report_due_ns = now + (sync->report_failures++ ? RETRY_S * NS_PER_S : 0);
		return;
	}
	sync->report_due_ns = now + kube_retry_ns(++sync->report_failures);
}

static char *body_of(const struct agent *agent, const char *name)
{
	_free_ char *report = report_text(agent, (int64_t)agent->gates.generation);
	struct lease_write write = {.namespace = agent->config.kubernetes.namespace,
				    .name = name,
				    .label = "node",
				    .holder = agent->config.kubernetes.node,
				    .duration_s = NODEREPORT_VALID_S,
				    .report = report,
				    .now_us = kube_wall_us()};

	return report ? lease_text(&write, NULL) : NULL;
}

/* A merge patch needs no look at what is there: the Lease is this node's alone. */
static void write_report(struct agent *agent, char *news)
{
	struct kube_sync *sync = &agent->kube_sync;
	char name[KOBJECT_NAME_MAX + 1];
	_free_ char *body = NULL;
	struct fault f = {0};

	kube_node_lease(KUBE_NODE_LEASE, agent->config.kubernetes.node, name);
	body = body_of(agent, name);
	if (!body) {
		free(news);
		return;
	}
	free(sync->reporting);
	sync->reporting = news;
	sync->report_request = kube_lease_request(agent, sync->report_absent ? "POST" : "PATCH",
						  name, body, on_answer, agent, &f);
	if (!sync->report_request)
		on_answer(agent, &(struct kube_answer){.err = -1});
}

/*
 * A thousand nodes that have news at the same time don't tell it at the same time, nor all that comes in a row:
 * of few nodes each may write every 3 s, of 300 and more every 30.
 */
static uint64_t when(const struct kube_sync *sync, uint64_t now)
{
	uint64_t nodes = sync->lease.nodes > 0 ? (uint64_t)sync->lease.nodes : 1;
	uint64_t spread = nodes * NS_PER_S / NODES_PER_S;
	uint64_t again_s = nodes / 10 < AGAIN_MIN_S ? AGAIN_MIN_S
			   : nodes / 10 > AGAIN_S   ? AGAIN_S
						    : nodes / 10;
	uint64_t due = now + (spread >> 16) * (randombytes_random() >> 16);
	uint64_t next = sync->report_ns ? sync->report_ns + again_s * NS_PER_S : 0;

	return due > next ? due : next;
}

static bool is_due(struct kube_sync *sync, bool news, uint64_t now)
{
	if (news && !sync->report_due_ns)
		sync->report_due_ns = when(sync, now);
	if (!news && !sync->report_failures)
		sync->report_due_ns = 0;
	return now >= (sync->report_due_ns ? sync->report_due_ns : sync->report_alive_ns);
}

/* Before a whole list of each kind has come, nobody knows what there is to be said. */
void kube_report_tick(struct agent *agent)
{
	struct kube_sync *sync = &agent->kube_sync;
	const struct kube_watch *licenses = sync->licenses.watch, *secrets = sync->secrets.watch;
	uint64_t now = clock_boot_ns();
	char *text;

	if (sync->report_request || agent->licenses.source.news || !agent->kube.answered ||
	    !secrets || !licenses || !kube_watch_synced(secrets) ||
	    (!kube_watch_synced(licenses) && !kube_watch_absent(licenses)))
		return;
	text = report_text(agent, 0);
	if (text && is_due(sync, !sync->reported || strcmp(sync->reported, text) != 0, now))
		write_report(agent, TAKE_PTR(text));
	free(text);
}
