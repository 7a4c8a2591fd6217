/* SPDX-License-Identifier: MIT */
/*
 * test_seats.c - what wire says to clients of a port with seats: who sits, whether there is room, which of
 * several grants is asked, and that nothing but a UDP or SCTP packet that is let in takes a seat.
 */
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

static struct plic_limit seats(uint64_t line, uint32_t n)
{
	return (struct plic_limit){.line = line, .seats = n};
}

/* One rule for PORT of every protocol. */
static void publish(struct plic_rule rule, const struct rule_limits *limits)
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
static struct plic_rule two_grants(int64_t first_until, int64_t second_until)
{
	struct plic_rule rule = box_rule(0, first_until, first_until);

	rule.n_grants = 2;
	rule.grants[1] = box_rule(0, second_until, second_until).grants[0];
	for (int i = 0; i < 2; i++)
		rule.grants[i].cut_at_ns = rule.grants[i].new_until_ns;
	return rule;
}

static struct plic_usage_key usage(uint8_t proto, uint64_t line, uint32_t owner)
{
	return (struct plic_usage_key){.line = line, .owner = owner, .port = PORT, .proto = proto};
}

static struct plic_seated_key seat(uint8_t proto, uint64_t line, const char *address)
{
	struct plic_seated_key key = {.usage = usage(proto, line, BOX_GATE)};

	key.address[10] = key.address[11] = 0xff;
	inet_pton(AF_INET, address, key.address + 12);
	return key;
}

static void empty(void)
{
	struct plic_seated_key key;
	struct plic_usage_key used;
	int seated = bpf_map__fd(box.skel->maps.plic_seated);
	int counts = bpf_map__fd(box.skel->maps.plic_seats);

	while (!bpf_map_get_next_key(seated, NULL, &key))
		bpf_map_delete_elem(seated, &key);
	while (!bpf_map_get_next_key(counts, NULL, &used))
		bpf_map_delete_elem(counts, &used);
	box_clear(&box);
}

static void set_used(struct plic_usage_key key, uint64_t n)
{
	struct plic_seats value = {.used = n};

	if (bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_seats), &key, &value, BPF_ANY))
		perror("# seats");
}

static uint64_t used(struct plic_usage_key key)
{
	struct plic_seats value = {};

	bpf_map_lookup_elem(bpf_map__fd(box.skel->maps.plic_seats), &key, &value);
	return value.used;
}

static void sit(uint8_t proto, uint64_t line, const char *address, uint64_t last_ns)
{
	struct plic_seated_key key = seat(proto, line, address);
	struct plic_seated value = {.connections = 1, .last_ns = last_ns};

	if (bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_seated), &key, &value, BPF_ANY))
		perror("# seated");
	set_used(key.usage, used(key.usage) + 1);
}

static bool sits(uint8_t proto, uint64_t line, const char *address, struct plic_seated *value)
{
	struct plic_seated_key key = seat(proto, line, address);

	return !bpf_map_lookup_elem(bpf_map__fd(box.skel->maps.plic_seated), &key, value);
}

static size_t n_seated(void)
{
	int fd = bpf_map__fd(box.skel->maps.plic_seated);
	struct plic_seated_key key, *at = NULL;
	size_t n = 0;

	for (; !bpf_map_get_next_key(fd, at, &key); at = &key)
		n++;
	return n;
}

static int packet(uint8_t proto, const char *from, uint8_t flags)
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

static bool passes(const char *from, uint8_t flags)
{
	return packet(IPPROTO_TCP, from, flags) == PASS;
}

static uint64_t count_of(uint8_t reason, uint8_t verdict)
{
	static struct box_counts counts;
	uint64_t n = 0;

	box_counts(&box, &counts);
	for (size_t i = 0; i < counts.n_denials; i++)
		if (counts.keys[i].reason == reason && counts.keys[i].verdict == verdict)
			n += counts.denials[i].packets;
	return n;
}

static void tcp(void)
{
	struct rule_limits limits = {.grants[0] = seats(LINE, 2)};
	struct plic_usage_key key = usage(IPPROTO_TCP, LINE, BOX_GATE);
	struct plic_seated value;

	empty();
	publish(box_rule(0, PLIC_NEVER, PLIC_NEVER), &limits);
	check(passes("192.0.2.1", SYN), "room: a SYN passes");
	check(passes("192.0.2.1", ACK), "room: a segment without a seat passes");
	for (int i = 0; i < 100; i++)
		passes("192.0.2.1", i & 1 ? ACK : SYN);
	check(n_seated() == 0 && used(key) == 0, "what comes over TCP takes no seat");

	sit(IPPROTO_TCP, LINE, "192.0.2.1", 1);
	sit(IPPROTO_TCP, LINE, "192.0.2.2", box_now());
	check(passes("192.0.2.1", SYN) && passes("192.0.2.2", ACK), "full: who sits passes");
	sits(IPPROTO_TCP, LINE, "192.0.2.1", &value);
	check(value.last_ns > 1 && value.connections == 1, "... and was heard of");
	check(packet(IPPROTO_TCP, "192.0.2.3", SYN) == REDIRECT, "full: another SYN is refused");
	check(packet(IPPROTO_TCP, "192.0.2.3", PSH | ACK) == REDIRECT,
	      "full: a segment without a seat is refused");
	check(count_of(PLIC_REASON_SEATS, PLIC_DENIED) == 2, "... both for want of seats");
	check(passes("192.0.2.3", RST), "full: a reset passes");
	set_used(key, 5);
	check(passes("192.0.2.1", ACK) && !passes("192.0.2.3", SYN),
	      "overdraft: who sits stays, nobody else gets in");
	set_used(key, (uint64_t)-1);
	check(passes("192.0.2.3", SYN), "a count below zero is no full house");
}

