/* SPDX-License-Identifier: MIT */
/*
 * jobs.h - kernel work, off the loop.
 *
 * work() runs on a thread of libuv's pool and may block and enter namespaces; it touches only what its job holds and
 * the `struct gate` handles of its gates. Jobs run one at a time in the order of submission, but for those that say
 * more of themselves (enum job_kind). done() runs on the loop afterwards, in the order in which the jobs ended, and
 * may touch everything; it frees the job.
 */
#ifndef PORTLIC_AGENT_JOBS_H
#define PORTLIC_AGENT_JOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct agent;

enum job_kind {
	JOB_ALONE, /* nothing runs beside it */
	/*
	 * A gate comes up, which is no other job's before it stands: JOBS_OPENING of these may run at once. Most of
	 * their time the kernel verifies programs, on one CPU each, or waits for all CPUs to have seen a change.
	 */
	JOB_OPENS,
	/*
	 * Only looks, at gates that stand, for somebody who waits: it goes ahead of all others, one at a time. What was
	 * submitted behind it never goes ahead of it.
	 */
	JOB_LOOKS,
	JOB_N_KINDS
};

struct job {
	struct job *next; /* of those that wait, or have ended */
	uint64_t number;  /* in the order of submission */
	enum job_kind kind;
	struct agent *agent;
	void (*work)(struct job *job);
	void (*done)(struct job *job);
};

#define JOBS_OPENING 3

struct jobs {
	uv_mutex_t lock; /* of what follows, up to unfinished */
	uv_cond_t changed;
	struct job_queue {
		struct job *first, *last;
	} waiting, looking, ended;
	unsigned int active[JOB_N_KINDS];
	uint64_t submitted;	 /* so many */
	bool looked;		 /* the last one that began was of JOB_LOOKS */
	unsigned int unfinished; /* the loop's: until they are done */
};

/* To be called before the loop starts: says how many threads libuv's pool has. */
void jobs_setup(void);
void jobs_init(struct jobs *jobs);

/* Never fails: without memory for a job the agent couldn't have made it. */
void job_submit(struct agent *agent, struct job *job);

#endif
