/* SPDX-License-Identifier: MIT */
/* kubepeers_tell.c - tells the kernel which addresses come and go, at most every 100 ms. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "jobs.h"
#include "kubepeers_priv.h"
#include "log.h"
#include "sourcesets.h"

#define BATCH_MS 100

struct tell_job {
	struct job job;
	struct source_change *changes;
	size_t n;
	int result;
	struct fault fault;
};

static void on_timer(uv_timer_t *timer)
{
	struct agent *agent = timer->data;

	agent->kubepeers.waiting = false;
	if (!agent->kubepeers.telling)
		kubepeers_tell(agent);
}

void kubepeers_due(struct agent *agent)
{
	struct kubepeers *peers = &agent->kubepeers;

	if (!peers->started || peers->waiting || peers->telling || peers->looking ||
	    agent->stopping)
		return;
	if (!peers->lost_track && !peerset_is_dirty(peers->set))
		return;
	peers->waiting = !uv_timer_start(&peers->timer, on_timer, BATCH_MS, 0);
}

/* As long as the alarm lasts, one event. */
static void note(struct kubepeers *peers, const struct fault *f)
{
	bool lacking = peerset_size(peers->set).lacking;
	struct fault now = *f;

	if (!now.text[0] && lacking)
		fault_set(&now, ENOSPC,
			  "policies name more pods than the %d addresses that fit; let them name "
			  "fewer",
			  PEERSET_MAX);
	if (now.text[0] && strcmp(now.text, peers->trouble.text))
		log_event(LOG_ERROR, "peers_not_admitted", LOG_NO_FIELDS,
			  "pods that policies admit are denied: %s", now.text);
	peers->trouble = now;
}

static void tell_work(struct job *job)
{
	struct tell_job *tell = (struct tell_job *)job;

	tell->result = sourcesets_change(job->agent->node, tell->changes, tell->n, &tell->fault);
}

static void tell_done(struct job *job)
{
	struct tell_job *tell = (struct tell_job *)job;
	struct kubepeers *peers = &job->agent->kubepeers;

	peers->telling--;
	for (size_t i = 0; i < tell->n; i++)
		if (!tell->changes[i].done)
			peerset_untold(peers->set, &tell->changes[i]);
	note(peers, &tell->fault);
	if (!tell->result)
		kubepeers_due(job->agent); /* else with the next tick */
	free(tell->changes);
	free(tell);
}

static void look_work(struct job *job)
{
	struct tell_job *look = (struct tell_job *)job;

	look->result = sourcesets_pods(job->agent->node, &look->changes, &look->n);
}

static void look_done(struct job *job)
{
	struct tell_job *look = (struct tell_job *)job;
	struct kubepeers *peers = &job->agent->kubepeers;

	peers->looking = false;
	if (!look->result)
		look->result = peerset_found(peers->set, look->changes, look->n);
	if (look->result)
		log_event(LOG_WARN, "peers_unknown", LOG_NO_FIELDS,
			  "what the kernel has of pods can't be read: %s; tried again",
			  strerror(-look->result));
	peers->lost_track = look->result != 0;
	if (!peers->lost_track)
		kubepeers_due(job->agent);
	free(look->changes);
	free(look);
}

static void submit(struct agent *agent, struct tell_job *tell, void (*work)(struct job *job),
		   void (*done)(struct job *job))
{
	tell->job.work = work;
	tell->job.done = done;
	job_submit(agent, &tell->job);
}

static void look(struct agent *agent)
{
	struct tell_job *job = agent->kubepeers.telling ? NULL : calloc(1, sizeof(*job));

	if (!job)
		return;
	agent->kubepeers.looking = true;
	submit(agent, job, look_work, look_done);
}

/*
 * What one job couldn't write is written again by a later one, whatever others wrote meanwhile: to write the
 * same twice does no harm.
 */
void kubepeers_tell(struct agent *agent)
{
	struct kubepeers *peers = &agent->kubepeers;
	struct tell_job *tell;

	if (peers->looking || agent->stopping || !peers->started)
		return;
	if (peers->lost_track)
		return look(agent);
	tell = calloc(1, sizeof(*tell));
	if (!tell)
		return;
	if (peerset_changes(peers->set, &tell->changes, &tell->n) || !tell->n) {
		note(peers, &tell->fault);
		free(tell->changes);
		free(tell);
		return;
	}
	for (size_t i = 0; i < tell->n; i++)
		tell->changes[i].under = source_table_under(&agent->sources, tell->changes[i].set,
							    tell->changes[i].address);
	peers->telling++;
	submit(agent, tell, tell_work, tell_done);
}

void kubepeers_look_again(struct agent *agent)
{
	agent->kubepeers.lost_track = true;
	kubepeers_tell(agent);
}
