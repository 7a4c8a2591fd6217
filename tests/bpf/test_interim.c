/* SPDX-License-Identifier: MIT */
/*
 * test_interim.c - what the clock alone changes: an interim that ends, and the steps of a brown-out, in
 * wire and in socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "box.h"
#include "tap.h"

#define OPEN 8080   /* all along */
#define BRIEF 8081  /* in the interim only */
#define PAUSED 8082 /* not in the interim */
#define UNNAMED 9090
#define MS ((int64_t)BOX_SECOND / 1000)
#define CLIENTS 512

static struct box box;
static bool can_look_up = true;

/* socket's verdict as wire's: PASS or DROP. */
static int look_up(int family, const char *from, __u16 port)
{
	struct bpf_sk_lookup ctx = {.family = family == 4 ? AF_INET : AF_INET6,
				    .protocol = IPPROTO_TCP,
				    .remote_port = htons(40000),
				    .local_port = port};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	inet_pton(ctx.family, from, family == 4 ? (void *)&ctx.remote_ip4 : (void *)ctx.remote_ip6);
	if (bpf_prog_test_run_opts(bpf_program__fd(box.skel->progs.plic_socket), &opts)) {
		can_look_up = false;
		return 0;
	}
	return opts.retval == SK_PASS ? PASS : DROP;
}

static int wire(__u8 proto, __u16 port)
{
	struct frame_spec spec = {.family = 4, .ip_proto = proto, .dport = port, .flags = SYN};

	return box_verdict(box.skel->progs.plic_wire, &spec);
}

/* Both hooks: PASS, DROP (denied), or 1 if they disagree. */
static int both(__u16 port)
{
	int verdict = wire(IPPROTO_TCP, port), socket = look_up(4, "192.0.2.1", port);

	if (verdict == REDIRECT)
		verdict = DROP;
	return !can_look_up || socket == verdict ? verdict : 1;
}

/* An emulated machine takes its time. */
static int64_t for_a_while(void)
{
	return (getenv("PORTLIC_TEST_EMULATED") ? 3000 : 400) * MS;
}

static void wait_until(uint64_t ns)
{
	while (box_now() < ns)
		;
}

/* A change that waits to be confirmed: other ports, then back by itself. */
static void ports_come_and_go(void)
{
	struct plic_rule none = {}, open = box_rule(0, PLIC_NEVER, PLIC_NEVER);
	struct plic_header header = {};
	struct ruleset_interim interim = {.until_ns = box_now() + for_a_while()};
	struct ruleset_port ports[] = {
		{.port = OPEN, .slot = 1, .rule = open, .interim = &open},
		{.port = BRIEF, .slot = 2, .rule = none, .interim = &open},
		{.port = PAUSED, .slot = 3, .rule = open, .interim = &none},
	};

	for (int i = 0; i < 3; i++) {
		ports[i].end_port = ports[i].port;
		ports[i].ip_proto = IPPROTO_TCP;
	}
	header.ip_open[IPPROTO_GRE / 8] |= 1 << IPPROTO_GRE % 8;
	interim.header.ip_open[IPPROTO_IPIP / 8] |= 1 << IPPROTO_IPIP % 8;
	box_publish_interim(&box, &header, &none, ports, 3, &interim);
	check(both(OPEN) == PASS, "interim: a port of both");
	check(both(BRIEF) == PASS, "interim: its own port");
	check(both(PAUSED) == DROP, "interim: a port that it lacks");
	check(wire(IPPROTO_IPIP, 0) == PASS && wire(IPPROTO_GRE, 0) == DROP,
	      "interim: its own IP protocols");
	wait_until(interim.until_ns + 20 * MS);
	check(both(OPEN) == PASS, "after it: a port of both");
	check(both(BRIEF) == DROP, "after it: its own port");
	check(both(PAUSED) == PASS, "after it: a port that it lacked");
	check(wire(IPPROTO_IPIP, 0) == DROP && wire(IPPROTO_GRE, 0) == PASS,
	      "after it: the IP protocols of before");
}

/* Break-glass: another mode, for ports that no rule names too. */
static void mode_for_a_while(void)
{
	struct plic_rule none = {}, lapsed = box_rule(0, -MS, -MS), lax = lapsed;
	struct plic_header header = {};
	struct ruleset_interim interim = {.until_ns = box_now() + for_a_while(),
					  .header.mode = PLIC_AUDIT_MODE,
					  .default_rule.mode = PLIC_AUDIT_MODE};
	struct ruleset_port port = {.port = OPEN,
				    .end_port = OPEN,
				    .ip_proto = IPPROTO_TCP,
				    .slot = 1,
				    .rule = lapsed,
				    .interim = &lax};
	static struct box_counts counts;

	lax.mode = PLIC_AUDIT_MODE;
	box_publish_interim(&box, &header, &none, &port, 1, &interim);
	box_clear(&box);
	check(both(OPEN) == PASS && both(UNNAMED) == PASS, "audit for a while: all pass");
	check(wire(IPPROTO_IPIP, 0) == PASS, "audit for a while: what has no port, too");
	box_counts(&box, &counts);
	check(counts.audit == 3 && !counts.denied,
	      "audit for a while: counted as such (%llu, %llu)", (unsigned long long)counts.audit,
	      (unsigned long long)counts.denied);
	wait_until(interim.until_ns + 20 * MS);
	check(both(OPEN) == DROP && both(UNNAMED) == DROP, "after it: refused");
	check(wire(IPPROTO_IPIP, 0) == DROP, "after it: dropped");
}

