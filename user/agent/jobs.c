/* SPDX-License-Identifier: MIT */
/* jobs.c - hands kernel work to libuv's pool, and says there what may run beside what. */
#include "jobs.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent.h"

#define THREADS (JOBS_OPENING + 1) /* one is left for who looks */

void jobs_setup(void)
{
	char threads[16];

	snprintf(threads, sizeof(threads), "%d", THREADS);
	setenv("UV_THREADPOOL_SIZE", threads, 1);
}

void jobs_init(struct jobs *jobs)
{
	if (uv_mutex_init(&jobs->lock) || uv_cond_init(&jobs->changed))
		abort();
}

/* ---- queues, under the lock ---- */

static void push(struct job_queue *queue, struct job *job)
{
	job->next = NULL;
	*(queue->first ? &queue->last->next : &queue->first) = job;
	queue->last = job;
}

static struct job *pop(struct job_queue *queue)
{
	struct job *job = queue->first;

	queue->first = job->next;
	return job;
}

/*
 * Which one is next. Of two that look the second lets another one go first that came before it, so that those get
 * on. Who came later never goes ahead of who looks: it may take away what that one is to look at.
 */
static struct job_queue *next_of(struct jobs *jobs)
{
	const struct job *look = jobs->looking.first, *other = jobs->waiting.first;

	if (look && !(jobs->looked && other && other->number < look->number))
		return &jobs->looking;
	return other ? &jobs->waiting : NULL;
}

static bool may_begin(const struct jobs *jobs, enum job_kind kind)
{
	const unsigned int *active = jobs->active;

	if (active[JOB_ALONE])
		return false;
	switch (kind) {
	case JOB_OPENS:
		return active[JOB_OPENS] < JOBS_OPENING;
	case JOB_LOOKS:
		return !active[JOB_LOOKS];
	default:
		return !active[JOB_OPENS] && !active[JOB_LOOKS];
	}
}

/* There is one for each turn that libuv was given. */
static struct job *begin(struct jobs *jobs)
{
	struct job_queue *queue;
	struct job *job;

	uv_mutex_lock(&jobs->lock);
	while (!(queue = next_of(jobs)) || !may_begin(jobs, queue->first->kind))
		uv_cond_wait(&jobs->changed, &jobs->lock);
	job = pop(queue);
	jobs->looked = queue == &jobs->looking;
	jobs->active[job->kind]++;
	uv_cond_broadcast(&jobs->changed); /* the next one may begin beside it */
	uv_mutex_unlock(&jobs->lock);
	return job;
}

static void end(struct jobs *jobs, struct job *job)
{
	uv_mutex_lock(&jobs->lock);
	jobs->active[job->kind]--;
	push(&jobs->ended, job);
	uv_cond_broadcast(&jobs->changed);
	uv_mutex_unlock(&jobs->lock);
}

/* ---- turns: which job it is settles when a thread gets there ---- */

static void on_work(uv_work_t *turn)
{
	struct jobs *jobs = turn->data;
	struct job *job = begin(jobs);

	job->work(job);
	end(jobs, job);
}

/* Not necessarily that of this turn: libuv may hear of two threads in another order than they ended in. */
static void on_done(uv_work_t *turn, int status)
{
	struct jobs *jobs = turn->data;
	struct agent *agent;
	struct job *job;

	uv_mutex_lock(&jobs->lock);
	job = pop(&jobs->ended);
	uv_mutex_unlock(&jobs->lock);
	jobs->unfinished--;
	agent = job->agent;
	job->done(job);
	free(turn);
	agent_stop_if_idle(agent);
}

void job_submit(struct agent *agent, struct job *job)
{
	struct jobs *jobs = &agent->jobs;
	uv_work_t *turn = calloc(1, sizeof(*turn));

	if (!turn)
		abort();
	turn->data = jobs;
	job->agent = agent;
	uv_mutex_lock(&jobs->lock);
	job->number = jobs->submitted++;
	push(job->kind == JOB_LOOKS ? &jobs->looking : &jobs->waiting, job);
	uv_cond_broadcast(&jobs->changed);
	uv_mutex_unlock(&jobs->lock);
	jobs->unfinished++;
	uv_queue_work(&agent->loop, turn, on_work, on_done);
}
