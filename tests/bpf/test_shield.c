/* SPDX-License-Identifier: MIT */
/*
 * test_shield.c - what the shield drops, each time beside wire: a frame that the shield drops wire denies
 * without an answer, and counts alike; what the shield lets on it counts nowhere.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"
#include "xdp.h"

#define H (3600 * (int64_t)BOX_SECOND)
#define NEVER ((int64_t)PLIC_NEVER)
#define WORD(action) ((action) == XDP_DROP ? "drop" : (action) == XDP_PASS ? "pass" : "?")

enum port {
	OPEN = 8080,
	UNNAMED = 9090,
	EPHEMERAL = 40123,
	PENDING = 7000,
	ENDED,
	DRAINING, /* no new connections */
	BROWN,	  /* some clients are turned away, by wire */
	REPORTED, /* ended, and let through */
	AUDITED,
	OFF,
	REFUSED, /* ended, with an answer */
	PAUSED,	 /* ended, an interim that audits is laid over it */
	PROBED,	 /* nothing opens it but to the kubelet's probes */
};

static struct box box;
static struct shield_bpf *shield;
static struct box_counts by_wire, by_shield;

static const struct row {
	const char *name;
	int action;
	struct frame_spec spec; /* an IPv4 TCP SYN unless it says otherwise */
} rows[] = {
	{"an unnamed port", XDP_DROP, {.dport = UNNAMED}},
	{"an unnamed port, IPv6", XDP_DROP, {.dport = UNNAMED, .family = 6}},
	{"a port among those of the pod's own connections", XDP_DROP, {.dport = EPHEMERAL}},
	{"a licensed port", XDP_PASS, {.dport = OPEN}},
	{"a licensed port, IPv6", XDP_PASS, {.dport = OPEN, .family = 6}},
	{"a license that hasn't begun", XDP_DROP, {.dport = PENDING}},
	{"a license that has ended", XDP_DROP, {.dport = ENDED}},
	{"a license that drains", XDP_DROP, {.dport = DRAINING}},
	{"a license in its brown-out", XDP_PASS, {.dport = BROWN}},
	{"a license that reports its end", XDP_PASS, {.dport = REPORTED}},
	{"a port in audit", XDP_PASS, {.dport = AUDITED}},
	{"a port that is off", XDP_PASS, {.dport = OFF}},
	{"an end with an interim over it", XDP_PASS, {.dport = PAUSED}},
	{"SYN with data", XDP_DROP, {.dport = UNNAMED, .payload = 200}},
	{"SYN and FIN", XDP_DROP, {.dport = UNNAMED, .flags = SYN | FIN}},
	{"SYN and RST", XDP_DROP, {.dport = UNNAMED, .flags = SYN | RST}},
	{"ACK", XDP_PASS, {.dport = UNNAMED, .flags = ACK}},
	{"ACK to a port that has ended", XDP_PASS, {.dport = ENDED, .flags = ACK}},
	{"SYN and ACK", XDP_PASS, {.dport = UNNAMED, .flags = SYN | ACK}},
	{"RST", XDP_PASS, {.dport = UNNAMED, .flags = RST}},
	{"a frame that is padded", XDP_DROP, {.dport = UNNAMED, .payload = 6, .lie = -6}},
	{"a length beyond the frame", XDP_PASS, {.dport = UNNAMED, .lie = 1}},
	{"a length beyond the frame, IPv6", XDP_PASS, {.dport = UNNAMED, .family = 6, .lie = 1}},
	{"a header cut short", XDP_PASS, {.dport = UNNAMED, .cut = 12}},
	{"a length within the TCP header", XDP_PASS, {.dport = UNNAMED, .lie = -1}},
	{"another address on the wire", XDP_PASS, {.dport = UNNAMED, .mac = {2, 0, 0, 0, 0, 3}}},
	{"a broadcast frame",
	 XDP_PASS,
	 {.dport = UNNAMED, .mac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}},
	{"to a group, in a frame to us", XDP_PASS, {.dport = UNNAMED, .to = "224.0.0.251"}},
	{"to a group, in a frame to us, IPv6",
	 XDP_PASS,
	 {.dport = UNNAMED, .family = 6, .to = "ff02::fb"}},
	{"VLAN tag", XDP_PASS, {.dport = UNNAMED, .tpid = {ETH_P_8021Q}}},
	{"802.1ad", XDP_PASS, {.dport = UNNAMED, .tpid = {ETH_P_8021AD, ETH_P_8021Q}}},
	{"not IP", XDP_PASS, {.dport = UNNAMED, .ethertype = ETH_P_ARP}},
	{"IPv6 said to be IPv4", XDP_PASS, {.dport = UNNAMED, .family = 6, .ethertype = ETH_P_IP}},
	{"IPv4 said to be IPv6", XDP_PASS, {.dport = UNNAMED, .ethertype = ETH_P_IPV6}},
	{"IPv4 options", XDP_PASS, {.dport = UNNAMED, .options = 1}},
	{"first fragment", XDP_PASS, {.dport = UNNAMED, .more = true}},
	{"later fragment", XDP_PASS, {.dport = UNNAMED, .frag_off = 64}},
	{"extension header",
	 XDP_PASS,
	 {.dport = UNNAMED, .family = 6, .ext = {IPPROTO_DSTOPTS}, .n_ext = 1}},
	{"UDP", XDP_DROP, {.dport = UNNAMED, .ip_proto = IPPROTO_UDP, .payload = 9}},
	{"UDP, IPv6", XDP_DROP, {.dport = UNNAMED, .ip_proto = IPPROTO_UDP, .family = 6}},
	{"UDP to a licensed port", XDP_PASS, {.dport = OPEN, .ip_proto = IPPROTO_UDP}},
	{"UDP to a port that has ended", XDP_DROP, {.dport = ENDED, .ip_proto = IPPROTO_UDP}},
	{"UDP, cut short", XDP_PASS, {.dport = UNNAMED, .ip_proto = IPPROTO_UDP, .cut = 4}},
	{"SCTP", XDP_DROP, {.dport = UNNAMED, .ip_proto = IPPROTO_SCTP}},
	{"SCTP, IPv6", XDP_DROP, {.dport = UNNAMED, .ip_proto = IPPROTO_SCTP, .family = 6}},
	{"SCTP where an answer is due", XDP_DROP, {.dport = REFUSED, .ip_proto = IPPROTO_SCTP}},
	{"SCTP, cut short", XDP_PASS, {.dport = UNNAMED, .ip_proto = IPPROTO_SCTP, .cut = 11}},
	{"UDP-Lite", XDP_PASS, {.dport = UNNAMED, .ip_proto = IPPROTO_UDPLITE}},
	{"ICMP", XDP_PASS, {.dport = UNNAMED, .ip_proto = IPPROTO_ICMP}},
	{"GRE", XDP_PASS, {.dport = UNNAMED, .ip_proto = IPPROTO_GRE}},
};

