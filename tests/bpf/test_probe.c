/* SPDX-License-Identifier: MIT */
/*
 * test_probe.c - the kubelet's probes of a pod: told by both their ends, on ports that are probed alone, spared
 * what holds other clients; and what is taken for one where nothing tells.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "box.h"
#include "limit.h"
#include "tap.h"

#define POD "10.0.0.2" /* where frames go */
#define NODE "10.0.0.1"
#define ELSEWHERE "192.0.2.1"
#define KUBELET_PORT 40000
#define LINE 0x1234567890
#define HOUR (3600 * BOX_SECOND)

enum port {
	UNLICENSED = 8000, /* all but UNPROBED are probed */
	LAPSED,
	CUT,
	NARROWED, /* licensed, to external alone */
	LIMITED,  /* licensed: one seat that is taken, rate, quota that is used up, TLS */
	BROWN,	  /* in its last quarter */
	AUDITED,
	LICENSED,
	UNPROBED,
	N_PORTS = UNPROBED - UNLICENSED + 1,
};

static struct box box;

static struct plic_rule rule_of(enum port port)
{
	struct plic_rule rule = {};

	if (port == LAPSED)
		rule = box_rule(0, -(int64_t)HOUR, HOUR);
	else if (port == CUT)
		rule = box_rule(0, -2 * (int64_t)HOUR, -(int64_t)HOUR);
	else if (port == NARROWED || port == LIMITED || port == LICENSED)
		rule = box_rule(0, PLIC_NEVER, PLIC_NEVER);
	else if (port == BROWN)
		rule = box_rule(0, HOUR, HOUR);
	if (port == NARROWED)
		rule.origins = 1U << PLIC_ORIGIN_EXTERNAL;
	if (port == BROWN)
		rule.grants[0].step_ns = 2 * HOUR;
	if (port == AUDITED)
		rule.mode = PLIC_AUDIT_MODE;
	return rule;
}

static struct rule_limits limits = {
	.grants[0] = {.line = LINE,
		      .interval_ns = HOUR,
		      .burst = 1,
		      .seats = 1,
		      .quota_bytes = 1,
		      .window_ns = HOUR,
		      .flags = PLIC_LIMIT_TLS | PLIC_LIMIT_BLOCK},
};

static void publish(void)
{
	static struct rule_limits none;
	struct plic_header header = {};
	struct plic_rule rest = {};
	struct ruleset_port ports[N_PORTS];

	for (int i = 0; i < N_PORTS; i++) {
		struct rule_limits *of = UNLICENSED + i == LIMITED ? &limits : &none;

		ports[i] = (struct ruleset_port){.port = UNLICENSED + i,
						 .end_port = UNLICENSED + i,
						 .ip_proto = IPPROTO_TCP,
						 .slot = 1 + i,
						 .rule = rule_of(UNLICENSED + i),
						 .limits = of};
		ports[i].rule.flags = rule_flags(&ports[i].rule, of);
		if (UNLICENSED + i != UNPROBED)
			ports[i].rule.flags |= PLIC_RULE_PROBE;
	}
	box_publish(&box, &header, &rest, ports, N_PORTS);
}

static void mapped(const char *text, uint8_t address[16])
{
	memset(address, 0, 10);
	address[10] = address[11] = 0xff;
	if (inet_pton(AF_INET, text, address + 12) != 1)
		inet_pton(AF_INET6, text, address);
}

static struct plic_mark_key key_of(const char *from, uint16_t sport, const char *to, uint16_t dport)
{
	struct plic_mark_key key = {.remote_port = sport, .local_port = dport};

	mapped(from, key.remote);
	mapped(to, key.local);
	return key;
}

static int probes(void)
{
	return bpf_map__fd(box.skel->maps.plic_probes);
}

static void put(struct plic_mark_key key, struct plic_probe probe)
{
	bpf_map_update_elem(probes(), &key, &probe, BPF_ANY);
}

