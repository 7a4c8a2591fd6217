/* SPDX-License-Identifier: MIT */
/*
 * test_origin.c - whom a rule admits: source sets, origins of addresses, senders on lo as egress writes them
 * and wire reads them, and the arrivals that are counted of it.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "box.h"
#include "tap.h"

#define SET_A 0xa0a0
#define SET_B 0xb0b0
#define SET_NONE 0xdead /* isn't in the kernel */
#define THIS_CGROUP 1	/* that of a test run's packets: the top of the hierarchy */
#define OTHER_CGROUP 999
#define OTHER_GATE (BOX_GATE + 1)
#define BIT(name) (1U << PLIC_ORIGIN_##name)
#define KNOWN (BIT(SAME_CONTAINER) | BIT(SIBLING))

enum port {
	ALL = 8000,
	BY_A,
	BY_B,
	BY_NONE,
	BY_NODE,
	BY_POD,
	BY_EXTERNAL,
	BY_A_OR_NODE,
	BY_GRANT,      /* an `open` with from: the grant asks */
	BY_BOTH,       /* grant: pod; policy: A */
	BY_TWO_GRANTS, /* pod; node */
	BY_SAME,
	BY_SIBLING,
	BY_EITHER,
	BY_UNKNOWN,
	AUDITED, /* by node */
	N_PORTS = AUDITED - ALL + 1,
};

static struct box box;

static void put_source(uint32_t set, const char *address, int len, uint32_t value)
{
	struct plic_source_key key = {.set = set};

	if (inet_pton(AF_INET, address, key.address + 12) == 1) {
		key.address[10] = key.address[11] = 0xff;
		len += 96;
	} else {
		inet_pton(AF_INET6, address, key.address);
	}
	key.prefixlen = 32 + len;
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_sources), &key, &value, BPF_ANY);
}

static struct plic_rule of(uint16_t origins, uint32_t sources)
{
	struct plic_rule rule = box_rule(0, PLIC_NEVER, PLIC_NEVER);

	rule.origins = origins;
	rule.sources = sources;
	rule.flags = origins || sources ? PLIC_RULE_NARROW : 0;
	return rule;
}

static struct plic_rule granted(struct plic_rule rule, int grant, uint16_t origins)
{
	rule.grants[grant] = rule.grants[0];
	rule.grants[grant].origins = origins;
	rule.n_grants = grant + 1;
	rule.flags = PLIC_RULE_NARROW;
	return rule;
}

static void publish(void)
{
	const struct plic_rule rules[N_PORTS] = {
		[ALL - ALL] = of(0, 0),
		[BY_A - ALL] = of(0, SET_A),
		[BY_B - ALL] = of(0, SET_B),
		[BY_NONE - ALL] = of(0, SET_NONE),
		[BY_NODE - ALL] = of(BIT(NODE), 0),
		[BY_POD - ALL] = of(BIT(POD), 0),
		[BY_EXTERNAL - ALL] = of(BIT(EXTERNAL), 0),
		[BY_A_OR_NODE - ALL] = of(BIT(NODE), SET_A),
		[BY_GRANT - ALL] = granted(of(0, 0), 0, BIT(POD)),
		[BY_BOTH - ALL] = granted(of(0, SET_A), 0, BIT(POD)),
		[BY_TWO_GRANTS - ALL] = granted(granted(of(0, 0), 0, BIT(POD)), 1, BIT(NODE)),
		[BY_SAME - ALL] = of(BIT(SAME_CONTAINER), 0),
		[BY_SIBLING - ALL] = of(BIT(SIBLING), 0),
		[BY_EITHER - ALL] = of(KNOWN, 0),
		[BY_UNKNOWN - ALL] = of(BIT(UNKNOWN), 0),
		[AUDITED - ALL] = of(BIT(NODE), 0),
	};
	struct plic_header header = {};
	struct plic_rule none = {};
	struct ruleset_port ports[2 * N_PORTS];

	for (int i = 0; i < N_PORTS; i++) {
		ports[2 * i] = (struct ruleset_port){.port = ALL + i,
						     .end_port = ALL + i,
						     .ip_proto = IPPROTO_TCP,
						     .slot = 1 + i,
						     .rule = rules[i]};
		if (ALL + i == AUDITED)
			ports[2 * i].rule.mode = PLIC_AUDIT_MODE;
		ports[2 * i + 1] = ports[2 * i];
		ports[2 * i + 1].ip_proto = IPPROTO_UDP;
	}
	box_publish(&box, &header, &none, ports, 2 * N_PORTS);
}

