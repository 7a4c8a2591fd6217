/* SPDX-License-Identifier: MIT */
/*
 * knock.c - one frame towards a pod's port from the other end of its veth, and whether it is answered.
 *
 * It is written by hand, so that it goes the way of any client's and yet belongs to no socket: where it
 * should be let in, the other end's own stack resets what it knows nothing of.
 */
#include "knock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#define FROM_PORT 61001 /* above what clients are given by default */
#define TTL 64

struct knock {
	struct ether_header eth;
	union {
		struct iphdr v4;
		struct ip6_hdr v6;
	} __attribute__((packed)) ip;
} __attribute__((packed));

union transport {
	struct tcphdr tcp;
	struct {
		struct udphdr head;
		uint8_t byte;
	} udp;
};

static uint32_t sum_of(const void *bytes, size_t len, uint32_t sum)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static uint16_t checksum(const struct gate_way *way, uint8_t ip_proto, const void *l4, size_t len)
{
	size_t address = way->family == AF_INET ? 4 : 16;
	uint32_t sum = ip_proto + (uint32_t)len;

	sum = sum_of(way->from, address, sum);
	sum = sum_of(way->to, address, sum);
	return folded(sum_of(l4, len, sum));
}

static size_t put_transport(const struct gate_way *way, uint8_t ip_proto, uint16_t port,
			    union transport *l4)
{
	*l4 = (union transport){0};
	if (ip_proto == IPPROTO_TCP) {
		l4->tcp.source = htons(FROM_PORT);
		l4->tcp.dest = htons(port);
		l4->tcp.doff = sizeof(l4->tcp) / 4;
		l4->tcp.syn = 1;
		l4->tcp.window = htons(1024);
		l4->tcp.check = checksum(way, ip_proto, l4, sizeof(l4->tcp));
		return sizeof(l4->tcp);
	}
	l4->udp.head.source = htons(FROM_PORT);
	l4->udp.head.dest = htons(port);
	l4->udp.head.len = htons(sizeof(l4->udp.head) + 1);
	l4->udp.head.check = checksum(way, ip_proto, l4, sizeof(l4->udp.head) + 1);
	return sizeof(l4->udp.head) + 1;
}

static size_t put_ip(const struct gate_way *way, uint8_t ip_proto, size_t len, uint8_t *to)
{
	struct iphdr v4 = {.version = 4, .ihl = 5, .ttl = TTL, .protocol = ip_proto};
	struct ip6_hdr v6 = {.ip6_flow = htonl(6U << 28)};

	if (way->family == AF_INET) {
		v4.tot_len = htons((uint16_t)(sizeof(v4) + len));
		memcpy(&v4.saddr, way->from, sizeof(v4.saddr));
		memcpy(&v4.daddr, way->to, sizeof(v4.daddr));
		v4.check = folded(sum_of(&v4, sizeof(v4), 0));
		memcpy(to, &v4, sizeof(v4));
		return sizeof(v4);
	}
	v6.ip6_plen = htons((uint16_t)len);
	v6.ip6_nxt = ip_proto;
	v6.ip6_hlim = TTL;
	memcpy(&v6.ip6_src, way->from, sizeof(v6.ip6_src));
	memcpy(&v6.ip6_dst, way->to, sizeof(v6.ip6_dst));
	memcpy(to, &v6, sizeof(v6));
	return sizeof(v6);
}

int knock_send(const struct gate_way *way, uint8_t ip_proto, uint16_t port)
{
	struct ether_header eth = {
		.ether_type = htons(way->family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6)};
	uint8_t frame[sizeof(eth) + sizeof(struct ip6_hdr) + sizeof(union transport)];
	union transport l4;
	size_t len = put_transport(way, ip_proto, port, &l4), ip;

	while (recv(way->fd, frame, sizeof(frame), MSG_DONTWAIT) >= 0)
		; /* what came out before isn't an answer */
	memcpy(eth.ether_dhost, way->mac, sizeof(eth.ether_dhost));
	memcpy(eth.ether_shost, way->peer_mac, sizeof(eth.ether_shost));
	memcpy(frame, &eth, sizeof(eth));
	ip = put_ip(way, ip_proto, len, frame + sizeof(eth));
	memcpy(frame + sizeof(eth) + ip, &l4, len);
	/* Where somebody drops it on its way out the gate's counter will tell, not this. */
	if (send(way->fd, frame, sizeof(eth) + ip + len, 0) < 0 && errno != ENOBUFS)
		return -errno;
	return (int)(ip + len);
}

static bool is_answer(const struct gate_way *way, const uint8_t *frame, size_t len, uint16_t port)
{
	size_t ip = way->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	struct ether_header eth;
	struct tcphdr tcp;

	if (len < sizeof(eth) + ip + sizeof(tcp))
		return false;
	memcpy(&eth, frame, sizeof(eth));
	memcpy(&tcp, frame + sizeof(eth) + ip, sizeof(tcp));
	return eth.ether_type == htons(way->family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6) &&
	       memcmp(eth.ether_shost, way->mac, sizeof(way->mac)) == 0 &&
	       tcp.source == htons(port) && tcp.dest == htons(FROM_PORT) && tcp.syn && tcp.ack;
}

bool knock_answered(const struct gate_way *way, uint16_t port)
{
	uint8_t frame[128];
	ssize_t n;

	while ((n = recv(way->fd, frame, sizeof(frame), MSG_DONTWAIT)) >= 0)
		if (is_answer(way, frame, (size_t)n, port))
			return true;
	return false;
}
