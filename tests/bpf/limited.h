/* SPDX-License-Identifier: MIT */
/* limited.h - a port with limits in a box, for test_rate.c, test_quota.c and test_hello.c. */
#ifndef PORTLIC_TEST_LIMITED_H
#define PORTLIC_TEST_LIMITED_H

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "box.h"
#include "limit.h"
#include "tap.h"

#define PORT 8080
#define LAST 8089	  /* of its range */
#define LINE 0x1234567890 /* of grants[0]; the one of grants[i] is i more */
#define HOUR (3600 * BOX_SECOND)

static struct box box;

/* Of PORT to LAST, TCP and UDP; to be changed, then limited_publish(). */
struct limited {
	struct plic_rule rule;
	struct rule_limits limits;
};

/* n grants without limits, the first of which ends last. */
static inline struct limited limited_new(unsigned int n)
{
	struct limited l;

	memset(&l, 0, sizeof(l));
	for (unsigned int i = 0; i < n; i++) {
		struct plic_rule one =
			box_rule(0, (n - i) * HOUR, (n - i) * HOUR + 300 * BOX_SECOND);

		l.rule.grants[i] = one.grants[0];
		l.limits.grants[i].line = LINE + i;
	}
	l.rule.n_grants = n;
	return l;
}

static inline void limited_publish(struct limited *l)
{
	struct plic_header header = {};
	struct plic_rule none = {};
	struct ruleset_port ports[2];

	l->rule.flags = rule_flags(&l->rule, &l->limits);
	ports[0] = (struct ruleset_port){.port = PORT,
					 .end_port = LAST,
					 .ip_proto = IPPROTO_TCP,
					 .slot = 1,
					 .rule = l->rule,
					 .limits = &l->limits};
	ports[1] = ports[0];
	ports[1].ip_proto = IPPROTO_UDP;
	ports[1].slot = 2;
	box_publish(&box, &header, &none, ports, 2);
	box_clear(&box);
}

static inline void forget(struct bpf_map *map)
{
	char key[64];

	while (!bpf_map_get_next_key(bpf_map__fd(map), NULL, key))
		bpf_map_delete_elem(bpf_map__fd(map), key);
}

static inline int deliver(const struct frame_spec *spec)
{
	int verdict = box_verdict(box.skel->progs.plic_wire, spec);

	return verdict == REDIRECT ? DROP : verdict;
}

static inline int send_syn(__u16 port)
{
	return deliver(&(struct frame_spec){
		.family = 4, .ip_proto = IPPROTO_TCP, .dport = port, .flags = SYN});
}

static inline int send_udp(__u16 port, __u16 from)
{
	return deliver(&(struct frame_spec){
		.family = 4, .ip_proto = IPPROTO_UDP, .dport = port, .sport = from, .payload = 72});
}

/* A segment of a connection: 100 bytes from the IP header on. */
static inline int send_data(__u16 port)
{
	return deliver(&(struct frame_spec){
		.family = 4, .ip_proto = IPPROTO_TCP, .dport = port, .flags = ACK, .payload = 60});
}

/* How many of n SYNs pass. */
static inline int passing(int n, __u16 port)
{
	int passed = 0;

	box_clear(&box); /* refusals are limited */
	for (int i = 0; i < n; i++)
		passed += send_syn(port) == PASS;
	return passed;
}

/* Packets that were denied (PLIC_DENIED) or let through (PLIC_AUDIT) for a reason since box_clear(). */
static inline unsigned long counted(__u8 verdict, __u8 reason)
{
	static struct box_counts counts;
	unsigned long n = 0;

	box_counts(&box, &counts);
	for (size_t i = 0; i < counts.n_denials; i++)
		if (counts.keys[i].verdict == verdict && counts.keys[i].reason == reason)
			n += counts.denials[i].packets;
	return n;
}

#endif