static struct frame frame_of(struct frame_spec spec)
{
	struct frame f;

	spec.family = spec.family ?: 4;
	spec.ip_proto = spec.ip_proto ?: IPPROTO_TCP;
	spec.flags = spec.flags ?: SYN;
	frame_build(&spec, &f);
	return f;
}

/* The same entries, apart from their times. */
static bool counted_alike(void)
{
	if (by_wire.n_denials != by_shield.n_denials || by_wire.denied != by_shield.denied)
		return false;
	for (size_t i = 0; i < by_wire.n_denials; i++) {
		const struct plic_denial *a = &by_wire.denials[i], *b = NULL;

		for (size_t k = 0; k < by_shield.n_denials; k++)
			if (!memcmp(&by_wire.keys[i], &by_shield.keys[k], sizeof(*by_wire.keys)))
				b = &by_shield.denials[k];
		if (!b || a->packets != b->packets || a->bytes != b->bytes ||
		    a->connections != b->connections)
			return false;
	}
	return true;
}

/* One frame through the shield and, in another life, through wire. */
static int both(const struct frame_spec *spec, int *wire)
{
	struct frame f = frame_of(*spec);
	int action;

	xdp_begin(&box);
	action = xdp_run(shield, &f);
	box_counts(&box, &by_shield);
	xdp_begin(&box);
	*wire = box_run(box.skel->progs.plic_wire, &f, 0).verdict;
	box_counts(&box, &by_wire);
	return action;
}

