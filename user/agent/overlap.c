/* SPDX-License-Identifier: MIT */
/* overlap.c - licensed UDP ports that the pod's own clients may get as theirs. */
#include "overlap.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "netns.h"

/* "40000-40100,50000"; what doesn't fit is "...". */
static void list_ports(const struct license *lic, struct netns_ports range, char *text, size_t len)
{
	size_t at = 0, i;

	text[0] = '\0';
	for (i = 0; i < lic->n_ports; i++) {
		const struct license_port *p = &lic->ports[i];
		unsigned int first = p->port > range.first ? p->port : range.first;
		unsigned int last = p->end_port < range.last ? p->end_port : range.last;

		if (p->protocol != IPPROTO_UDP || first > last)
			continue;
		if (len - at < sizeof(",65535-65535,...")) {
			snprintf(text + at, len - at, ",...");
			return;
		}
		at += snprintf(text + at, len - at, at ? ",%u" : "%u", first);
		if (first < last)
			at += snprintf(text + at, len - at, "-%u", last);
	}
}

bool license_overlaps_clients(const struct license *lic, char *text, size_t len)
{
	struct netns_ports range = netns_ephemeral_ports();
	char ports[80];

	list_ports(lic, range, ports, sizeof(ports));
	if (ports[0])
		snprintf(text, len,
			 "UDP ports %s lie in the range of client ports (%u-%u): when the license "
			 "has "
			 "ended, the pod's own UDP clients that get one of them get no answers; "
			 "set net.ipv4.ip_local_reserved_ports=%s in the pod",
			 ports, range.first, range.last, ports);
	return ports[0];
}