static void publish_brown(int64_t left, uint64_t step_ns, int lapse)
{
	struct plic_rule none = {}, brown = box_rule(0, left, left + 3600 * 1000 * MS);
	struct plic_header header = {};
	struct ruleset_port ports[2];

	brown.grants[0].step_ns = step_ns;
	brown.grants[0].salt = 0x1234567;
	brown.grants[0].lapse = lapse;
	ports[0] = (struct ruleset_port){
		.port = OPEN, .end_port = OPEN, .ip_proto = IPPROTO_TCP, .slot = 1, .rule = brown};
	ports[1] = ports[0];
	ports[1].ip_proto = IPPROTO_UDP;
	ports[1].slot = 2;
	box_publish(&box, &header, &none, ports, 2);
}

/* Two lines, a quarter of the clients each: 1 - 0.75 * 0.75 of them. */
static void publish_brown_twice(void)
{
	struct plic_rule none = {}, twice = box_rule(0, 90 * 1000 * MS, 3600 * 1000 * MS);
	struct plic_header header = {};
	struct ruleset_port port = {
		.port = OPEN, .end_port = OPEN, .ip_proto = IPPROTO_TCP, .slot = 1};

	twice.grants[0].step_ns = 100 * BOX_SECOND;
	twice.grants[0].salt = 0x1234567;
	twice.grants[1] = twice.grants[0];
	twice.grants[1].salt = 0x89abcdef;
	twice.n_grants = 2;
	port.rule = twice;
	box_publish(&box, &header, &none, &port, 1);
}

/* in[i]: whether client i gets in. Counts them; *agree: socket says the same of each. */
static int admitted(int family, __u8 proto, bool in[CLIENTS], bool *agree)
{
	char from[64];
	int n = 0;

	*agree = true;
	for (int i = 0; i < CLIENTS; i++) {
		struct frame_spec spec = {.family = family,
					  .ip_proto = proto,
					  .dport = OPEN,
					  .flags = SYN,
					  .from = from};

		snprintf(from, sizeof(from), family == 4 ? "10.%d.%d.7" : "2001:db8::%x:%x",
			 i / 256, i % 256);
		box_clear(&box); /* refusals are limited */
		in[i] = box_verdict(box.skel->progs.plic_wire, &spec) == PASS;
		n += in[i];
		if (proto == IPPROTO_TCP)
			*agree &= look_up(family, from, OPEN) == (in[i] ? PASS : DROP) ||
				  !can_look_up;
	}
	return n;
}

static void steps(int family, __u8 proto)
{
	static const struct {
		int64_t left_s; /* of a brown-out of four steps of 100 s */
		int percent;
	} at[] = {{1000, 100}, {390, 100}, {290, 75}, {190, 50}, {90, 25}};
	static bool before[CLIENTS], in[CLIENTS];
	const char *name = proto == IPPROTO_TCP ? "TCP" : "UDP";

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		bool agree, back = false;
		int n, want = CLIENTS * at[i].percent / 100;

		publish_brown(at[i].left_s * 1000 * MS, 100 * BOX_SECOND, PLIC_BLOCK_NEW);
		n = admitted(family, proto, in, &agree);
		check(n >= want - CLIENTS / 12 && n <= want + CLIENTS / 12 &&
			      (at[i].percent < 100 || n == CLIENTS),
		      "brown-out, %s on IPv%d: %d of %d clients where %d %% are meant", name,
		      family, n, CLIENTS, at[i].percent);
		if (proto == IPPROTO_TCP)
			check(agree, "... wire and socket agree on each");
		for (int c = 0; i && c < CLIENTS; c++)
			back |= in[c] && !before[c];
		check(!back, "... who was turned away stays so");
		for (int c = 0; c < CLIENTS; c++)
			before[c] = in[c];
	}
}

/* Connections that stand are nobody's to turn away; the reason is told. */
static void brown_details(void)
{
	struct frame_spec segment = {.family = 4, .ip_proto = IPPROTO_TCP, .dport = OPEN};
	static struct box_counts counts;
	static bool in[CLIENTS];
	bool agree, all = true;
	char from[64];
	int n;

	publish_brown(90 * 1000 * MS, 100 * BOX_SECOND, PLIC_BLOCK_NEW);
	segment.flags = ACK;
	segment.from = from;
	for (int i = 0; i < CLIENTS; i++) {
		snprintf(from, sizeof(from), "10.%d.%d.7", i / 256, i % 256);
		all &= box_verdict(box.skel->progs.plic_wire, &segment) == PASS;
	}
	check(all, "brown-out: segments of connections pass, whose ever they are");
	box_clear(&box);
	segment.flags = SYN;
	for (int i = n = 0; i < 64; i++) {
		snprintf(from, sizeof(from), "10.%d.%d.7", i / 256, i % 256);
		n += box_verdict(box.skel->progs.plic_wire, &segment) != PASS;
	}
	box_counts(&box, &counts);
	check(n && counts.n_denials == 1 && counts.keys[0].reason == PLIC_REASON_BROWNOUT &&
		      counts.denials[0].packets == (__u64)n,
	      "brown-out: counted with its reason");
	publish_brown_twice();
	n = admitted(4, IPPROTO_TCP, in, &agree);
	check(n > CLIENTS * 36 / 100 && n < CLIENTS * 52 / 100 && agree,
	      "two licenses in their last quarter: who is in with one of them gets in (%d of %d)",
	      n, CLIENTS);
	publish_brown(90 * 1000 * MS, 0, PLIC_BLOCK_NEW);
	check(admitted(4, IPPROTO_TCP, in, &agree) == CLIENTS && agree,
	      "off: nobody is turned away");
}

int main(void)
{
	box_open(&box);
	ports_come_and_go();
	mode_for_a_while();
	steps(4, IPPROTO_TCP);
	steps(6, IPPROTO_TCP);
	steps(4, IPPROTO_UDP);
	brown_details();
	box_close(&box);
	return tap_end();
}
