/* SPDX-License-Identifier: MIT */
/*
 * entitlement.h - what an application may read of its licenses: plan, features, seats, ends. Pure.
 *
 * Of the licenses those that give something (ACTIVE, GRACE, STALE), that will (PENDING), or that tell
 * why it ended (LAPSED, REVOKED); no token, no key, no file name.
 */
#ifndef PORTLIC_ENTITLEMENT_H
#define PORTLIC_ENTITLEMENT_H

#include <cjson/cJSON.h>

#include "lifecycle.h"

/* A port of the gate. */
struct entitlement_port {
	uint16_t port, end_port;
	const char *protocol; /* "TCP", ... */
	const char *state;    /* docs/api.md */
	int64_t deadline;     /* seconds since 1970 UTC; 0: none */
};

/*
 * Plan, features, ends and licenses: the part that all gates of a node share. The views are judged at
 * `now`. NULL: no memory.
 */
cJSON *entitlement_rights(const struct license_view *views, size_t n, int64_t now);

/* The object of one gate; rights: a copy of them goes in. NULL: no memory. */
cJSON *entitlement_json(const char *gate, const char *audience, int64_t now, const cJSON *rights,
			const struct entitlement_port *ports, size_t n_ports);

/* Other rights, another number: whatever is in entitlement_rights, but for the time that passes. */
uint64_t entitlement_digest(const struct license_view *views, size_t n);

/* The same for a gate, of that number and its ports. */
uint64_t entitlement_gate_digest(uint64_t rights, const struct entitlement_port *ports,
				 size_t n_ports);

#endif