/* As the program on the kubelet's cgroup does. */
static void opens(const char *from, uint16_t sport, enum port port)
{
	put(key_of(from, sport, POD, port),
	    (struct plic_probe){.opened_ns = box_now(), .gate = PLIC_NODE_WIDE});
}

static void told(enum plic_told how, uint64_t seen_ns)
{
	struct plic_kubelet kubelet = {.told = how, .seen_ns = seen_ns};
	uint32_t zero = 0;

	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_kubelet), &zero, &kubelet, BPF_ANY);
}

static void forget(struct bpf_map *map)
{
	char key[64];

	while (!bpf_map_get_next_key(bpf_map__fd(map), NULL, key))
		bpf_map_delete_elem(bpf_map__fd(map), key);
}

static void anew(void)
{
	forget(box.skel->maps.plic_probes);
	forget(box.skel->maps.plic_rates);
	box_clear(&box);
	told(PLIC_TOLD_CGROUP, box_now());
}

static struct frame_spec segment(const char *from, uint16_t sport, enum port port, uint8_t flags)
{
	return (struct frame_spec){.family = strchr(from, ':') ? 6 : 4,
				   .ip_proto = IPPROTO_TCP,
				   .from = from,
				   .to = strchr(from, ':') ? NULL : POD,
				   .sport = sport,
				   .dport = port,
				   .flags = flags};
}

static bool passes(const char *from, uint16_t sport, enum port port, uint8_t flags)
{
	struct frame_spec spec = segment(from, sport, port, flags);

	return box_verdict(box.skel->progs.plic_wire, &spec) == PASS;
}

static bool sends(const char *from, uint16_t sport, enum port port, uint16_t bytes)
{
	struct frame_spec spec = segment(from, sport, port, ACK);

	spec.payload = bytes;
	return box_verdict(box.skel->progs.plic_wire, &spec) == PASS;
}

/* The only denial that was counted, 0: none. */
static int reason(void)
{
	static struct box_counts c;

	box_counts(&box, &c);
	return c.n_denials == 1 ? c.keys[0].reason : c.n_denials ? -1 : 0;
}

/* ---- told by its ends ---- */

static const struct {
	const char *name;
	int reason;  /* of everybody else's SYN, 0: passes */
	int segment; /* of everybody else's connection */
} ports[N_PORTS] = {
	[UNLICENSED - UNLICENSED] = {"without a license", PLIC_REASON_UNLICENSED, 0},
	[LAPSED - UNLICENSED] = {"lapsed", PLIC_REASON_LAPSED, 0},
	[CUT - UNLICENSED] = {"lapsed and cut", PLIC_REASON_LAPSED, PLIC_REASON_LAPSED},
	[NARROWED - UNLICENSED] = {"narrowed to others", PLIC_REASON_ORIGIN, 0},
	[LIMITED - UNLICENSED] = {"with limits", PLIC_REASON_SEATS, PLIC_REASON_SEATS},
	[BROWN - UNLICENSED] = {"in its brown-out", PLIC_REASON_BROWNOUT, 0},
	[AUDITED - UNLICENSED] = {"in audit", PLIC_REASON_UNLICENSED, 0},
	[LICENSED - UNLICENSED] = {"licensed", 0, 0},
	[UNPROBED -
		UNLICENSED] = {"that isn't probed", PLIC_REASON_UNLICENSED, PLIC_REASON_UNLICENSED},
};

/* Somebody else has the only seat. */
static void take_seat(void)
{
	struct plic_usage_key usage = {
		.line = LINE, .owner = BOX_GATE, .port = LIMITED, .proto = IPPROTO_TCP};
	struct plic_seats seats = {.used = 1};

	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_seats), &usage, &seats, BPF_ANY);
}

