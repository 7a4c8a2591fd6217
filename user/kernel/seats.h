/* SPDX-License-Identifier: MIT */
/*
 * seats.h - sees to the seats that limits count: the programs give and take them, and what they can't
 * know or got wrong is put right here, once a second.
 */
#ifndef PORTLIC_SEATS_H
#define PORTLIC_SEATS_H

#include "gate.h"

/* What is used of one limit on one port. */
struct gate_seats {
	uint64_t line; /* PLIC_LINE_POLICY: of the policy */
	uint64_t used;
	uint16_t port;
	uint8_t ip_proto;
	bool node_wide;
	bool shared; /* there is a share of it, of so many seats: */
	uint32_t share;
};

/* Of the gate, and of the node. *out is the caller's. */
int gate_seats(struct gate *gate, struct gate_seats **out, size_t *n, struct fault *f);

/* A gate in a round, and what came of it. */
struct seats_gate {
	struct gate *gate;
	unsigned int cut; /* connections that were ended: their client has no seat */
	int result;	  /* -errno: it couldn't be looked at */
};

/*
 * One round. Frees the seats of limits that are over, of UDP and SCTP clients that are idle and of TCP
 * clients of whom nothing stands; where all seats are taken, of those too that sent nothing for
 * PLIC_SEAT_IDLE_NS, and ends their connections. Gives seats to those who stand without one: beyond the limit
 * if that has just come into force, and in audit mode. Who gets none has their connections ended. All
 * says that these are all gates of the node. -errno: the tables can't be read.
 */
int seats_round(struct node *node, struct seats_gate *gates, size_t n, bool all, struct fault *f);

/*
 * Gives seats, if need be beyond the limit, to those who stand on ports that next limits and before
 * (NULL: nothing) doesn't. For a set that is about to come into force.
 */
int seats_seed(struct gate *gate, const struct ruleset *before, const struct ruleset *next,
	       struct fault *f);

/* The set that is now in force. */
void seats_keep(struct gate *gate, const struct ruleset *set);

#endif
