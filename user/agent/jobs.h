/* SPDX-License-Identifier: MIT */
/*
 * jobs.h - kernel work: one dedicated thread, in the order of submission.
 *
 * work() runs on that thread and may block and enter namespaces; it touches only what its job holds
 * and the `struct gate` handles, which belong to that thread. done() runs on the loop afterwards and
 * may touch everything; it frees the job.
 */
#ifndef PORTLIC_AGENT_JOBS_H
#define PORTLIC_AGENT_JOBS_H

#include <uv.h>

struct job {
	uv_work_t request;
	struct agent *agent;
	void (*work)(struct job *job);
	void (*done)(struct job *job);
};

/* To be called before the loop starts: libuv's pool becomes one thread. */
void jobs_setup(void);

/* Never fails: without memory for a job the agent couldn't have made it. */
void job_submit(struct agent *agent, struct job *job);

#endif
