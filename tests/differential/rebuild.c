/* SPDX-License-Identifier: MIT */
/* rebuild.c - see rebuild.h. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "rebuild.h"

#define MAX_PORTS 4096

static struct ruleset_port ports[MAX_PORTS];
static size_t n_ports;
static const struct plic_rule *last_rule; /* of the entry that may go on */

/* What is said of a port, to the entry of the port before or to one of its own. */
static void add(__u8 proto, unsigned int port, __u16 slot, const struct plic_rule *rule,
		const struct plic_rule *during)
{
	struct ruleset_port *p = n_ports ? &ports[n_ports - 1] : NULL;

	if (p && p->ip_proto == proto && p->end_port + 1U == port && p->slot == slot &&
	    last_rule == rule) {
		p->end_port = port;
		return;
	}
	if (n_ports == MAX_PORTS) {
		fprintf(stderr, "rebuild: too many ports\n");
		exit(1);
	}
	last_rule = rule;
	ports[n_ports++] = (struct ruleset_port){.port = port,
						 .end_port = port,
						 .ip_proto = proto,
						 .slot = slot,
						 .rule = *rule,
						 .interim = during == rule ? NULL : during};
}

static void read_ports(const struct ruleset *set)
{
	static const __u8 protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

	n_ports = 0;
	for (size_t i = 0; i < sizeof(protos); i++) {
		for (unsigned int port = 1; port < 65536; port++) {
			__u16 slot;
			const struct plic_rule *during =
				ruleset_lookup(set, protos[i], port, RULESET_INTERIM, &slot);

			if (slot != PLIC_SLOT_OTHER)
				add(protos[i], port, slot,
				    ruleset_lookup(set, protos[i], port, RULESET_LASTING, &slot),
				    during);
		}
	}
}

void rebuild(const struct plic_cell *cells, uint32_t n, uint32_t slots, struct ruleset *out)
{
	struct ruleset set = {.cells = (struct plic_cell *)cells, .n_cells = n};
	struct ruleset_interim interim = {.until_ns = ruleset_until_ns(&set)};
	const struct plic_header *header = ruleset_header(&set, RULESET_LASTING);
	struct plic_slot *none = calloc(slots, sizeof(*none));
	struct fault fault;
	__u16 slot;

	if (!none)
		exit(1);
	read_ports(&set);
	if (interim.until_ns) {
		interim.header = *ruleset_header(&set, RULESET_INTERIM);
		interim.default_rule = *ruleset_lookup(&set, 0, 0, RULESET_INTERIM, &slot);
	}
	if (ruleset_build(header, ruleset_lookup(&set, 0, 0, RULESET_LASTING, &slot), ports,
			  n_ports, none, slots, interim.until_ns ? &interim : NULL, out, &fault)) {
		fprintf(stderr, "rebuild: %s\n", fault.text);
		exit(1);
	}
	free(none);
}
