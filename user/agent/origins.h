/* SPDX-License-Identifier: MIT */
/*
 * origins.h - keeps the kernel told whose cgroups and addresses are whose: at the start, every 10 s, when a
 * gate came, and when the programs met somebody unknown.
 */
#ifndef PORTLIC_AGENT_ORIGINS_H
#define PORTLIC_AGENT_ORIGINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "cgroups.h"
#include "fault.h"

struct agent;
struct gate_entry;
struct origin_network;

struct origins {
	enum cgroups_support support;
	struct fault cgroups, addresses; /* of the last look, "" if it went well */
	bool looking;			 /* a job is under way */
	bool due;			 /* and another has to follow */
	uint64_t next_ns;		 /* boot clock: not before */
	struct origin_network *networks; /* as the kernel has them */
	size_t n_networks;
};

/*
 * As soon as may be: once a second, and a twentieth of the time, at most. gate: whose listeners are looked at
 * too, NULL: nobody's.
 */
void origins_look(struct agent *agent, const uint32_t *gate);

/* One that had to wait. */
void origins_tick(struct agent *agent);

/* What the operator has to know of it, as soon as a rule asks for origins. */
void origins_warn(const struct agent *agent, cJSON *warnings);

#endif
