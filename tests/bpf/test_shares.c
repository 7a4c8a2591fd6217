/* SPDX-License-Identifier: MIT */
/*
 * test_shares.c - what wire says where seats are the cluster's: there are as many as the node has borrowed, none
 * once that has ended, and who finds none is heard of.
 */
#include "seated.h"

#define N 5 /* seats of the cluster */
#define MINUTE ((int64_t)60 * BOX_SECOND)
#define SHARED (PLIC_LIMIT_SEATS_NODE | PLIC_LIMIT_SEATS_SHARE)

static struct plic_limit shared(uint64_t line)
{
	return (struct plic_limit){.line = line, .seats = N, .flags = SHARED};
}

static void borrow(uint8_t proto, uint64_t line, uint32_t n, int64_t left)
{
	struct plic_usage_key key = usage(proto, line, PLIC_NODE_WIDE);
	struct plic_share share = {.until_ns = box_now() + left, .seats = n};

	if (bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_shares), &key, &share, BPF_ANY))
		perror("# share");
}

static struct plic_share share(uint8_t proto, uint64_t line)
{
	struct plic_usage_key key = usage(proto, line, PLIC_NODE_WIDE);
	struct plic_share share = {.seats = 99};

	bpf_map_lookup_elem(bpf_map__fd(box.skel->maps.plic_shares), &key, &share);
	return share;
}

static uint64_t asked(uint8_t proto)
{
	return share(proto, LINE).asked;
}

static void sit_in_cluster(uint8_t proto, const char *address)
{
	struct plic_seated_key key = seat(proto, LINE, address);
	struct plic_seated value = {.connections = 1, .last_ns = 1};

	key.usage.owner = PLIC_NODE_WIDE;
	if (bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_seated), &key, &value, BPF_ANY))
		perror("# seated");
	set_used(key.usage, used(key.usage) + 1);
}

static bool udp(const char *from)
{
	return packet(IPPROTO_UDP, from, 0) == PASS;
}

static uint64_t used_udp(void)
{
	return used(usage(IPPROTO_UDP, LINE, PLIC_NODE_WIDE));
}

static struct rule_limits begin(void)
{
	struct rule_limits limits = {.grants[0] = shared(LINE)};

	empty();
	publish(box_rule(0, PLIC_NEVER, PLIC_NEVER), &limits);
	return limits;
}

static void never_borrowed(void)
{
	begin();
	check(!udp("192.0.2.1") && !udp("192.0.2.1"), "no share: nobody gets in");
	check(count_of(PLIC_REASON_SEATS, PLIC_DENIED) == 2, "... for want of seats");
	check(asked(IPPROTO_UDP) == 2 && share(IPPROTO_UDP, LINE).seats == 0 &&
		      share(IPPROTO_UDP, LINE).until_ns == 0,
	      "... and it is known that somebody would");
	check(n_seated() == 0 && used_udp() == 0, "... who takes no seat");
	sit_in_cluster(IPPROTO_TCP, "192.0.2.1");
	check(!passes("192.0.2.1", ACK), "no share: nobody sits, whatever stands in the table");
	check(passes("192.0.2.1", RST), "... though a reset passes");
}

static void within_a_share(void)
{
	begin();
	borrow(IPPROTO_UDP, LINE, 2, MINUTE);
	check(udp("192.0.2.1") && udp("192.0.2.2") && used_udp() == 2,
	      "a share of two: two get in, counted over all gates");
	check(!udp("192.0.2.3") && udp("192.0.2.1") && udp("192.0.2.2"),
	      "... no third one, of five that the cluster has");
	check(asked(IPPROTO_UDP) == 1, "... and only that one is heard of");
	borrow(IPPROTO_UDP, LINE, 3, MINUTE);
	check(udp("192.0.2.3"), "one seat more is borrowed: it gets in");
	borrow(IPPROTO_UDP, LINE, 4000000000, MINUTE);
	check(udp("192.0.2.4") && udp("192.0.2.5") && !udp("192.0.2.6"),
	      "a share is never more than the cluster has");
}

static void lowered(void)
{
	begin();
	borrow(IPPROTO_UDP, LINE, 2, MINUTE);
	udp("192.0.2.1");
	udp("192.0.2.2");
	borrow(IPPROTO_UDP, LINE, 0, MINUTE);
	check(udp("192.0.2.1") && udp("192.0.2.2") && !udp("192.0.2.3"),
	      "a share of none: who sits stays, nobody else gets in");
	borrow(IPPROTO_UDP, LINE, 1, MINUTE);
	check(udp("192.0.2.1") && udp("192.0.2.2") && !udp("192.0.2.3"), "... of fewer, too");
}

static void ended(void)
{
	begin();
	borrow(IPPROTO_UDP, LINE, 2, MINUTE);
	check(udp("192.0.2.1"), "a client sits");
	borrow(IPPROTO_UDP, LINE, 2, -(int64_t)BOX_SECOND);
	check(!udp("192.0.2.1") && !udp("192.0.2.2"), "the share has ended: nobody sits any more");
	check(asked(IPPROTO_UDP) == 2, "... and both are heard of");
	borrow(IPPROTO_UDP, LINE, 2, MINUTE);
	check(udp("192.0.2.1") && used_udp() == 1, "borrowed anew: it sits again");
}