static struct frame_spec spec_of(uint8_t proto, const char *from, enum port port)
{
	return (struct frame_spec){.family = strchr(from, ':') ? 6 : 4,
				   .ip_proto = proto,
				   .from = from,
				   .sport = 40000,
				   .dport = port,
				   .flags = SYN};
}

/* The only denial that was counted, 0: none. */
static int counted_reason(void)
{
	static struct box_counts c;

	box_counts(&box, &c);
	return c.n_denials == 1 ? c.keys[0].reason : c.n_denials ? -1 : 0;
}

/* ---- over the wire ---- */

#define S PLIC_REASON_SOURCE
#define O PLIC_REASON_ORIGIN

/* clang-format off */
static const struct {
	const char *from;
	uint8_t reason[BY_TWO_GRANTS - ALL + 1]; /* by port, 0: admitted */
} by_address[] = {
	/*		    ALL A  B  NONE NODE POD EXT A|NODE GRANT BOTH TWO */
	{"10.1.2.3",	    {0, 0, S, S,   O,	0,  O,	0,     0,    0,	  0}},
	{"10.9.0.1",	    {0, S, 0, S,   O,	0,  O,	S,     0,    S,	  0}},
	{"10.9.9.1",	    {0, 0, 0, S,   O,	0,  O,	0,     0,    0,	  0}},
	{"10.0.0.7",	    {0, 0, S, S,   0,	O,  O,	0,     O,    O,	  0}},
	{"192.0.2.1",	    {0, S, S, S,   O,	O,  0,	S,     O,    S,	  O}},
	{"2001:db8::1",	    {0, 0, S, S,   O,	O,  0,	0,     O,    O,	  O}},
	{"2001:db8:bad::1", {0, S, S, S,   O,	O,  0,	S,     O,    S,	  O}},
	{"fd00:1::1",	    {0, S, S, S,   O,	0,  O,	S,     0,    S,	  0}},
	{"fd00:1::7",	    {0, S, S, S,   0,	O,  O,	0,     O,    S,	  0}},
};
/* clang-format on */

static void fill_sources(void)
{
	put_source(SET_A, "10.0.0.0", 8, 1);
	put_source(SET_A, "10.9.0.0", 16, 0);
	put_source(SET_A, "10.9.9.0", 24, 1);
	put_source(SET_A, "2001:db8::", 32, 1);
	put_source(SET_A, "2001:db8:bad::", 48, 0);
	put_source(SET_B, "10.9.0.0", 16, 1);
	put_source(PLIC_SOURCES_ORIGINS, "10.0.0.0", 8, PLIC_ORIGIN_POD);
	put_source(PLIC_SOURCES_ORIGINS, "10.0.0.7", 32, PLIC_ORIGIN_NODE);
	put_source(PLIC_SOURCES_ORIGINS, "fd00:1::", 64, PLIC_ORIGIN_POD);
	put_source(PLIC_SOURCES_ORIGINS, "fd00:1::7", 128, PLIC_ORIGIN_NODE);
}