static void mark(uint16_t remote_port)
{
	struct plic_mark_key key = {.remote_port = remote_port, .local_port = PORT};
	struct plic_mark value = {};

	key.remote[10] = key.remote[11] = key.local[10] = key.local[11] = 0xff;
	inet_pton(AF_INET, "192.0.2.3", key.remote + 12);
	inet_pton(AF_INET, "10.0.0.2", key.local + 12);
	if (bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_marks), &key, &value, BPF_ANY))
		perror("# mark");
	box.skel->bss->plic_marked = 1;
}

static void own_connections(void)
{
	struct rule_limits limits = {.grants[0] = seats(LINE, 1)};

	empty();
	publish(box_rule(0, PLIC_NEVER, PLIC_NEVER), &limits);
	set_used(usage(IPPROTO_TCP, LINE, BOX_GATE), 1);
	check(!passes("192.0.2.3", ACK), "full: a stranger's segment is refused");
	mark(40000);
	check(passes("192.0.2.3", ACK), "... but that of a connection that the pod opened isn't");
}

static void several_grants(void)
{
	struct rule_limits limits = {.grants = {seats(LINE, 1), seats(OTHER_LINE, 1)}};
	struct plic_usage_key first = usage(IPPROTO_UDP, LINE, BOX_GATE);
	struct plic_usage_key last = usage(IPPROTO_UDP, OTHER_LINE, BOX_GATE);

	empty();
	publish(two_grants(2 * YEAR, YEAR), &limits);
	check(packet(IPPROTO_UDP, "192.0.2.1", 0) == PASS && used(last) == 1 && used(first) == 0,
	      "two grants: the one that ends first is charged first");
	check(packet(IPPROTO_UDP, "192.0.2.2", 0) == PASS && used(first) == 1,
	      "... then the other");
	check(packet(IPPROTO_UDP, "192.0.2.3", 0) != PASS, "... and then nobody gets in");
	check(packet(IPPROTO_UDP, "192.0.2.1", 0) == PASS && n_seated() == 2,
	      "... but who sits in either, without a second seat");

	publish(two_grants(2 * YEAR, -(int64_t)BOX_SECOND), &limits);
	check(packet(IPPROTO_UDP, "192.0.2.1", 0) != PASS,
	      "a grant has ended: its seats died with it");
	check(packet(IPPROTO_UDP, "192.0.2.2", 0) == PASS, "... and those of the other did not");

	limits.grants[0].seats = 0;
	publish(two_grants(2 * YEAR, YEAR), &limits);
	check(packet(IPPROTO_UDP, "192.0.2.9", 0) == PASS && n_seated() == 2,
	      "a grant without seats takes all, and gives none");
}

/* Established connections keep their seats until the cut. */
static void drained(void)
{
	struct rule_limits limits = {.grants = {seats(LINE, 1), seats(OTHER_LINE, 1)}};
	struct plic_rule rule = two_grants(2 * YEAR, -(int64_t)BOX_SECOND);

	empty();
	rule.grants[1].cut_at_ns = box_now() + YEAR;
	publish(rule, &limits);
	sit(IPPROTO_TCP, OTHER_LINE, "192.0.2.1", box_now());
	sit(IPPROTO_TCP, LINE, "192.0.2.2", box_now());
	check(passes("192.0.2.1", ACK), "the drain of a grant: who sits in it goes on");
	check(!passes("192.0.2.1", SYN), "... but opens nothing new");
	check(!passes("192.0.2.3", ACK), "... and its seats are given to nobody");
	rule.grants[1].cut_at_ns = rule.grants[1].new_until_ns;
	publish(rule, &limits);
	check(!passes("192.0.2.1", ACK), "the cut: who sat in it has no seat");
}

