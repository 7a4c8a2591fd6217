/* SPDX-License-Identifier: MIT */
/* guest.h - a client that stands, and the seats that it needs for it. */
#ifndef PORTLIC_GUEST_H
#define PORTLIC_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "node.h"
#include "seating.h"

/* One client of a port in one gate. */
struct guest {
	const struct node *node;
	uint64_t now_ns;
	struct plic_seated_key key; /* its address; of the usage, port and protocol */
	uint32_t gate;
	uint64_t connections;
	struct seating now, before;
	bool was_limited; /* before is set */
};

/*
 * Gives it the seats that it has not: beyond the limit if that has just come, or isn't enforced. False: there
 * is none for it.
 */
bool guest_sit(struct guest *g);

/* How many seats there are of a limit. False: nobody sits there, for the node's share has ended. */
bool limit_room(const struct node *node, const struct seat_limit *limit,
		const struct plic_usage_key *usage, uint64_t now_ns, uint32_t *seats);

#endif
