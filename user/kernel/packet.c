/* SPDX-License-Identifier: MIT */
/* packet.c - a frame by hand. */
#include "packet.h"

#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>

#include "address.h"

#define SCTP_INIT_LEN 32 /* common header and an INIT chunk */

static size_t transport_len(uint8_t ip_proto)
{
	return ip_proto == IPPROTO_TCP	 ? sizeof(struct tcphdr)
	       : ip_proto == IPPROTO_UDP ? sizeof(struct udphdr)
					 : SCTP_INIT_LEN;
}

static size_t put_ip(uint8_t *at, uint8_t ip_proto, const uint8_t from[16], bool v4)
{
	static const uint8_t to4[4] = {192, 0, 2, 2};
	static const uint8_t to6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};
	struct ip ip = {.ip_v = 4, .ip_hl = 5, .ip_ttl = 64, .ip_p = ip_proto};
	struct ip6_hdr ip6 = {.ip6_nxt = ip_proto, .ip6_hlim = 64};

	if (v4) {
		ip.ip_len = htons(sizeof(ip) + transport_len(ip_proto));
		memcpy(&ip.ip_src, from + 12, 4);
		memcpy(&ip.ip_dst, to4, 4);
		memcpy(at, &ip, sizeof(ip));
		return sizeof(ip);
	}
	ip6.ip6_vfc = 6 << 4;
	ip6.ip6_plen = htons(transport_len(ip_proto));
	memcpy(&ip6.ip6_src, from, 16);
	memcpy(&ip6.ip6_dst, to6, 16);
	memcpy(at, &ip6, sizeof(ip6));
	return sizeof(ip6);
}

static void put_transport(uint8_t *at, uint8_t ip_proto, uint16_t port)
{
	struct tcphdr tcp = {.source = htons(PACKET_CLIENT_PORT), .dest = htons(port), .doff = 5};
	struct udphdr udp = {.source = htons(PACKET_CLIENT_PORT),
			     .dest = htons(port),
			     .len = htons(sizeof(udp))};

	tcp.syn = 1;
	if (ip_proto == IPPROTO_TCP) {
		memcpy(at, &tcp, sizeof(tcp));
		return;
	}
	memcpy(at, &udp, sizeof(udp)); /* SCTP begins with the ports, too */
}

void packet_open(uint8_t ip_proto, const uint8_t from[16], uint16_t port, const uint8_t mac[6],
		 struct packet_frame *out)
{
	bool v4 = address_is_ipv4(from);
	struct ethhdr eth = {.h_proto = htons(v4 ? ETH_P_IP : ETH_P_IPV6)};
	size_t at;

	memset(out, 0, sizeof(*out));
	memcpy(eth.h_dest, mac, sizeof(eth.h_dest));
	memcpy(out->bytes, &eth, sizeof(eth));
	at = sizeof(eth) + put_ip(out->bytes + sizeof(eth), ip_proto, from, v4);
	put_transport(out->bytes + at, ip_proto, port);
	out->len = at + transport_len(ip_proto);
}
