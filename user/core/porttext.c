/* SPDX-License-Identifier: MIT */
/* porttext.c - ports in words. */
#include "porttext.h"

#include <netinet/in.h>
#include <stdio.h>

const char *porttext(const struct license_port *port, char text[PORTTEXT_LEN])
{
	const char *protocol = port->protocol == IPPROTO_TCP   ? "tcp"
			       : port->protocol == IPPROTO_UDP ? "udp"
							       : "sctp";

	if (port->end_port > port->port)
		snprintf(text, PORTTEXT_LEN, "%u-%u/%s", port->port, port->end_port, protocol);
	else
		snprintf(text, PORTTEXT_LEN, "%u/%s", port->port, protocol);
	return text;
}
