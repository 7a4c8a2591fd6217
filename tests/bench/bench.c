/* SPDX-License-Identifier: MIT */
/*
 * bench.c - ns a packet, by BPF_PROG_TEST_RUN. Each line is the best of several runs, taken in turns
 * with an empty program, whose time is the floor of the measurement itself. Prints, never fails.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "limit.h"
#include "xdp.h"

#define REPEAT 1000000
#define ROUNDS 9
#define MANY 10000

static int empty_program(enum bpf_prog_type type, int verdict)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = verdict},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(type, "empty", "GPL", insns, 2, NULL);

	if (fd < 0) {
		perror("empty program");
		exit(1);
	}
	return fd;
}

/* A program of XDP has no context to be given. */
static uint32_t run(int prog, bool xdp, const struct frame *f)
{
	struct __sk_buff skb = {.ifindex = if_nametoindex("box")};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->bytes, .data_size_in = f->len,
		    .ctx_in = xdp ? NULL : &skb, .ctx_size_in = xdp ? 0 : sizeof(skb),
		    .repeat = REPEAT);

	if (bpf_prog_test_run_opts(prog, &opts)) {
		perror("test run");
		exit(1);
	}
	return opts.duration;
}

static void measure(const char *name, int empty, struct bpf_program *prog,
		    const struct frame_spec *spec)
{
	uint32_t floor = UINT32_MAX, best = UINT32_MAX;
	bool xdp = bpf_program__type(prog) == BPF_PROG_TYPE_XDP;
	struct frame f;

	frame_build(spec, &f);
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t a = run(empty, xdp, &f), b = run(bpf_program__fd(prog), xdp, &f);

		floor = a < floor ? a : floor;
		best = b < best ? b : best;
	}
	printf("%-44s %4u ns   floor %3u   +%-3d ratio %.2f\n", name, best, floor,
	       (int)best - (int)floor, (double)best / floor);
}

/* n TCP and n UDP ports from 1024 on, each with a rule of its own. */
static void publish(struct box *box, int n)
{
	struct plic_header header = {.deny = PLIC_DROP};
	struct plic_rule none = {.deny = PLIC_DROP};
	struct ruleset_port *ports = calloc(2 * n, sizeof(*ports));

	for (int i = 0; i < 2 * n; i++) {
		ports[i] = (struct ruleset_port){.port = 1024 + i % n,
						 .end_port = 1024 + i % n,
						 .ip_proto = i < n ? IPPROTO_TCP : IPPROTO_UDP,
						 .slot = 1 + i % (BOX_SLOTS - 1),
						 .rule = box_rule(0, PLIC_NEVER, PLIC_NEVER)};
		ports[i].rule.grants[0].license = n > 1 ? i / 8 : 0;
	}
	box_publish(box, &header, &none, ports, 2 * n);
	free(ports);
}

/* TCP and UDP port 1024 with limits: a rate and a quota that are never used up, TLS. */
static void publish_limited(struct box *box, bool rate, bool quota, bool tls)
{
	struct rule_limits limits = {};
	struct plic_header header = {.deny = PLIC_DROP};
	struct plic_rule rest = {.deny = PLIC_DROP};
	struct ruleset_port ports[2];
	uint32_t gate = BOX_GATE;
	int table = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "hellos", sizeof(struct plic_mark_key),
				   sizeof(struct plic_hello), 1024, NULL);

	limits.grants[0] = (struct plic_limit){.line = 1, .flags = tls ? PLIC_LIMIT_TLS : 0};
	if (rate)
		limits.grants[0].interval_ns = limits.grants[0].burst = 1;
	if (quota) {
		limits.grants[0].quota_bytes = PLIC_NEVER;
		limits.grants[0].window_ns = 3600 * BOX_SECOND;
	}
	ports[0] = (struct ruleset_port){.port = 1024,
					 .end_port = 1024,
					 .ip_proto = IPPROTO_TCP,
					 .slot = 1,
					 .rule = box_rule(0, PLIC_NEVER, PLIC_NEVER),
					 .limits = &limits};
	ports[0].rule.flags = rule_flags(&ports[0].rule, &limits);
	ports[1] = ports[0];
	ports[1].ip_proto = IPPROTO_UDP;
	ports[1].slot = 2;
	box_publish(box, &header, &rest, ports, 2);
	bpf_map_update_elem(bpf_map__fd(box->skel->maps.plic_hellos), &gate, &table, BPF_ANY);
	close(table);
}