static void test_tuples(void)
{
	for (enum port port = UNLICENSED; port < UNLICENSED + N_PORTS; port++) {
		const char *name = ports[port - UNLICENSED].name;
		int want = ports[port - UNLICENSED].reason, got;
		bool audit = port == AUDITED;

		anew();
		got = passes(NODE, KUBELET_PORT, port, SYN) == (!want || audit) ? reason() : -2;
		check(got == want, "a port %s, a process of the node: reason %d, not %d", name, got,
		      want);
		if (port == UNPROBED)
			want = PLIC_REASON_UNLICENSED;
		else
			want = 0;
		anew();
		opens(NODE, KUBELET_PORT, port);
		got = passes(NODE, KUBELET_PORT, port, SYN) == !want ? reason() : -2;
		check(got == want, "... the kubelet: reason %d, not %d", got, want);
		got = sends(NODE, KUBELET_PORT, port, 100) == !want ? reason() : -2;
		check(got == want, "... what it sends: reason %d, not %d", got, want);
		want = ports[port - UNLICENSED].segment;
		box_clear(&box);
		got = sends(NODE, KUBELET_PORT + 1, port, 100) == (!want || audit) ? reason() : -2;
		check(got == want, "... another connection that stood: reason %d, not %d", got,
		      want);
	}
}

static void test_others(void)
{
	static const struct {
		const char *name, *from;
		uint16_t sport;
		enum port port;
	} others[] = {
		{"another port of the node", NODE, KUBELET_PORT + 1, UNLICENSED},
		{"another address", ELSEWHERE, KUBELET_PORT, UNLICENSED},
		{"another port of the pod", NODE, KUBELET_PORT, LAPSED},
	};

	anew();
	opens(NODE, KUBELET_PORT, UNLICENSED);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		check(!passes(others[i].from, others[i].sport, others[i].port, SYN), "%s: denied",
		      others[i].name);
	put(key_of(NODE, KUBELET_PORT, "10.0.0.3", UNLICENSED + 1),
	    (struct plic_probe){.opened_ns = box_now(), .gate = PLIC_NODE_WIDE});
	check(!passes(NODE, KUBELET_PORT, UNLICENSED + 1, SYN), "to another pod: denied");
}

static void test_ipv6(void)
{
	anew();
	check(!passes("fd00::1", KUBELET_PORT, UNLICENSED, SYN), "IPv6, nobody's: denied");
	put(key_of("fd00::1", KUBELET_PORT, "fd00::2", UNLICENSED),
	    (struct plic_probe){.opened_ns = box_now(), .gate = PLIC_NODE_WIDE});
	check(passes("fd00::1", KUBELET_PORT, UNLICENSED, SYN), "IPv6, the kubelet's: allowed");
}

static void test_ages(void)
{
	struct plic_mark_key key = key_of(NODE, KUBELET_PORT, POD, UNLICENSED);
	struct plic_probe probe = {.opened_ns = box_now() - PLIC_PROBE_FRESH_NS + BOX_SECOND,
				   .gate = PLIC_NODE_WIDE};

	anew();
	put(key, probe);
	check(passes(NODE, KUBELET_PORT, UNLICENSED, SYN), "opened 59 s ago: its SYN is allowed");
	probe.opened_ns -= 2 * BOX_SECOND;
	put(key, probe);
	check(!passes(NODE, KUBELET_PORT, UNLICENSED, SYN), "opened 61 s ago: denied");
	check(sends(NODE, KUBELET_PORT, UNLICENSED, 100), "... a segment of it is allowed");
	probe.opened_ns = box_now();
	probe.closed_ns = probe.opened_ns;
	put(key, probe);
	check(!passes(NODE, KUBELET_PORT, UNLICENSED, SYN), "closed: a SYN is another's, denied");
	check(sends(NODE, KUBELET_PORT, UNLICENSED, 0), "... its last acknowledgement is allowed");
}

