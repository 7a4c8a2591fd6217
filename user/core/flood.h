/* SPDX-License-Identifier: MIT */
/*
 * flood.h - when a shield is worth its price, by what was denied since the look before. Pure.
 *
 * The price: on a veth native XDP costs bulk traffic two thirds of its throughput. So it goes up for a
 * flood only and comes off soon after.
 */
#ifndef PORTLIC_FLOOD_H
#define PORTLIC_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Denied packets a second beyond those that are refused with an answer. So many of them cost the stack a
 * few per cent of a CPU; no scanner, no client that tries again and no cluster of those comes near.
 */
#define FLOOD_PACKETS_PER_S 20000
#define FLOOD_CALM_PER_S (FLOOD_PACKETS_PER_S / 4) /* it is over when the shield drops fewer */
#define FLOOD_RAISE_LOOKS 2			   /* so many in a row */
#define FLOOD_LOWER_LOOKS 10
#define FLOOD_LOOK_NS 1000000000ULL /* from look to look */
#define FLOOD_HOLD_OFF_NS                                                                          \
	(600 * 1000000000ULL) /* where a shield is of no use, until it is tried again */

/* All zero: nothing was looked at yet. */
struct flood {
	uint64_t at_ns; /* of the last look, boot clock; 0: none */
	uint64_t denied, shielded;
	unsigned int storms, calms; /* looks in a row */
	uint64_t not_before_ns;	    /* boot clock: no shield before */
};

enum flood_advice {
	FLOOD_STAY,
	FLOOD_RAISE,
	FLOOD_LOWER,
	FLOOD_GIVE_UP, /* lower: the flood goes on, but past the shield (not by XDP frames) */
};

/*
 * One look, once a second: totals of packets that were denied whoever sends them, and of those that the
 * shield dropped. up: it stands. refusals_per_s: what the gate may answer.
 */
enum flood_advice flood_look(struct flood *flood, bool up, uint64_t denied, uint64_t shielded,
			     uint64_t refusals_per_s, uint64_t now_ns);

/* It couldn't be put up: not again for a while. */
void flood_hold_off(struct flood *flood, uint64_t now_ns);

#endif
