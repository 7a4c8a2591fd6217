/* SPDX-License-Identifier: MIT */
/*
 * test_quota.c - bytes and connections in windows. Time passes by moving back where windows begin. What is
 * TCP's connections the ledger charges: tests/e2e/88-limits.sh.
 */
#include "limited.h"

#define PACKET 100 /* bytes, of send_data() and send_udp() */

static int quotas(void)
{
	return bpf_map__fd(box.skel->maps.plic_quotas);
}

/* One grant whose window is an hour long and has just begun, the hundredth. */
static struct limited limited_quota(__u64 connections, __u64 bytes, __u8 flags)
{
	struct limited l = limited_new(1);

	l.limits.grants[0].quota_connections = connections;
	l.limits.grants[0].quota_bytes = bytes;
	l.limits.grants[0].flags = flags;
	l.limits.grants[0].window_ns = HOUR;
	l.limits.grants[0].start_ns =
		box_now() - 100 * HOUR - HOUR / 2; /* the programs' clock is a jiffy old */
	forget(box.skel->maps.plic_quotas);
	return l;
}

static void pass_windows(struct limited *l, int64_t n)
{
	l->limits.grants[0].start_ns -= n * HOUR;
	limited_publish(l);
}

/* How many of n segments pass. */
static int going_on(int n, __u16 port)
{
	int passed = 0;

	box_clear(&box);
	for (int i = 0; i < n; i++)
		passed += send_data(port) == PASS;
	return passed;
}

static struct plic_quota used(const struct limited *l, __u16 port, __u8 proto)
{
	const struct plic_limit *limit = &l->limits.grants[0];
	struct plic_usage_key key = {.line = limit->line ^ limit->window_ns,
				     .owner = BOX_GATE,
				     .port = port,
				     .proto = proto};
	struct plic_quota q = {};

	bpf_map_lookup_elem(quotas(), &key, &q);
	return q;
}

static void bytes_block(void)
{
	struct limited l = limited_quota(0, 10 * PACKET, PLIC_LIMIT_BLOCK);
	struct plic_quota q;

	limited_publish(&l);
	check(going_on(20, PORT) == 10, "twice the bytes: as many pass as are given");
	check(counted(PLIC_DENIED, PLIC_REASON_QUOTA) == 10, "... the others are denied for it");
	check(passing(3, PORT) == 0, "... and so are new connections");
	check(going_on(1, PORT + 1) == 1, "another port of the range has its own");
	q = used(&l, PORT, IPPROTO_TCP);
	check(q.window == 100 && q.bytes[0] == 10 * PACKET && !q.bytes[1],
	      "counted: %llu bytes in window %llu", (unsigned long long)q.bytes[0],
	      (unsigned long long)q.window);
	check(q.ends_ns == l.limits.grants[0].start_ns + 101 * HOUR, "... and when that ends");
	pass_windows(&l, 1);
	check(going_on(20, PORT) == 10, "the next window: as many again");
	q = used(&l, PORT, IPPROTO_TCP);
	check(q.bytes[0] == 10 * PACKET && q.bytes[1] == 10 * PACKET, "... the last one is kept");
	pass_windows(&l, 2);
	going_on(3, PORT);
	q = used(&l, PORT, IPPROTO_TCP);
	check(q.window == 103 && q.bytes[1] == 3 * PACKET && !q.bytes[0],
	      "two windows later: nothing of either is left");
}

/* A clock that is put back, or a license that says when windows begin otherwise. */
static void only_forward(void)
{
	struct limited l = limited_quota(0, 10 * PACKET, PLIC_LIMIT_BLOCK);

	limited_publish(&l);
	going_on(20, PORT);
	pass_windows(&l, -1);
	check(going_on(20, PORT) == 10, "the window before has what is left of it");
	pass_windows(&l, -1);
	check(going_on(20, PORT) == 0, "... those before it are the newest one");
	l.limits.grants[0].window_ns = 2 * HOUR;
	limited_publish(&l);
	check(going_on(20, PORT) == 10, "windows of another length are another quota");
}

static void report(void)
{
	struct limited l = limited_quota(0, 10 * PACKET, 0);

	limited_publish(&l);
	check(going_on(20, PORT) == 20, "over a quota that reports: all pass");
	check(counted(PLIC_AUDIT, PLIC_REASON_QUOTA) == 10, "... and are counted as over it");
	check(used(&l, PORT, IPPROTO_TCP).bytes[0] == 20 * PACKET, "... and charged");
	check(passing(2, PORT) == 2 && counted(PLIC_AUDIT, PLIC_REASON_QUOTA) == 2,
	      "... new connections, too");
	l.rule.mode = PLIC_OFF;
	limited_publish(&l);
	check(going_on(2, PORT) == 2 && !counted(PLIC_AUDIT, PLIC_REASON_QUOTA) &&
		      used(&l, PORT, IPPROTO_TCP).bytes[0] < 21 * PACKET,
	      "off: neither");
}