static void test_addresses(void)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (size_t i = 0; i < sizeof(by_address) / sizeof(by_address[0]); i++) {
		for (int port = ALL; port <= BY_TWO_GRANTS; port++) {
			for (int p = 0; p < 2; p++) {
				struct frame_spec spec =
					spec_of(protocols[p], by_address[i].from, port);
				int want = by_address[i].reason[port - ALL], verdict, reason;

				box_clear(&box);
				verdict = box_verdict(box.skel->progs.plic_wire, &spec);
				reason = counted_reason();
				check((verdict == PASS) == !want && reason == want,
				      "%s to %d, protocol %d: verdict %d, reason %d",
				      by_address[i].from, port, protocols[p], verdict, reason);
			}
		}
	}
}

/* Only what opens a connection is asked who it is. */
static void test_established(void)
{
	struct frame_spec spec = spec_of(IPPROTO_TCP, "192.0.2.1", BY_NODE);

	spec.flags = ACK;
	check(box_verdict(box.skel->progs.plic_wire, &spec) == PASS,
	      "a segment of a connection isn't asked for its source");
}

static void test_audit(void)
{
	struct frame_spec spec = spec_of(IPPROTO_TCP, "192.0.2.1", AUDITED);
	static struct box_counts c;

	box_clear(&box);
	check(box_verdict(box.skel->progs.plic_wire, &spec) == PASS, "audit lets through");
	box_counts(&box, &c);
	check(c.n_denials == 1 && c.keys[0].verdict == PLIC_AUDIT && c.keys[0].reason == O,
	      "... and counts it as it would have been judged");
}

/* ---- on lo ---- */

static int box_egress(const struct frame_spec *spec)
{
	struct frame f;

	frame_build(spec, &f);
	return box_run_on_lo(box.skel->progs.plic_egress, &f).verdict;
}

static int box_ingress(const struct frame_spec *spec)
{
	struct frame f;

	frame_build(spec, &f);
	return box_run_on_lo(box.skel->progs.plic_wire, &f).verdict;
}

static void know_cgroup(uint32_t gate, uint32_t origin)
{
	struct plic_cgroup cgroup = {.gate = gate, .origin = origin};
	uint64_t id = THIS_CGROUP;

	if (origin)
		bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_cgroups), &id, &cgroup,
				    BPF_ANY);
	else
		bpf_map_delete_elem(bpf_map__fd(box.skel->maps.plic_cgroups), &id);
}

static void know_owner(enum port port, uint8_t proto, uint64_t id)
{
	struct plic_owner_key key = {.gate = BOX_GATE, .port = port, .proto = proto};

	if (id)
		bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_owners), &key, &id, BPF_ANY);
	else
		bpf_map_delete_elem(bpf_map__fd(box.skel->maps.plic_owners), &key);
}

static const struct {
	const char *name;
	uint32_t gate, origin; /* of the sender's cgroup; origin 0: nobody knows it */
	uint64_t owner;	       /* of the port, 0: unknown */
	uint32_t origins;      /* what egress makes of that */
} senders[] = {
	{"its own container", BOX_GATE, PLIC_ORIGIN_SIBLING, THIS_CGROUP, BIT(SAME_CONTAINER)},
	{"a sibling", BOX_GATE, PLIC_ORIGIN_SIBLING, OTHER_CGROUP, BIT(SIBLING)},
	{"one of them", BOX_GATE, PLIC_ORIGIN_SIBLING, 0, KNOWN},
	{"another pod", OTHER_GATE, PLIC_ORIGIN_SIBLING, THIS_CGROUP, BIT(UNKNOWN)},
	{"a runtime", 0, PLIC_ORIGIN_RUNTIME, THIS_CGROUP, BIT(RUNTIME)},
	{"the node", 0, PLIC_ORIGIN_NODE, THIS_CGROUP, BIT(NODE)},
	{"nobody knows who", 0, 0, THIS_CGROUP, BIT(UNKNOWN)},
};