/* Beside the lines of the same packets to a port without limits. */
static void measure_limits(struct box *box, int empty, const struct frame_spec *data,
			   const struct frame_spec *udp)
{
	struct bpf_program *wire = box->skel->progs.plic_wire;
	struct frame_spec syn = *data;

	syn.flags = SYN;
	syn.payload = 0;
	syn.seq = 0;
	publish_limited(box, true, false, false);
	measure("rate: TCP SYN", empty, wire, &syn);
	measure("rate: TCP data", empty, wire, data);
	publish_limited(box, false, true, false);
	measure("quota: TCP SYN", empty, wire, &syn);
	measure("quota: TCP data", empty, wire, data);
	measure("quota: UDP, known client", empty, wire, udp);
	publish_limited(box, false, false, true);
	measure("TLS: TCP SYN", empty, wire, &syn);
	measure("TLS: TCP data", empty, wire, data);
	publish_limited(box, true, true, true);
	measure("all: TCP SYN", empty, wire, &syn);
	measure("all: TCP data", empty, wire, data);
}

int main(void)
{
	const struct frame_spec data = {
		.family = 4, .ip_proto = IPPROTO_TCP, .dport = 1024, .flags = ACK, .payload = 1000};
	const struct frame_spec udp = {
		.family = 4, .ip_proto = IPPROTO_UDP, .dport = 1024, .payload = 100};
	const struct frame_spec sent = {.family = 4,
					.ip_proto = IPPROTO_UDP,
					.sport = 50000,
					.dport = 53,
					.from = "10.0.0.2",
					.to = "192.0.2.1"};
	struct frame_spec spec;
	struct bpf_program *wire, *egress;
	struct shield_bpf *shield;
	struct box box;
	int empty, nothing;

	box_open(&box);
	wire = box.skel->progs.plic_wire;
	egress = box.skel->progs.plic_egress;
	shield = xdp_open(&box);
	empty = empty_program(BPF_PROG_TYPE_SCHED_CLS, PASS);
	nothing = empty_program(BPF_PROG_TYPE_XDP, XDP_DROP);
	publish(&box, 1);
	measure("allowed TCP data", empty, wire, &data);
	spec = data, spec.family = 6;
	measure("allowed TCP data, IPv6", empty, wire, &spec);
	spec = data, spec.flags = SYN;
	measure("allowed TCP SYN", empty, wire, &spec);
	measure("allowed UDP, known client", empty, wire, &udp);
	spec = data, spec.dport = 40000;
	measure("answer to the pod's TCP", empty, wire, &spec);
	box_verdict(egress, &sent);
	spec = (struct frame_spec){
		.family = 4, .ip_proto = IPPROTO_UDP, .sport = 53, .dport = 50000};
	measure("answer to the pod's UDP", empty, wire, &spec);
	spec = data, spec.dport = 9090, spec.flags = SYN;
	measure("denied TCP SYN, dropped", empty, wire, &spec);
	spec = udp, spec.dport = 9090;
	measure("denied UDP, dropped", empty, wire, &spec);
	xdp_begin(&box);
	spec = data, spec.dport = 9090, spec.flags = SYN;
	measure("shield: denied TCP SYN, dropped", nothing, shield->progs.plic_shield, &spec);
	spec = udp, spec.dport = 9090;
	measure("shield: denied UDP, dropped", nothing, shield->progs.plic_shield, &spec);
	measure("shield: allowed TCP data", nothing, shield->progs.plic_shield, &data);
	spec = data, spec.options = 1;
	measure("allowed TCP data, IPv4 option", empty, wire, &spec);
	measure("egress: the pod's UDP", empty, egress, &sent);
	spec = data, spec.sport = 1024;
	measure("egress: the pod's TCP", empty, egress, &spec);
	for (int n = 1; n <= MANY; n *= MANY) {
		char name[64];

		publish(&box, n);
		for (int port = 1024; port<1024 + n; port += n> 1 ? n - 1 : 1) {
			spec = data, spec.dport = port;
			snprintf(name, sizeof(name), "%d licensed ports, port %d", n, port);
			measure(name, empty, wire, &spec);
		}
	}
	shield_bpf__destroy(shield);
	spec = data, spec.seq = 1000; /* behind the first bytes */
	measure_limits(&box, empty, &spec, &udp);
	box_close(&box);
	return 0;
}
