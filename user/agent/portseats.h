/* SPDX-License-Identifier: MIT */
/* portseats.h - how many seats a port has now, and how many of them are taken. */
#ifndef PORTLIC_AGENT_PORTSEATS_H
#define PORTLIC_AGENT_PORTSEATS_H

#include "ports.h"

struct compiled_port;

/* Fills seats and seats_used of the row of a port in force, as the last inspection saw it. */
void port_seats(const struct gate_entry *entry, const struct compiled_port *port, uint64_t now_ns,
		struct port_row *row);

#endif
