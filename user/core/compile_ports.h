/* SPDX-License-Identifier: MIT */
/* compile_ports.h - the rules of a gate as a list of ports, before they get counters and cells. Pure. */
#ifndef PORTLIC_COMPILE_PORTS_H
#define PORTLIC_COMPILE_PORTS_H

#include <netinet/in.h>
#include <stdbool.h>

#include "compile.h"

struct port_list {
	struct compiled_port *ports; /* sorted by protocol, port; no slots, no interims */
	size_t n_ports;
	__u8 mode, deny; /* of the gate */
};

/*
 * The list of in without its interim. numbers: what plic_grant.license says for each view, NULL: its
 * index + 1. -ENOMEM.
 */
int compile_ports(const struct compile_input *in, const __u32 *numbers, struct port_list *out);
void port_list_free(struct port_list *list);

/* IP protocols that a policy opens have ports in a license. */
static inline bool has_ports(__u8 ip_proto)
{
	return ip_proto == IPPROTO_TCP || ip_proto == IPPROTO_UDP || ip_proto == IPPROTO_SCTP;
}

#endif
