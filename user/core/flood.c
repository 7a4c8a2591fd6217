/* SPDX-License-Identifier: MIT */
/* flood.c - tells a flood of denied packets, and its end. */
#include "flood.h"

#define MIN_LOOK_NS (FLOOD_LOOK_NS / 2) /* two looks close together say nothing */

static uint64_t per_second(uint64_t n, uint64_t ns)
{
	return (uint64_t)((double)n * 1e9 / (double)ns);
}

void flood_hold_off(struct flood *flood, uint64_t now_ns)
{
	flood->not_before_ns = now_ns + FLOOD_HOLD_OFF_NS;
	flood->storms = flood->calms = 0;
}

static enum flood_advice judge(struct flood *flood, bool up, bool storm, bool calm, uint64_t now_ns)
{
	flood->storms = storm ? flood->storms + 1 : 0;
	flood->calms = up && calm ? flood->calms + 1 : 0;
	if (up && flood->calms >= FLOOD_LOWER_LOOKS) {
		flood->calms = 0;
		if (!flood->storms)
			return FLOOD_LOWER;
		flood_hold_off(flood, now_ns);
		return FLOOD_GIVE_UP;
	}
	if (!up && flood->storms >= FLOOD_RAISE_LOOKS && now_ns >= flood->not_before_ns)
		return FLOOD_RAISE;
	return FLOOD_STAY;
}

enum flood_advice flood_look(struct flood *flood, bool up, uint64_t denied, uint64_t shielded,
			     uint64_t refusals_per_s, uint64_t now_ns)
{
	struct flood before = *flood;
	uint64_t ns = now_ns - before.at_ns, more, stopped;

	if (before.at_ns && ns < MIN_LOOK_NS)
		return FLOOD_STAY;
	flood->at_ns = now_ns;
	flood->denied = denied;
	flood->shielded = shielded;
	/* The first look, or counters that began anew. */
	if (!before.at_ns || denied < before.denied || shielded < before.shielded)
		return FLOOD_STAY;
	more = denied - before.denied;
	stopped = shielded - before.shielded;
	more = more > stopped ? per_second(more - stopped, ns) : 0; /* that got as far as wire */
	stopped = per_second(stopped, ns);
	return judge(flood, up, more > FLOOD_PACKETS_PER_S + refusals_per_s,
		     stopped < FLOOD_CALM_PER_S, now_ns);
}
