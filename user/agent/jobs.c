/* SPDX-License-Identifier: MIT */
/* jobs.c - hands kernel work to libuv's pool of one thread. */
#include "jobs.h"

#include <stdlib.h>

#include "agent.h"

void jobs_setup(void)
{
	setenv("UV_THREADPOOL_SIZE", "1", 1);
}

static void on_work(uv_work_t *request)
{
	struct job *job = request->data;

	job->work(job);
}

static void on_done(uv_work_t *request, int status)
{
	struct job *job = request->data;
	struct agent *agent = job->agent;

	agent->jobs_running--;
	job->done(job);
	agent_stop_if_idle(agent);
}

void job_submit(struct agent *agent, struct job *job)
{
	job->agent = agent;
	job->request.data = job;
	agent->jobs_running++;
	uv_queue_work(&agent->loop, &job->request, on_work, on_done);
}