static void audit(void)
{
	struct limited l = limited_quota(0, 10 * PACKET, PLIC_LIMIT_BLOCK);

	l.rule.mode = PLIC_AUDIT_MODE;
	limited_publish(&l);
	check(going_on(20, PORT) == 20 && counted(PLIC_AUDIT, PLIC_REASON_QUOTA) == 10,
	      "audit: all pass, and are counted as they would have been judged");
}

static void datagrams(void)
{
	struct limited l = limited_quota(3, 0, PLIC_LIMIT_BLOCK);
	int passed = 0;

	limited_publish(&l);
	for (int i = 0; i < 6; i++)
		passed += send_udp(PORT, 2000 + i) == PASS;
	check(passed == 3, "UDP: as many clients as connections are given");
	check(used(&l, PORT, IPPROTO_UDP).connections[0] == 3, "... which are charged");
	check(send_udp(PORT, 2001) == PASS, "... and go on");
	check(send_udp(PORT, 2004) == DROP, "... the others don't come in");
	check(used(&l, PORT, IPPROTO_UDP).bytes[0] == 4 * PACKET, "bytes are charged, too");
	l = limited_quota(0, 10 * PACKET, PLIC_LIMIT_BLOCK);
	limited_publish(&l);
	for (int i = passed = 0; i < 20; i++)
		passed += send_udp(PORT, 2000) == PASS;
	check(passed == 10, "UDP: a known client is held to the bytes");
}

static void of_a_whole_license(void)
{
	struct limited l = limited_quota(0, 10 * PACKET, PLIC_LIMIT_BLOCK | PLIC_LIMIT_QUOTA_LINE);

	limited_publish(&l);
	check(going_on(6, PORT) == 6 && going_on(6, PORT + 1) == 4 && going_on(6, PORT) == 0,
	      "a quota of the license: one for all of its ports");
	check(send_udp(PORT, 2000) == DROP, "... and protocols");
}

static void of_the_node(void)
{
	struct limited l = limited_quota(0, 10 * PACKET, PLIC_LIMIT_BLOCK | PLIC_LIMIT_QUOTA_NODE);
	struct plic_usage_key key = {
		.line = LINE ^ HOUR, .owner = PLIC_NODE_WIDE, .port = PORT, .proto = IPPROTO_TCP};
	struct plic_quota q = {.window = 100, .bytes = {7 * PACKET}}; /* by other gates */

	limited_publish(&l);
	bpf_map_update_elem(quotas(), &key, &q, BPF_ANY);
	check(going_on(20, PORT) == 3, "a quota of the node: what other gates left");
}

static void of_several_grants(void)
{
	struct limited l = limited_quota(0, 10 * PACKET, PLIC_LIMIT_BLOCK);

	l.rule = limited_new(2).rule;
	l.limits.grants[1] = l.limits.grants[0];
	l.limits.grants[1].line++;
	l.limits.grants[1].quota_bytes = 5 * PACKET;
	limited_publish(&l);
	going_on(5, PORT);
	check(!used(&l, PORT, IPPROTO_TCP).bytes[0],
	      "two licenses: the one that ends first is charged first");
	check(going_on(30, PORT) == 10, "... then the other one");
	l.limits.grants[1].flags = 0;
	limited_publish(&l);
	check(going_on(3, PORT) == 3 && counted(PLIC_AUDIT, PLIC_REASON_QUOTA) == 3,
	      "one of them reports: all pass, and are counted");
	l.limits.grants[0].window_ns = 0;
	limited_publish(&l);
	check(going_on(30, PORT) == 30 && !counted(PLIC_AUDIT, PLIC_REASON_QUOTA),
	      "one without a quota: unlimited wins");
}

/* What the pod itself opened from the port. */
static void own_connections(void)
{
	struct limited l = limited_quota(0, 10 * PACKET, PLIC_LIMIT_BLOCK);
	struct plic_mark_key key = {.remote = {[10] = 0xff, 0xff, 192, 0, 2, 1},
				    .local = {[10] = 0xff, 0xff, 10, 0, 0, 2},
				    .remote_port = 40000,
				    .local_port = PORT};
	struct plic_mark mark = {.cookie = 1};

	limited_publish(&l);
	box.skel->bss->plic_marked = 1;
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_marks), &key, &mark, BPF_ANY);
	for (int i = 0; i < 30; i++)
		send_data(PORT);
	check(!used(&l, PORT, IPPROTO_TCP).bytes[0] && send_data(PORT) == PASS,
	      "the pod's own connections are neither charged nor held");
}

int main(void)
{
	box_open(&box);
	bytes_block();
	only_forward();
	report();
	audit();
	datagrams();
	of_a_whole_license();
	of_the_node();
	of_several_grants();
	own_connections();
	box_close(&box);
	return tap_end();
}
