/* SPDX-License-Identifier: MIT */
/* overlap.h - licensed UDP ports that the pod's own clients may get as theirs. */
#ifndef PORTLIC_AGENT_OVERLAP_H
#define PORTLIC_AGENT_OVERLAP_H

#include <stdbool.h>
#include <stddef.h>

#include "license.h"

/*
 * Whether it opens UDP ports of the node's range for clients (ip_local_port_range, the one that new
 * namespaces mostly have too): text is then a sentence with the consequence and the remedy. TCP clients
 * are told from servers by their SYN.
 */
bool license_overlaps_clients(const struct license *lic, char *text, size_t len);

#endif
