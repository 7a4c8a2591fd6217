/* SPDX-License-Identifier: MIT */
/*
 * pull.h - licenses and revocation lists by HTTPS, from the central authority.
 *
 * The signature is what is trusted, never the transport: a body becomes the copy that is kept only
 * after it was verified, and whatever else comes leaves the last good copy in force.
 */
#ifndef PORTLIC_AGENT_PULL_H
#define PORTLIC_AGENT_PULL_H

#include <stdio.h>
#include <uv.h>

#include "pull_memory.h"
#include "pull_source.h"

struct agent;
struct transfer;

enum pull_result { PULL_NONE, PULL_NEW, PULL_SAME, PULL_REJECTED, PULL_FAILED, PULL_N_RESULTS };

/* One source at work. */
struct puller {
	struct agent *agent;
	const struct pull_source *source;
	struct pull_memory memory;
	struct transfer *transfer; /* that runs; NULL: none */
	bool again;		   /* asked for while it ran */
	uint64_t next_ns;	   /* boot clock */
	unsigned int failures;	   /* in a row, rejected bodies too */
	enum pull_result result;   /* of the last try */
	struct fault why;	   /* it failed or was rejected */
	struct fault told;	   /* the last rejection that was logged */
	int64_t last_attempt;	   /* effective time, 0: never */
	int64_t saved;		   /* last_success in the state file */
	uint64_t count[PULL_N_RESULTS];
};

struct pull {
	struct puller *list;
	size_t n;
	uv_timer_t timer;
	bool on;
};

/* Makes the copies of the configured sources outlive the hold of a vanished file, and begins. */
void pull_start(struct agent *agent);
void pull_stop(struct agent *agent);

/* Fetches all now, or the one that is called so. false: none is. */
bool pull_now(struct agent *agent, const char *name);

/* The trust store is another one: what was rejected may be good now. */
void pull_trust_changed(struct agent *agent);

#endif
