/* SPDX-License-Identifier: MIT */
/* seated.h - a port with seats in a box, for test_seats.c and test_shares.c. */
#ifndef PORTLIC_TEST_SEATED_H
#define PORTLIC_TEST_SEATED_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "box.h"
#include "tap.h"

#define PORT 8080
#define LINE 77
#define OTHER_LINE 78
#define YEAR ((int64_t)BOX_SECOND * 3600 * 24 * 365)

static struct box box;

static inline struct plic_limit seats(uint64_t line, uint32_t n)
{
	return (struct plic_limit){.line = line, .seats = n};
}

/* One rule for PORT of every protocol. */
static inline void publish(struct plic_rule rule, const struct rule_limits *limits)
{
	struct plic_header header = {};
	struct plic_rule none = {};
	struct ruleset_port ports[] = {{.ip_proto = IPPROTO_TCP, .slot = 1},
				       {.ip_proto = IPPROTO_UDP, .slot = 2},
				       {.ip_proto = IPPROTO_SCTP, .slot = 3}};

	rule.flags |= PLIC_RULE_LIMITS | PLIC_RULE_SEATS;
	for (int i = 0; i < 3; i++) {
		ports[i].port = ports[i].end_port = PORT;
		ports[i].rule = rule;
		ports[i].limits = limits;
	}
	box_publish(&box, &header, &none, ports, 3);
}

/* The second one ends first; each is cut when it ends. */
static inline struct plic_rule two_grants(int64_t first_until, int64_t second_until)
{
	struct plic_rule rule = box_rule(0, first_until, first_until);

	rule.n_grants = 2;
	rule.grants[1] = box_rule(0, second_until, second_until).grants[0];
	for (int i = 0; i < 2; i++)
		rule.grants[i].cut_at_ns = rule.grants[i].new_until_ns;
	return rule;
}

static inline struct plic_usage_key usage(uint8_t proto, uint64_t line, uint32_t owner)
{
	return (struct plic_usage_key){.line = line, .owner = owner, .port = PORT, .proto = proto};
}

static inline struct plic_seated_key seat(uint8_t proto, uint64_t line, const char *address)
{
	struct plic_seated_key key = {.usage = usage(proto, line, BOX_GATE)};

	key.address[10] = key.address[11] = 0xff;
	inet_pton(AF_INET, address, key.address + 12);
	return key;
}

static inline void empty(void)
{
	struct plic_seated_key key;
	struct plic_usage_key used;
	int seated = bpf_map__fd(box.skel->maps.plic_seated);
	int counts = bpf_map__fd(box.skel->maps.plic_seats);
	int shares = bpf_map__fd(box.skel->maps.plic_shares);

	while (!bpf_map_get_next_key(seated, NULL, &key))
		bpf_map_delete_elem(seated, &key);
	while (!bpf_map_get_next_key(counts, NULL, &used))
		bpf_map_delete_elem(counts, &used);
	while (!bpf_map_get_next_key(shares, NULL, &used))
		bpf_map_delete_elem(shares, &used);
	box_clear(&box);
}

static inline void set_used(struct plic_usage_key key, uint64_t n)
{
	struct plic_seats value = {.used = n};

	if (bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_seats), &key, &value, BPF_ANY))
		perror("# seats");
}

static inline uint64_t used(struct plic_usage_key key)
{
	struct plic_seats value = {};

	bpf_map_lookup_elem(bpf_map__fd(box.skel->maps.plic_seats), &key, &value);
	return value.used;
}

static inline void sit(uint8_t proto, uint64_t line, const char *address, uint64_t last_ns)
{
	struct plic_seated_key key = seat(proto, line, address);
	struct plic_seated value = {.connections = 1, .last_ns = last_ns};

	if (bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_seated), &key, &value, BPF_ANY))
		perror("# seated");
	set_used(key.usage, used(key.usage) + 1);
}

static inline bool sits(uint8_t proto, uint64_t line, const char *address,
			struct plic_seated *value)
{
	struct plic_seated_key key = seat(proto, line, address);

	return !bpf_map_lookup_elem(bpf_map__fd(box.skel->maps.plic_seated), &key, value);
}

static inline size_t n_seated(void)
{
	int fd = bpf_map__fd(box.skel->maps.plic_seated);
	struct plic_seated_key key, *at = NULL;
	size_t n = 0;

	for (; !bpf_map_get_next_key(fd, at, &key); at = &key)
		n++;
	return n;
}

static inline int packet(uint8_t proto, const char *from, uint8_t flags)
{
	struct frame_spec spec = {.family = 4,
				  .ip_proto = proto,
				  .sport = 40000,
				  .dport = PORT,
				  .flags = flags,
				  .from = from,
				  .payload = 10};

	return box_verdict(box.skel->progs.plic_wire, &spec);
}

static inline bool passes(const char *from, uint8_t flags)
{
	return packet(IPPROTO_TCP, from, flags) == PASS;
}

static inline uint64_t count_of(uint8_t reason, uint8_t verdict)
{
	static struct box_counts counts;
	uint64_t n = 0;

	box_counts(&box, &counts);
	for (size_t i = 0; i < counts.n_denials; i++)
		if (counts.keys[i].reason == reason && counts.keys[i].verdict == verdict)
			n += counts.denials[i].packets;
	return n;
}

#endif
