/* SPDX-License-Identifier: MIT */
/* frame.h - Ethernet frames by hand: whole, wrong and cut short. */
#ifndef PORTLIC_TEST_FRAME_H
#define PORTLIC_TEST_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define FIN 0x01

#define FRAME_MAX_VLANS 8
#define FRAME_MAX_EXT 48

/* What is left out is zero; addresses are fixed: 192.0.2.1 -> 10.0.0.2, 2001:db8::1 -> fd00::2. */
struct frame_spec {
	int family;					      /* 4, 6 */
	uint16_t ethertype;				      /* instead of the family's */
	uint16_t tpid[FRAME_MAX_VLANS], vid[FRAME_MAX_VLANS]; /* tags, the outer one first */
	uint8_t ip_proto;				      /* of the transport header */
	uint8_t options;	    /* IPv4: 32-bit words of options (no-ops) */
	uint8_t ext[FRAME_MAX_EXT]; /* IPv6: types, in order; ext_end marks the end if 0 is meant */
	uint8_t n_ext;
	uint16_t frag_off; /* bytes; IPv4, and IPv6's fragment header */
	bool more;	   /* more fragments */
	uint16_t sport, dport;
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t payload;    /* bytes behind the transport header */
	const uint8_t *data; /* those bytes; NULL: letters */
	uint16_t cut;	     /* bytes of IP payload that are left, from the transport header on */
	int lie;	     /* added to the IP header's length */
	const char *to;	     /* other destination address */
	const char *from;    /* other source address */
	uint8_t mac[6];	     /* destination, instead of frame_mac */
};

struct frame {
	uint8_t bytes[4096];
	size_t len;
	size_t l3, l4; /* offsets */
};

extern const uint8_t frame_mac[6];
void frame_build(const struct frame_spec *spec, struct frame *out);

/* Ones'-complement sum over len bytes, for checks: a right checksum makes it 0xffff. */
uint32_t frame_sum(uint32_t sum, const void *bytes, size_t len);
/* The sum of a transport header and what follows, with the pseudo header of the datagram at ip. */
uint32_t frame_l4_sum(const uint8_t *ip, const void *l4, size_t l4_len, uint8_t proto);

#endif
