/* SPDX-License-Identifier: MIT */
/*
 * probing.h - keeps the program on the kubelet's cgroup, by which the gates know its probes: a service that is
 * restarted has a new cgroup within a second, one that is moved within ten. Where no cgroup tells, probes have a
 * budget.
 */
#ifndef PORTLIC_AGENT_PROBING_H
#define PORTLIC_AGENT_PROBING_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "fault.h"
#include "kubelet.h"
#include "portlic.h"

struct agent;

struct probing {
	enum plic_told told;
	struct kubelet_place place; /* of CGROUP */
	struct fault why; /* nothing better is there, or the last look failed; "" if it went well */
	uint64_t next_ns; /* boot clock: looked again not before */
	bool looking;	  /* a job is under way */
	bool looked;	  /* once, at least */
};

/* Once a second. */
void probing_tick(struct agent *agent);

/* {"told":"cgroup|budget|none","cgroup":PATH|null,"why":TEXT|null} */
cJSON *probing_json(const struct agent *agent);

/* That it is the budget, and why. */
void probing_warn(const struct agent *agent, cJSON *warnings);

#endif