static void table(void)
{
	uint64_t dropped = xdp_dropped(shield, box.n_cpus), want = dropped;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		int wire, action = both(&row->spec, &wire);
		bool good = action == row->action;

		if (action == XDP_DROP) {
			good &= wire == DROP && by_shield.denied == 1 && counted_alike();
			want++;
		} else {
			good &= by_shield.n_denials == 0 && by_shield.allowed == 0;
		}
		check(good, "%s: %s", row->name, WORD(action));
	}
	dropped = xdp_dropped(shield, box.n_cpus);
	check(dropped == want, "the agent is told of each drop: %llu", (unsigned long long)dropped);
}

/* As long as wire has an event to tell, it gets the packet. */
static void leaves_events(void)
{
	struct frame f = frame_of((struct frame_spec){.dport = UNNAMED});
	int told = 0, action;

	box_clear(&box);
	while ((action = xdp_run(shield, &f)) == XDP_PASS && told < 100 * PLIC_EVENT_BURST) {
		box_run(box.skel->progs.plic_wire, &f, 0);
		told++;
	}
	check(told >= PLIC_EVENT_BURST && action == XDP_DROP, "after %d events: %s", told,
	      WORD(action));
}

/* As long as wire has an answer to give, it gets the packet. */
static void leaves_refusals(uint8_t ip_proto)
{
	struct frame f = frame_of((struct frame_spec){.dport = REFUSED, .ip_proto = ip_proto});
	int before, after, first, refused = 0;
	uint64_t spent;

	xdp_begin(&box);
	before = xdp_run(shield, &f);
	do { /* a jiffy or two, whose refusals are paid for at its begin */
		refused += box_run(box.skel->progs.plic_wire, &f, 0).verdict == REDIRECT;
		spent = box_now();
		first = box_run(box.skel->progs.plic_wire, &f, 0).verdict;
		refused += first == REDIRECT;
		after = first == DROP ? xdp_run(shield, &f) : XDP_PASS;
	} while (after == XDP_PASS && refused < 100 * PLIC_REFUSE_BURST);
	check(before == XDP_PASS && refused >= PLIC_REFUSE_BURST && after == XDP_DROP,
	      "protocol %d: %s, after %d refusals %s", ip_proto, WORD(before), refused,
	      WORD(after));
	while (box_now() < spent + 50 * PLIC_REFUSE_INTERVAL_NS)
		usleep(1000);
	check(xdp_run(shield, &f) == XDP_PASS, "... and again once wire may refuse");
}

static void send_out(const char *to, uint8_t ip_proto, uint16_t sport)
{
	const struct frame_spec sent = {.family = strchr(to, ':') ? 6 : 4,
					.ip_proto = ip_proto,
					.sport = sport,
					.dport = 53,
					.from = strchr(to, ':') ? "fd00::2" : "10.0.0.2",
					.to = to};

	box_verdict(box.skel->progs.plic_egress, &sent);
}

static int answer(int family, uint8_t ip_proto, const char *from, uint16_t dport)
{
	struct frame f = frame_of((struct frame_spec){
		.family = family, .ip_proto = ip_proto, .from = from, .sport = 53, .dport = dport});

	return xdp_run(shield, &f);
}