static void policy_limit(void)
{
	struct rule_limits limits = {.grants[0] = seats(LINE, 5),
				     .policy[0] = seats(PLIC_LINE_POLICY, 1)};
	struct plic_usage_key policy = usage(IPPROTO_UDP, PLIC_LINE_POLICY, BOX_GATE);

	empty();
	publish(box_rule(0, PLIC_NEVER, PLIC_NEVER), &limits);
	check(packet(IPPROTO_UDP, "192.0.2.1", 0) == PASS && used(policy) == 1 && n_seated() == 2,
	      "the policy's limit is counted beside that of the license");
	check(packet(IPPROTO_UDP, "192.0.2.2", 0) != PASS, "... and holds where it is tighter");
	check(used(usage(IPPROTO_UDP, LINE, BOX_GATE)) == 1, "... before a seat is taken");
	limits.grants[0].seats = 0;
	publish(box_rule(0, PLIC_NEVER, PLIC_NEVER), &limits);
	check(packet(IPPROTO_UDP, "192.0.2.2", 0) != PASS, "... also of one without seats");
}

static void datagrams(uint8_t proto, const char *name)
{
	struct rule_limits limits = {.grants[0] = seats(LINE, 2)};
	struct plic_seated value = {};

	empty();
	publish(box_rule(0, PLIC_NEVER, PLIC_NEVER), &limits);
	for (int i = 0; i < 3; i++)
		packet(proto, "192.0.2.1", 0);
	check(used(usage(proto, LINE, BOX_GATE)) == 1 && sits(proto, LINE, "192.0.2.1", &value) &&
		      value.last_ns,
	      "%s: the first packet takes a seat, the next ones keep it", name);
	check(packet(proto, "192.0.2.2", 0) == PASS && packet(proto, "192.0.2.3", 0) != PASS,
	      "%s: the third client gets none", name);
	check(count_of(PLIC_REASON_SEATS, PLIC_DENIED) == 1, "%s: ... for want of seats", name);
}

static void scopes(void)
{
	struct rule_limits limits = {.grants[0] = seats(LINE, 1)};
	struct plic_usage_key node = usage(IPPROTO_UDP, LINE, PLIC_NODE_WIDE);

	empty();
	limits.grants[0].flags = PLIC_LIMIT_SEATS_NODE;
	publish(box_rule(0, PLIC_NEVER, PLIC_NEVER), &limits);
	set_used(usage(IPPROTO_UDP, LINE, BOX_GATE), 1);
	check(packet(IPPROTO_UDP, "192.0.2.1", 0) == PASS && used(node) == 1,
	      "scope node: counted over all gates");
	check(packet(IPPROTO_UDP, "192.0.2.2", 0) != PASS, "... and full for all of them");
}

static void modes(void)
{
	struct rule_limits limits = {.grants[0] = seats(LINE, 1)};
	struct plic_usage_key key = usage(IPPROTO_UDP, LINE, BOX_GATE);
	struct plic_rule rule = box_rule(0, PLIC_NEVER, PLIC_NEVER);

	empty();
	rule.mode = PLIC_AUDIT_MODE;
	publish(rule, &limits);
	packet(IPPROTO_UDP, "192.0.2.1", 0);
	check(packet(IPPROTO_UDP, "192.0.2.2", 0) == PASS && used(key) == 2,
	      "audit: one too many passes, and sits");
	check(count_of(PLIC_REASON_SEATS, PLIC_AUDIT) == 1, "... counted as it would be denied");
	rule.mode = PLIC_OFF;
	publish(rule, &limits);
	check(packet(IPPROTO_UDP, "192.0.2.3", 0) == PASS && used(key) == 3 &&
		      count_of(PLIC_REASON_SEATS, PLIC_AUDIT) == 1,
	      "off: the same, uncounted");
	rule.mode = PLIC_ENFORCE;
	publish(rule, &limits);
	check(packet(IPPROTO_UDP, "192.0.2.3", 0) == PASS, "enforced again: who sits stays");
	check(packet(IPPROTO_UDP, "192.0.2.4", 0) != PASS, "... nobody else gets in");
}

static void not_for_us(void)
{
	struct rule_limits limits = {.grants[0] = seats(LINE, 1)};
	struct frame_spec spec = {
		.family = 4, .ip_proto = IPPROTO_UDP, .dport = PORT, .mac = {2, 9, 9, 9, 9, 9}};

	empty();
	publish(box_rule(0, PLIC_NEVER, PLIC_NEVER), &limits);
	box_verdict(box.skel->progs.plic_wire, &spec);
	check(n_seated() == 0, "a datagram to another MAC address takes no seat");
}

static void ipv6(void)
{
	struct rule_limits limits = {.grants[0] = seats(LINE, 1)};
	struct frame_spec spec = {.family = 6, .ip_proto = IPPROTO_UDP, .dport = PORT};

	empty();
	publish(box_rule(0, PLIC_NEVER, PLIC_NEVER), &limits);
	check(box_verdict(box.skel->progs.plic_wire, &spec) == PASS, "IPv6: a client sits");
	check(packet(IPPROTO_UDP, "192.0.2.1", 0) != PASS, "... and IPv4 finds the port full");
}

int main(void)
{
	box_open(&box);
	tcp();
	own_connections();
	several_grants();
	drained();
	policy_limit();
	datagrams(IPPROTO_UDP, "UDP");
	datagrams(IPPROTO_SCTP, "SCTP");
	scopes();
	modes();
	not_for_us();
	ipv6();
	box_close(&box);
	return tap_end();
}