/* One that may be several has to be admitted as each. */
static const struct {
	enum port port;
	uint32_t admits;
} takers[] = {
	{BY_SAME, BIT(SAME_CONTAINER)}, {BY_SIBLING, BIT(SIBLING)}, {BY_EITHER, KNOWN},
	{BY_NODE, BIT(NODE)},		{BY_UNKNOWN, BIT(UNKNOWN)}, {BY_POD, BIT(POD)},
};

static bool stranger(void)
{
	uint64_t key = PLIC_CGROUP_STRANGER;
	struct plic_cgroup mark;
	int fd = bpf_map__fd(box.skel->maps.plic_cgroups);
	bool is = !bpf_map_lookup_elem(fd, &key, &mark) && mark.gate == BOX_GATE;

	bpf_map_delete_elem(fd, &key);
	return is;
}

static void test_senders(void)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		know_cgroup(senders[i].gate, senders[i].origin);
		for (size_t j = 0; j < sizeof(takers) / sizeof(takers[0]); j++) {
			for (int p = 0; p < 4; p++) {
				struct frame_spec spec =
					spec_of(protocols[p % 2], p < 2 ? "127.0.0.1" : "::1",
						takers[j].port);
				bool want = (senders[i].origins & takers[j].admits) ==
					    senders[i].origins;

				box_clear(&box);
				know_owner(takers[j].port, protocols[p % 2], senders[i].owner);
				box_egress(&spec);
				check((box_ingress(&spec) == PASS) == want,
				      "on lo, %s to %d, IPv%d, protocol %d: %s", senders[i].name,
				      takers[j].port, spec.family, protocols[p % 2],
				      want ? "admitted" : "denied");
			}
		}
		check(stranger() == !senders[i].origin, "%s: user space is %stold", senders[i].name,
		      senders[i].origin ? "not " : "");
	}
}

/* Nobody wrote the sender down: egress wasn't there, or its table had no room. */
static void test_no_sender(void)
{
	struct frame_spec spec = spec_of(IPPROTO_TCP, "10.1.2.3", BY_POD);

	spec.sport = 41000;
	check(box_ingress(&spec) != PASS, "on lo no address makes a pod");
	spec.dport = BY_UNKNOWN;
	check(box_ingress(&spec) == PASS, "... but somebody unknown");
	spec.dport = BY_A;
	check(box_ingress(&spec) == PASS, "... whose address is in a set or not");
}

static int ingress_noted(const struct frame_spec *spec, uint32_t note)
{
	struct frame f;

	frame_build(spec, &f);
	return box_run_noted(box.skel->progs.plic_wire, &f, note).verdict;
}

/* AF_PACKET can send past egress: that must not pass for a packet of before, on the same ports. */
static void test_past_egress(void)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	know_cgroup(BOX_GATE, PLIC_ORIGIN_SIBLING);
	for (int p = 0; p < 2; p++) {
		struct frame_spec spec = spec_of(protocols[p], "::1", BY_SIBLING);
		uint32_t by_egress = PLIC_SENDER_NOTED | BIT(SIBLING);

		spec.sport = 43000;
		know_owner(BY_SIBLING, protocols[p], OTHER_CGROUP);
		box_egress(&spec);
		check(ingress_noted(&spec, by_egress) == PASS, "a sibling by egress, protocol %d",
		      protocols[p]);
		check(ingress_noted(&spec, 0) != PASS, "... another packet past egress");
		check(ingress_noted(&spec, BIT(SIBLING)) != PASS, "... that says what egress says");
		check(ingress_noted(&spec, PLIC_SENDER_NOTED | BIT(RUNTIME)) != PASS,
		      "... one of another sender on the same ports");
		spec.dport = ALL;
		check(ingress_noted(&spec, 0) == PASS, "... to a port that doesn't ask");
	}
}