/* On a pod's own lo no kubelet is, whatever its table says: containerd may share the kubelet's cgroup. */
static void test_lo(void)
{
	struct frame_spec spec = segment(NODE, KUBELET_PORT, UNLICENSED, SYN);
	struct frame f;

	anew();
	opens(NODE, KUBELET_PORT, UNLICENSED);
	frame_build(&spec, &f);
	check(box_run_on_lo(box.skel->progs.plic_wire, &f).verdict != PASS, "on lo: denied");
}

static void test_taken(void)
{
	struct plic_mark_key key = key_of(NODE, KUBELET_PORT, POD, UNLICENSED);
	struct plic_probe probe = {};

	anew();
	opens(NODE, KUBELET_PORT, UNLICENSED);
	passes(NODE, KUBELET_PORT, UNLICENSED, SYN);
	bpf_map_lookup_elem(probes(), &key, &probe);
	check(probe.taken == BOX_GATE + 1, "user space is told that it was let in as one");
}

/* ---- guessed ---- */

static void test_none_told(void)
{
	anew();
	told(PLIC_TOLD_NONE, 0);
	check(!passes(NODE, KUBELET_PORT, UNLICENSED, SYN) && reason() == PLIC_REASON_UNLICENSED,
	      "without a kubelet nothing is guessed");
	told(PLIC_TOLD_CGROUP, box_now());
	check(!passes(NODE, KUBELET_PORT, UNLICENSED, SYN), "... nor while its cgroup tells");
	told(PLIC_TOLD_CGROUP, box_now() - PLIC_KUBELET_LOST_NS - BOX_SECOND);
	check(passes(NODE, KUBELET_PORT, UNLICENSED, SYN),
	      "... but once it and the agent haven't been seen for long");
}

static void test_budget(void)
{
	int passed = 0;

	anew();
	told(PLIC_TOLD_GUESS, 0);
	check(!passes(ELSEWHERE, KUBELET_PORT, UNLICENSED, SYN) &&
		      reason() == PLIC_REASON_UNLICENSED,
	      "guessed: not from elsewhere");
	box_clear(&box);
	for (int i = 0; i < 2 * PLIC_PROBE_BURST; i++)
		passed += passes(NODE, KUBELET_PORT + i, UNLICENSED, SYN);
	check(passed >= PLIC_PROBE_BURST && passed <= PLIC_PROBE_BURST + 2,
	      "of %d connections of the node %d are", 2 * PLIC_PROBE_BURST, passed);
	check(reason() == PLIC_REASON_ORIGIN, "... the rest is denied by its origin: %d", reason());
	check(passes(NODE, KUBELET_PORT, UNLICENSED, SYN),
	      "... a SYN that is sent again is let in");
	check(passes(NODE, KUBELET_PORT, LAPSED, SYN), "... another port has a budget of its own");
	box_clear(&box);
	check(passes(NODE, KUBELET_PORT, LICENSED, SYN) && passes(NODE, KUBELET_PORT, LIMITED, SYN),
	      "... and so does one with limits");
	for (int i = 1; i < 2 * PLIC_PROBE_BURST; i++)
		passes(NODE, KUBELET_PORT + i, LICENSED, SYN);
	check(!reason(), "... beyond it a licensed port takes the node as any client");
	check(!passes(NODE, KUBELET_PORT, UNPROBED, SYN), "... a port that isn't probed has none");
}

static void test_bytes(void)
{
	int passed = 0;

	anew();
	told(PLIC_TOLD_GUESS, 0);
	passes(NODE, KUBELET_PORT, UNLICENSED, SYN);
	while (passed < 100 && sends(NODE, KUBELET_PORT, UNLICENSED, 960))
		passed++;
	check(passed == 65, "64 KiB may come in: %d segments of 1000 bytes did", passed);
	check(reason() == PLIC_REASON_ORIGIN, "... the rest is denied by its origin");
	check(sends(NODE, KUBELET_PORT + 1, UNLICENSED, 100),
	      "one that stood before is let through, where nothing was ever given");
	check(!sends(NODE, KUBELET_PORT + 1, CUT, 100), "... not where a license is at its end");
	passes(NODE, KUBELET_PORT, LICENSED, SYN);
	for (passed = 0; passed < 100 && sends(NODE, KUBELET_PORT, LICENSED, 960);)
		passed++;
	check(passed == 100, "a licensed port goes on: %d segments", passed);
	opens(NODE, KUBELET_PORT + 2, UNLICENSED);
	passes(NODE, KUBELET_PORT + 2, UNLICENSED, SYN);
	for (passed = 0; passed < 100 && sends(NODE, KUBELET_PORT + 2, UNLICENSED, 960);)
		passed++;
	check(passed == 100, "the kubelet's own have no limit: %d segments", passed);
}