static void passes_answers(void)
{
	xdp_begin(&box);
	send_out("192.0.2.1", IPPROTO_UDP, EPHEMERAL);
	send_out("2001:db8::1", IPPROTO_UDP, EPHEMERAL);
	send_out("192.0.2.1", IPPROTO_SCTP, EPHEMERAL);
	send_out("224.0.0.251", IPPROTO_UDP, EPHEMERAL + 1);
	check(answer(4, IPPROTO_UDP, "192.0.2.1", EPHEMERAL) == XDP_PASS, "UDP answer");
	check(answer(6, IPPROTO_UDP, "2001:db8::1", EPHEMERAL) == XDP_PASS, "UDP answer, IPv6");
	check(answer(4, IPPROTO_SCTP, "192.0.2.1", EPHEMERAL) == XDP_PASS, "SCTP answer");
	check(answer(4, IPPROTO_UDP, "192.0.2.9", EPHEMERAL + 1) == XDP_PASS,
	      "answer to a group, from anybody");
	check(answer(4, IPPROTO_UDP, "192.0.2.9", EPHEMERAL) == XDP_DROP, "from somebody else");
	check(answer(4, IPPROTO_UDP, "192.0.2.1", EPHEMERAL + 2) == XDP_DROP, "to another port");
	box_counts(&box, &by_shield);
	check(by_shield.denied == 2, "two are counted: %llu", (unsigned long long)by_shield.denied);
}

/* A socket that was connected before the gate came: no flow of it is known. */
static void passes_connected(int family, const char *self, const char *peer)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} local = {}, remote = {};
	socklen_t len = family == 4 ? sizeof(local.v4) : sizeof(local.v6);
	int s = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
	int here, there;

	local.any.sa_family = remote.any.sa_family = family == 4 ? AF_INET : AF_INET6;
	inet_pton(local.any.sa_family, self,
		  family == 4 ? (void *)&local.v4.sin_addr : (void *)&local.v6.sin6_addr);
	inet_pton(local.any.sa_family, peer,
		  family == 4 ? (void *)&remote.v4.sin_addr : (void *)&remote.v6.sin6_addr);
	local.v4.sin_port = htons(EPHEMERAL);
	remote.v4.sin_port = htons(53);
	if (bind(s, &local.any, len) || connect(s, &remote.any, len))
		perror("# connected socket");
	xdp_begin(&box);
	for (int i = 0; i < 2; i++) {
		struct frame f = frame_of((struct frame_spec){.family = family,
							      .ip_proto = IPPROTO_UDP,
							      .from = i ? self : peer,
							      .to = self,
							      .sport = 53,
							      .dport = EPHEMERAL});

		*(i ? &there : &here) = xdp_run(shield, &f);
	}
	check(here == XDP_PASS && there == XDP_DROP,
	      "IPv%d: a connected socket is answered: %s, %s", family, WORD(here), WORD(there));
	close(s);
}

/* The pod routes for others: their ports aren't its own. */
static void passes_forwarded(int family, const char *self, const char *other)
{
	struct frame mine =
		frame_of((struct frame_spec){.family = family, .dport = UNNAMED, .to = self});
	struct frame theirs =
		frame_of((struct frame_spec){.family = family, .dport = UNNAMED, .to = other});
	int a = xdp_run(shield, &mine), b = xdp_run(shield, &theirs);

	check(a == XDP_DROP && b == XDP_PASS, "IPv%d, forwarding: its own %s, others' %s", family,
	      WORD(a), WORD(b));
}

static void lost_state(void)
{
	struct frame f = frame_of((struct frame_spec){.dport = UNNAMED});

	box_unpublish(&box);
	check(xdp_run(shield, &f) == XDP_PASS, "without rules all is wire's");
}

static void must_run(const char *command)
{
	if (system(command)) /* NOLINT(cert-env33-c) */
		printf("# failed: %s\n", command);
}

static struct plic_rule rule_of(uint16_t port)
{
	struct plic_rule rule = port == AUDITED || port == OFF ? (struct plic_rule){}
				: port == OPEN		       ? box_rule(0, NEVER, NEVER)
				: port == PENDING	       ? box_rule(H, NEVER, NEVER)
				: port == DRAINING	       ? box_rule(0, -H, H)
				: port == BROWN		       ? box_rule(0, H, H)
				: port == REPORTED	       ? box_rule(0, -H, NEVER)
							       : box_rule(0, -H, -H);

