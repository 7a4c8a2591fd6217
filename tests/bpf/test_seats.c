/* SPDX-License-Identifier: MIT */
/*
 * test_seats.c - what wire says to clients of a port with seats: who sits, whether there is room, which of
 * several grants is asked, and that nothing but a UDP or SCTP packet that is let in takes a seat.
 */
#include "seated.h"

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
