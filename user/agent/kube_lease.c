/* SPDX-License-Identifier: MIT */
/* kube_lease.c - which agent writes: election.h's steps, asked of the API server. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "log.h"

bool kube_leads(const struct agent *agent)
{
	return agent->kube_sync.on && election_leads(&agent->kube_sync.election, clock_boot_ns());
}

/* Who leads begins and ends what only the writer does. */
static void look(struct agent *agent)
{
	struct kube_sync *sync = &agent->kube_sync;
	bool leads = kube_leads(agent);

	if (leads == sync->leading)
		return;
	sync->leading = leads;
	log_event(LOG_INFO, leads ? "kube_writer" : "kube_writer_lost",
		  LOG_FIELDS("node", agent->config.kubernetes.node, "lease", KUBE_WRITER_LEASE),
		  leads ? "this agent writes status and Events for all nodes"
			: "this agent writes no status and no Events any more");
	if (leads) {
		kube_census_start(agent);
		return;
	}
	kube_status_stop(agent);
	kube_tell_stop(agent);
	kube_census_stop(agent);
}

/* ---- what is in sight ---- */

static void saw(struct agent *agent, const cJSON *object)
{
	struct kube_sync *sync = &agent->kube_sync;
	struct lease lease = {0};
	struct fault f = {0};
	bool changed;

	if (lease_read(object, &lease, &f)) {
		log_event(LOG_WARN, "kube_lease_bad", LOG_FIELDS("lease", KUBE_WRITER_LEASE),
			  "%s; it can't be taken: delete it", f.text);
		return;
	}
	changed = !sync->lease.object.version ||
		  strcmp(sync->lease.object.version, lease.object.version) != 0;
	lease_free(&sync->lease);
	sync->lease = lease;
	election_saw(&sync->election, !strcmp(lease.holder, agent->config.kubernetes.node),
		     !lease.holder[0], changed, clock_boot_ns(), randombytes_random());
	look(agent);
}

static void absent(struct agent *agent)
{
	lease_free(&agent->kube_sync.lease);
	election_absent(&agent->kube_sync.election, clock_boot_ns(), randombytes_random());
	look(agent);
}

/* An answer that is on its way tells more than the watch. */
static bool deaf(const struct agent *agent)
{
	return agent->kube_sync.lease_request;
}

static void on_begin(void *arg)
{
	((struct agent *)arg)->kube_sync.lease_seen = false;
}

static void on_present(void *arg, const cJSON *object)
{
	struct agent *agent = arg;

	agent->kube_sync.lease_seen = true;
	if (!deaf(agent))
		saw(agent, object);
}

static void on_gone(void *arg, const cJSON *object)
{
	if (!deaf(arg))
		absent(arg);
}

static void on_end(void *arg)
{
	struct agent *agent = arg;

	if (!agent->kube_sync.lease_seen && !deaf(agent))
		absent(agent);
}

/* ---- requests ---- */

static void on_answer(void *arg, const struct kube_answer *answer)
{
	struct agent *agent = arg;
	struct kube_sync *sync = &agent->kube_sync;
	enum outcome what = kube_outcome(answer);

	sync->lease_request = NULL;
	election_answered(&sync->election, what, clock_boot_ns(), randombytes_random());
	if (what == OUTCOME_DONE && answer->body)
		saw(agent, answer->body);
	if (what == OUTCOME_MISSING)
		lease_free(&sync->lease);
	look(agent);
}

static char *body_of(const struct agent *agent, enum election_step step)
{
	const struct kube_sync *sync = &agent->kube_sync;
	const struct lease_write write = {.namespace = agent->config.kubernetes.namespace,
					  .name = KUBE_WRITER_LEASE,
					  .label = "writer",
					  .holder = agent->config.kubernetes.node,
					  .duration_s = ELECTION_DURATION_S,
					  .nodes = sync->leading ? (int64_t)sync->n_nodes
								 : sync->lease.nodes,
					  .now_us = kube_wall_us()};

	return lease_text(&write, step == ELECTION_WRITE ? &sync->lease : NULL);
}

static void ask(struct agent *agent, enum election_step step)
{
	struct kube_sync *sync = &agent->kube_sync;
	const char *method = step == ELECTION_GET      ? "GET"
			     : step == ELECTION_CREATE ? "POST"
						       : "PUT";
	_free_ char *body = step == ELECTION_GET ? NULL : body_of(agent, step);
	struct fault f = {0};

	if (step != ELECTION_GET && !body)
		return;
	election_sent(&sync->election, step, clock_boot_ns());
	sync->lease_request =
		kube_lease_request(agent, method, KUBE_WRITER_LEASE, body, on_answer, agent, &f);
	if (!sync->lease_request)
		election_answered(&sync->election, OUTCOME_FAILED, clock_boot_ns(),
				  randombytes_random());
}

void kube_lease_tick(struct agent *agent)
{
	struct kube_sync *sync = &agent->kube_sync;
	enum election_step step = election_next(&sync->election, clock_boot_ns());

	look(agent);
	if (step != ELECTION_WAIT && !sync->lease_request)
		ask(agent, step);
}

void kube_lease_start(struct agent *agent)
{
	_free_ char *path = kube_own_path(agent, LEASE_API, "leases");
	const struct kube_watch_spec spec = {
		.path = path,
		.query = "fieldSelector=metadata.name%3D" KUBE_WRITER_LEASE,
		.what = "the Lease of who writes",
		.kind = KUBE_WRITER,
		.consumer = {on_begin, on_present, on_gone, on_end},
		.arg = agent};

	if (path)
		agent->kube_sync.lease_watch = kube_watch(agent, &spec);
}
