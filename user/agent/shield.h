/* SPDX-License-Identifier: MIT */
/*
 * shield.h - native XDP beside a gate's wire hook: off, on, or (auto) for as long as a flood of denied
 * packets lasts.
 */
#ifndef PORTLIC_AGENT_SHIELD_H
#define PORTLIC_AGENT_SHIELD_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "attach.h"
#include "fault.h"
#include "flood.h"

struct agent;
struct gate_entry;

enum shield_setting { SHIELD_OFF, SHIELD_ON, SHIELD_AUTO };
extern const char *const shield_words[];

struct shield {
	int setting;	      /* enum shield_setting; kept in gates.json */
	bool up;	      /* on one interface at least, at the last look */
	unsigned int turning; /* jobs that put it up or take it off */
	uint64_t retry_ns;    /* boot clock: on, but couldn't be put up: not again before */
	struct flood flood;   /* auto */
	struct fault fault;   /* the first interface that can't have it, "" if there is none */
};

/* Another setting; done (may be NULL) when it is in force, with 0 even where no interface can have it. */
void shield_set(struct agent *agent, struct gate_entry *entry, enum shield_setting setting,
		attach_done *done, void *arg);

/* The gate has come up, or was taken over with or without its shield. */
void shield_opened(struct agent *agent, struct gate_entry *entry);

/* Once a second: looks at what was denied, and acts. */
void shield_tick(struct agent *agent);

/* {"setting","attached","detail"} */
cJSON *shield_json(const struct gate_entry *entry);

#endif