/* A cgroup comes to be known, or the port to have another owner, while a UDP flow goes on. */
static void test_learns(void)
{
	struct frame_spec spec = spec_of(IPPROTO_UDP, "127.0.0.1", BY_SIBLING);

	spec.sport = 42000;
	know_cgroup(0, 0);
	know_owner(BY_SIBLING, IPPROTO_UDP, OTHER_CGROUP);
	box_egress(&spec);
	check(box_ingress(&spec) != PASS, "UDP from a container that nobody knows");
	know_cgroup(BOX_GATE, PLIC_ORIGIN_SIBLING);
	box_egress(&spec);
	check(box_ingress(&spec) == PASS, "... the same flow, once it is known");
	know_owner(BY_SIBLING, IPPROTO_UDP, THIS_CGROUP);
	box_egress(&spec);
	check(box_ingress(&spec) != PASS, "... and once it listens itself");
}

/* ---- arrivals ---- */

static uint64_t arrivals(enum port port, uint8_t origin)
{
	struct plic_arrival_key key = {.gate = BOX_GATE, .slot = 1 + port - ALL, .origin = origin};
	struct plic_arrival arrival;
	int fd = bpf_map__fd(box.skel->maps.plic_arrivals);

	return bpf_map_lookup_elem(fd, &key, &arrival) ? 0 : arrival.connections;
}

static void forget_arrivals(void)
{
	int fd = bpf_map__fd(box.skel->maps.plic_arrivals);
	struct plic_arrival_key key;

	while (!bpf_map_get_next_key(fd, NULL, &key))
		bpf_map_delete_elem(fd, &key);
}

static void arrive(const char *from, enum port port, uint16_t sport)
{
	struct frame_spec spec = spec_of(IPPROTO_UDP, from, port);

	spec.sport = sport;
	box_verdict(box.skel->progs.plic_wire, &spec);
}

static void test_arrivals(void)
{
	struct frame_spec lo = spec_of(IPPROTO_UDP, "127.0.0.1", ALL);
	struct frame_spec unnamed = spec_of(IPPROTO_UDP, "10.0.0.7", ALL - 1);

	box_clear(&box);
	forget_arrivals();
	for (int i = 0; i < 3; i++)
		arrive("10.1.2.3", ALL, 40000);
	arrive("10.1.2.3", ALL, 40001);
	arrive("10.0.0.7", ALL, 40000);
	arrive("192.0.2.1", BY_NODE, 40000);
	arrive("192.0.2.1", AUDITED, 40000);
	box_verdict(box.skel->progs.plic_wire, &unnamed);
	check(arrivals(ALL, PLIC_ORIGIN_POD) == 2, "UDP: each new flow counts once by its origin");
	check(arrivals(ALL, PLIC_ORIGIN_NODE) == 1, "... apart from those of others");
	check(arrivals(BY_NODE, PLIC_ORIGIN_EXTERNAL) == 0, "... not what is denied");
	check(arrivals(AUDITED, PLIC_ORIGIN_EXTERNAL) == 1, "... but what audit lets in");
	check(arrivals(ALL - 1, PLIC_ORIGIN_NODE) == 0, "... nor ports without a rule");
	know_cgroup(0, PLIC_ORIGIN_RUNTIME);
	box_egress(&lo);
	box_ingress(&lo);
	check(arrivals(ALL, PLIC_ORIGIN_RUNTIME) == 1, "... on lo by the sender");
	know_cgroup(BOX_GATE, PLIC_ORIGIN_SIBLING);
	know_owner(ALL, IPPROTO_UDP, 0);
	lo.sport++;
	box_egress(&lo);
	box_ingress(&lo);
	check(arrivals(ALL, PLIC_ORIGIN_UNKNOWN) == 1, "... one that may be several is unknown");
}

int main(void)
{
	box_open(&box);
	fill_sources();
	publish();
	test_addresses();
	test_established();
	test_audit();
	test_senders();
	test_no_sender();
	test_past_egress();
	test_learns();
	test_arrivals();
	box_close(&box);
	return tap_end();
}
