/* SPDX-License-Identifier: MIT */
/*
 * entitlements.h - tells applications what they are licensed for: ENTITLEMENTS_DIR/GATE/entitlements.json, for a
 * pod ENTITLEMENTS_DIR/NAMESPACE/POD/entitlements.json.
 *
 * Written once rules are in force, when something in it changes, and every minute for the time that
 * passes. That it can't be written is an alarm and nothing more.
 */
#ifndef PORTLIC_AGENT_ENTITLEMENTS_H
#define PORTLIC_AGENT_ENTITLEMENTS_H

#include <stdint.h>

#include "fault.h"

struct agent;
struct gate_entry;

/* What a gate's file says, and what of. */
struct entitlement_mark {
	uint64_t digest;
	uint64_t at_ns; /* boot clock, when it was written; 0: never */
	uint64_t rights, generation;
	const void *rules;
	uint64_t next_ns; /* boot clock: until then all of them say the same */
};

struct entitlements {
	struct fault trouble; /* why it couldn't be written last, "" if it could */
};

/* Writes the files that have changed or are a minute old. */
void entitlements_write(struct agent *agent);

/* The gate is gone, and its directory with it. */
void entitlements_remove(struct agent *agent, const struct gate_entry *entry);

#endif