/* What another gate guessed says nothing here. */
static void test_other_gate(void)
{
	anew();
	put(key_of(NODE, KUBELET_PORT, POD, UNLICENSED),
	    (struct plic_probe){.opened_ns = box_now(), .gate = BOX_GATE + 1, .left = 1000});
	check(!passes(NODE, KUBELET_PORT, UNLICENSED, SYN), "another gate's guess: denied");
}

/* ---- socket ---- */

static int look_up(uint16_t sport, enum port port)
{
	struct bpf_sk_lookup ctx = {.family = AF_INET,
				    .protocol = IPPROTO_TCP,
				    .remote_port = htons(sport),
				    .local_port = port};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));
	int r;

	inet_pton(AF_INET, NODE, &ctx.remote_ip4);
	inet_pton(AF_INET, POD, &ctx.local_ip4);
	r = bpf_prog_test_run_opts(bpf_program__fd(box.skel->progs.plic_socket), &opts);
	return r ? r : (int)opts.retval;
}

static void test_socket(void)
{
	struct plic_sender_key sender = {.remote_port = KUBELET_PORT,
					 .local_port = UNLICENSED,
					 .gate = BOX_GATE,
					 .proto = IPPROTO_TCP};
	struct plic_sender of = {.origins = 1U << PLIC_ORIGIN_RUNTIME};

	anew();
	if (look_up(KUBELET_PORT, LICENSED) != SK_PASS) {
		printf("ok %d - socket # SKIP no test runs of sk_lookup before Linux 5.14\n",
		       ++tap_cases);
		return;
	}
	check(look_up(KUBELET_PORT, UNLICENSED) == SK_DROP, "socket: nobody's: denied");
	opens(NODE, KUBELET_PORT, UNLICENSED);
	opens(NODE, KUBELET_PORT, NARROWED);
	opens(NODE, KUBELET_PORT, UNPROBED);
	check(look_up(KUBELET_PORT, UNLICENSED) == SK_PASS, "... the kubelet's: allowed");
	check(look_up(KUBELET_PORT, NARROWED) == SK_PASS, "... also where others are admitted");
	check(look_up(KUBELET_PORT, UNPROBED) == SK_DROP, "... not to a port that isn't probed");
	check(look_up(KUBELET_PORT + 1, UNLICENSED) == SK_DROP, "... nor another's");
	mapped(NODE, sender.remote);
	mapped(POD, sender.local);
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_senders), &sender, &of, BPF_ANY);
	check(look_up(KUBELET_PORT, UNLICENSED) == SK_DROP, "... nor what was sent on lo");
}

static void know_node(void)
{
	struct plic_source_key key = {.prefixlen = 32 + 128, .set = PLIC_SOURCES_ORIGINS};
	uint32_t node = PLIC_ORIGIN_NODE;

	mapped(NODE, key.address);
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_sources), &key, &node, BPF_ANY);
}

int main(void)
{
	box_open(&box);
	know_node();
	publish();
	take_seat();
	test_tuples();
	test_others();
	test_ipv6();
	test_ages();
	test_lo();
	test_taken();
	test_none_told();
	test_budget();
	test_bytes();
	test_other_gate();
	test_socket();
	box_close(&box);
	return tap_end();
}
