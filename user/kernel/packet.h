/* SPDX-License-Identifier: MIT */
/* packet.h - the first packet of a connection, as it would come over an Ethernet. Pure. */
#ifndef PORTLIC_PACKET_H
#define PORTLIC_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define PACKET_CLIENT_PORT 9 /* discard: nobody's own */

struct packet_frame {
	uint8_t bytes[128];
	size_t len;
};

/*
 * A SYN, a datagram, an INIT from `from` (IPv4 mapped, network order) to 192.0.2.2 or 2001:db8::2 (RFC 5737,
 * RFC 3849), mac: the receiver's. Checksums are left out: nobody delivers it.
 */
void packet_open(uint8_t ip_proto, const uint8_t from[16], uint16_t port, const uint8_t mac[6],
		 struct packet_frame *out);

#endif