static void tcp(void)
{
	begin();
	borrow(IPPROTO_TCP, LINE, 2, MINUTE);
	check(passes("192.0.2.3", SYN), "TCP: room in the share");
	sit_in_cluster(IPPROTO_TCP, "192.0.2.1");
	sit_in_cluster(IPPROTO_TCP, "192.0.2.2");
	check(passes("192.0.2.1", SYN) && passes("192.0.2.2", ACK), "... full: who sits passes");
	check(packet(IPPROTO_TCP, "192.0.2.3", PSH | ACK) == REDIRECT && asked(IPPROTO_TCP) == 0,
	      "... a segment without a seat is refused, and asks for nothing");
	check(packet(IPPROTO_TCP, "192.0.2.3", SYN) == REDIRECT && asked(IPPROTO_TCP) == 1,
	      "... so is a SYN, and is heard of");
	borrow(IPPROTO_TCP, LINE, 2, -(int64_t)BOX_SECOND);
	check(packet(IPPROTO_TCP, "192.0.2.1", ACK) == REDIRECT,
	      "ended: the segments of who sat are refused");
	check(count_of(PLIC_REASON_SEATS, PLIC_DENIED) == 3, "... for want of seats");
}

static void another_grant(void)
{
	struct rule_limits limits = {.grants = {shared(LINE), seats(OTHER_LINE, 1)}};

	empty();
	publish(two_grants(2 * YEAR, YEAR), &limits);
	check(udp("192.0.2.1") && asked(IPPROTO_UDP) == 0,
	      "a grant with seats of the gate beside it gives its own");
	check(!udp("192.0.2.2") && asked(IPPROTO_UDP) == 1, "... then the cluster's are asked for");
	borrow(IPPROTO_UDP, LINE, 1, MINUTE);
	check(udp("192.0.2.2") && !udp("192.0.2.3"), "... and given");
	borrow(IPPROTO_UDP, LINE, 1, -(int64_t)BOX_SECOND);
	check(udp("192.0.2.1") && !udp("192.0.2.2"), "ended: who sits by the other grant stays");

	limits.grants[1] = shared(OTHER_LINE);
	empty();
	publish(two_grants(2 * YEAR, YEAR), &limits);
	udp("192.0.2.1");
	check(asked(IPPROTO_UDP) == 1 && share(IPPROTO_UDP, OTHER_LINE).asked == 1,
	      "two lines of the cluster: both are asked for");

	limits.grants[1].seats = 0;
	publish(two_grants(2 * YEAR, YEAR), &limits);
	check(udp("192.0.2.1") && asked(IPPROTO_UDP) == 1, "a grant without seats takes all");
}

static void draining(void)
{
	struct rule_limits limits = {.grants[0] = shared(LINE)};
	struct plic_rule rule = box_rule(0, -(int64_t)BOX_SECOND, YEAR);

	empty();
	publish(rule, &limits);
	borrow(IPPROTO_TCP, LINE, 1, MINUTE);
	sit_in_cluster(IPPROTO_TCP, "192.0.2.1");
	check(passes("192.0.2.1", ACK), "the drain: who sits in the share goes on");
}

static void policy_first(void)
{
	struct rule_limits limits = {.grants[0] = shared(LINE),
				     .policy[0] = seats(PLIC_LINE_POLICY, 1)};

	empty();
	publish(box_rule(0, PLIC_NEVER, PLIC_NEVER), &limits);
	borrow(IPPROTO_UDP, LINE, 1, MINUTE);
	check(udp("192.0.2.1") && !udp("192.0.2.2") && asked(IPPROTO_UDP) == 0,
	      "where the policy has no room nothing is borrowed");
}

static void audit(void)
{
	struct rule_limits limits = {.grants[0] = shared(LINE)};
	struct plic_rule rule = box_rule(0, PLIC_NEVER, PLIC_NEVER);

	empty();
	rule.mode = PLIC_AUDIT_MODE;
	publish(rule, &limits);
	check(udp("192.0.2.1") && used_udp() == 1 && asked(IPPROTO_UDP) == 1,
	      "audit, no share: it passes and sits, and is heard of");
	check(udp("192.0.2.1") && used_udp() == 1, "... once");
	check(count_of(PLIC_REASON_SEATS, PLIC_AUDIT) == 2, "... counted as it would be denied");
	borrow(IPPROTO_UDP, LINE, 1, MINUTE);
	check(udp("192.0.2.1") && count_of(PLIC_REASON_SEATS, PLIC_AUDIT) == 2,
	      "... until there is a share");
}

static void not_for_us(void)
{
	struct frame_spec spec = {
		.family = 4, .ip_proto = IPPROTO_UDP, .dport = PORT, .mac = {2, 9, 9, 9, 9, 9}};

	begin();
	box_verdict(box.skel->progs.plic_wire, &spec);
	check(share(IPPROTO_UDP, LINE).seats == 99,
	      "a datagram to another MAC address asks for none");
}

int main(void)
{
	box_open(&box);
	never_borrowed();
	within_a_share();
	lowered();
	ended();
	tcp();
	another_grant();
	draining();
	policy_first();
	audit();
	not_for_us();
	box_close(&box);
	return tap_end();
}