	rule.deny = port == REFUSED ? PLIC_REFUSE : PLIC_DROP;
	rule.mode = port == AUDITED ? PLIC_AUDIT_MODE : port == OFF ? PLIC_OFF : PLIC_ENFORCE;
	if (port == BROWN)
		rule.grants[0].step_ns = H;
	if (port == REPORTED)
		rule.grants[0].lapse = PLIC_REPORT;
	if (port == PROBED)
		rule.flags = PLIC_RULE_PROBE;
	return rule;
}

/* Wire lets it in: told by both its ends, or guessed by an address of the node. */
static void passes_probes(void)
{
	const struct frame_spec spec = {.dport = PROBED, .sport = 40000};
	const struct plic_probe probe = {.opened_ns = box_now(), .gate = PLIC_NODE_WIDE};
	struct plic_mark_key key = {.remote = {[10] = 0xff, 0xff, 192, 0, 2, 1},
				    .local = {[10] = 0xff, 0xff, 10, 0, 0, 2},
				    .remote_port = 40000,
				    .local_port = PROBED};
	struct plic_source_key source = {.prefixlen = 32 + 128,
					 .set = PLIC_SOURCES_ORIGINS,
					 .address = {[10] = 0xff, 0xff, 192, 0, 2, 1}};
	const struct plic_kubelet guess = {.told = PLIC_TOLD_GUESS};
	int probes = bpf_map__fd(box.skel->maps.plic_probes), wire;
	uint32_t node = PLIC_ORIGIN_NODE, zero = 0;

	check(both(&spec, &wire) == XDP_DROP && wire == DROP, "a probed port: nobody's");
	bpf_map_update_elem(probes, &key, &probe, BPF_ANY);
	check(both(&spec, &wire) == XDP_PASS && wire == PASS, "... the kubelet's passes");
	bpf_map_delete_elem(probes, &key);
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_kubelet), &zero, &guess, BPF_ANY);
	check(both(&spec, &wire) == XDP_DROP && wire == DROP, "guessed: not from elsewhere");
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_sources), &source, &node, BPF_ANY);
	check(both(&spec, &wire) == XDP_PASS && wire == PASS, "... from an address of the node");
	bpf_map_delete_elem(bpf_map__fd(box.skel->maps.plic_sources), &source);
}

static void publish(void)
{
	static const uint16_t named[] = {OPEN,	  PENDING, ENDED,   DRAINING, BROWN, REPORTED,
					 AUDITED, OFF,	   REFUSED, PAUSED,   PROBED};
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	struct plic_header header = {.deny = PLIC_DROP};
	struct plic_rule none = {.deny = PLIC_DROP}, paused = {.mode = PLIC_AUDIT_MODE};
	struct ruleset_interim interim = {
		.until_ns = box_now() + H, .header = header, .default_rule = none};
	struct ruleset_port ports[3 * sizeof(named) / sizeof(*named)] = {};

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		uint16_t port = named[i / 3];

		ports[i] = (struct ruleset_port){.port = port,
						 .end_port = port,
						 .ip_proto = protocols[i % 3],
						 .slot = 1 + i / 3,
						 .rule = rule_of(port),
						 .interim = port == PAUSED ? &paused : NULL};
	}
	box_publish_interim(&box, &header, &none, ports, sizeof(ports) / sizeof(*ports), &interim);
}

int main(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one); /* budgets are a CPU's own */
	box_open(&box);
	shield = xdp_open(&box);
	publish();
	table();
	leaves_events();
	leaves_refusals(IPPROTO_TCP);
	leaves_refusals(IPPROTO_UDP);
	passes_answers();
	passes_probes();
	must_run("ip link set lo up; ip addr add fd00::2/128 dev lo nodad");
	passes_connected(4, "127.0.0.1", "127.0.0.9");
	passes_connected(6, "fd00::2", "::1");
	must_run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1;"
		 "ip link set box up; ip link set veth0 up; ip addr add 10.0.0.2/24 dev box;"
		 "ip addr add fd01::2/64 dev box nodad");
	passes_forwarded(4, "10.0.0.2", "10.0.0.9");
	passes_forwarded(6, "fd00::2", "fd01::9");
	lost_state();
	shield_bpf__destroy(shield);
	box_close(&box);
	return tap_end();
}
