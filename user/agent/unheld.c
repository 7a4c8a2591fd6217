/* SPDX-License-Identifier: MIT */
/* unheld.c - limits that a cgroup's gate can't hold its clients to as a namespace's does: warned of. */
#include "unheld.h"

#include <netinet/in.h>

#include "clock.h"
#include "ports.h"
#include "reply.h"

/* The first port with seats, of TCP or of what has no handshake; NULL: none. */
static const struct compiled_port *seats_on(const struct compiled *c, bool tcp, uint64_t now_ns)
{
	for (size_t i = 0; i < c->n_ports; i++)
		if ((c->ports[i].ip_proto == IPPROTO_TCP) == tcp &&
		    compiled_rule(c, &c->ports[i], now_ns)->flags & PLIC_RULE_SEATS)
			return &c->ports[i];
	return NULL;
}

void unheld_warn(cJSON *warnings, const struct gate_entry *entry)
{
	const struct compiled_port *port;
	uint64_t now_ns = clock_boot_ns();

	if (!entry->cgroup || !entry->rules)
		return;
	port = seats_on(&entry->rules->compiled, false, now_ns);
	if (port)
		json_warn(warnings,
			  "NOT ENFORCED: gate \"%s\": seats of %u/%s: a cgroup's gate counts no "
			  "clients of UDP and SCTP; put the gate on the network namespace instead",
			  entry->name, port->port, proto_word(port->ip_proto));
	port = seats_on(&entry->rules->compiled, true, now_ns);
	if (port)
		json_warn(warnings,
			  "gate \"%s\": seats of %u/TCP are given and freed by the agent, once a "
			  "second, and not while it is dead, for the gate is a cgroup's",
			  entry->name, port->port);
}
