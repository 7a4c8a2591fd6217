/* SPDX-License-Identifier: MIT */
/* test_outrank.c - foreign programs ahead of a gate's own: found, overtaken, or told. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "pins.h"
#include "scene.h"
#include "tcx.h"

/* A program of two instructions that returns `verdict`. */
static int foreign(enum bpf_prog_type type, int verdict)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	int fd;

	if (type == BPF_PROG_TYPE_SK_LOOKUP)
		opts.expected_attach_type = BPF_SK_LOOKUP;
	fd = bpf_prog_load(type, "intruder", "MIT", code, 2, &opts);
	assert_true(fd >= 0);
	return fd;
}

/* The index of eth0 in the pod. */
static int eth0(const struct scene *s)
{
	for (size_t i = 0; i < s->gate->n_ifaces; i++)
		if (!strcmp(s->gate->ifaces[i].name, "eth0"))
			return s->gate->ifaces[i].ifindex;
	fail_msg("no eth0");
	return 0;
}

/* Ahead of all on eth0: a link, or in clsact a filter of the same priority. */
static int get_ahead(const struct scene *s, enum gate_hook hook, int prog)
{
	struct bpf_tc_hook on = {.sz = sizeof(on),
				 .ifindex = eth0(s),
				 .attach_point =
					 hook == HOOK_WIRE ? BPF_TC_INGRESS : BPF_TC_EGRESS};
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1, .prog_fd = prog);
	int home = -1, link = -1;

	bed_enter(0, &home);
	if (node_features(s->node)->tcx)
		link = tcx_attach(eth0(s), hook, prog);
	else
		assert_int_equal(bpf_tc_attach(&on, &opts), 0);
	netns_leave(&home);
	return link;
}

static struct gate_sweep swept(const struct scene *s)
{
	struct gate_sweep sweep;
	struct fault f = {0};

	must(gate_sweep(s->gate, &sweep, &f), &f);
	return sweep;
}

static unsigned int n_overtaken(const struct scene *s, struct gate_rival *rival)
{
	struct gate_attachment *list;
	struct fault f = {0};
	unsigned int found = 0;
	size_t n;

	must(gate_attachments(s->gate, &list, &n, &f), &f);
	for (size_t i = 0; i < n; i++) {
		assert_true(list[i].present || list[i].hook == HOOK_LEDGER);
		if (!list[i].overtaken)
			continue;
		found++;
		*rival = list[i].rival;
	}
	free(list);
	return found;
}

/* Lets all in: the gate is behind it until the next sweep, and the pins are as they were after it. */
static void gets_ahead_again(void **state)
{
	struct scene *s = *state;
	int prog = foreign(BPF_PROG_TYPE_SCHED_CLS, 0); /* TC_ACT_OK: nobody else is asked */
	size_t pins = bed_count_pins("gates/g");
	int link = get_ahead(s, HOOK_WIRE, prog);
	struct gate_rival rival = {0};
	struct gate_sweep sweep;
	uint64_t denied = denied_connections(s->gate, 9090);

	assert_int_equal(n_overtaken(s, &rival), 1);
	assert_string_equal(rival.name, "intruder");
	assert_true(rival.prog_id > 0);
	sweep = swept(s);
	assert_int_equal(sweep.outranked[HOOK_WIRE].regained, 1);
	assert_int_equal(sweep.outranked[HOOK_WIRE].held, 0);
	assert_string_equal(sweep.outranked[HOOK_WIRE].interface, "eth0");
	assert_int_equal(sweep.outranked[HOOK_WIRE].rival.prog_id, rival.prog_id);
	assert_int_equal(sweep.outranked[HOOK_EGRESS].regained, 0);
	assert_int_equal(sweep.restored[HOOK_WIRE], 0);
	assert_int_equal(n_overtaken(s, &rival), 0);
	assert_int_equal(bed_count_pins("gates/g"), pins);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	assert_int_equal(denied_connections(s->gate, 9090), denied + 1);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	sweep = swept(s);
	assert_int_equal(sweep.outranked[HOOK_WIRE].regained, 0);
	close(link);
	close(prog);
}

static void gets_ahead_on_egress(void **state)
{
	struct scene *s = *state;
	int prog = foreign(BPF_PROG_TYPE_SCHED_CLS, 0);
	int link = get_ahead(s, HOOK_EGRESS, prog);
	struct gate_rival rival;
	struct gate_sweep sweep = swept(s);

	assert_int_equal(sweep.outranked[HOOK_EGRESS].regained, 1);
	assert_int_equal(sweep.outranked[HOOK_WIRE].regained, 0);
	assert_int_equal(n_overtaken(s, &rival), 0);
	close(link);
	close(prog);
}

/* What was put ahead is a gate's like any other: found and given new programs by the next agent. */
static void is_adopted(void **state)
{
	struct scene *s = *state;
	int prog = foreign(BPF_PROG_TYPE_SCHED_CLS, 0);
	int link = get_ahead(s, HOOK_WIRE, prog);
	struct gate_rival rival;
	struct gate_sweep sweep = swept(s);

	assert_int_equal(sweep.outranked[HOOK_WIRE].regained, 1);
	gate_close(s->gate);
	s->gate = bed_gate(s->node, "g", 0, 7, &s->set);
	assert_int_equal(n_overtaken(s, &rival), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	close(link);
	close(prog);
}

/* Killed between two steps: two links are pinned, the one ahead with a program of its own. */
static void is_adopted_half_done(void **state)
{
	struct scene *s = *state;
	int prog = foreign(BPF_PROG_TYPE_SCHED_CLS, -1), link;
	struct gate_rival rival;
	struct fault f = {0};
	size_t pins = bed_count_pins("gates/g");

	if (!node_features(s->node)->tcx)
		skip();
	link = get_ahead(s, HOOK_WIRE, prog);
	must(pins_put(link, s->gate->dir, "wire_2_ahead", &f), &f);
	close(link);
	gate_close(s->gate);
	s->gate = bed_gate(s->node, "g", 0, 7, &s->set);
	assert_int_equal(n_overtaken(s, &rival), 0);
	assert_int_equal(bed_count_pins("gates/g"), pins);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	assert_int_equal(swept(s).restored[HOOK_WIRE], 0);
	close(prog);
}

/* Denied on a port by wire alone, that is: it counts bytes, `socket` doesn't. A SYN has 60. */
static bool all_by_wire(struct gate *gate, uint16_t port)
{
	struct gate_counters c = counters(gate);
	uint64_t packets = 0, bytes = 0;

	for (size_t i = 0; i < c.n_denials; i++) {
		if (c.denials[i].key.port != port)
			continue;
		packets += c.denials[i].count.packets;
		bytes += c.denials[i].count.bytes;
	}
	gate_counters_free(&c);
	return packets && bytes == 60 * packets;
}

/* At no moment is wire away, and no connection to a port that is open fails, while ours goes ahead. */
static void leaves_no_gap(void **state)
{
	struct scene *s = *state;
	int prog = foreign(BPF_PROG_TYPE_SCHED_CLS, -1), link; /* the next one is asked */
	struct peer_loop open, shut;
	uint64_t good, denied;

	peer_loop_start(&open, POD_V4, 8080);
	peer_loop_start(&shut, POD_V4, 9090);
	peer_loop_wait(&open, 20);
	for (int i = 0; i < fewer(10); i++) {
		memset(s->gate->ifaces[0].fights, 0, sizeof(s->gate->ifaces[0].fights));
		memset(s->gate->ifaces[1].fights, 0, sizeof(s->gate->ifaces[1].fights));
		link = get_ahead(s, HOOK_WIRE, prog);
		assert_int_equal(swept(s).outranked[HOOK_WIRE].regained, 1);
		if (link >= 0) {
			close(link);
		} else {
			bed_pod_run(0, "tc filter del dev eth0 ingress pref 1 handle 1 bpf");
		}
		peer_loop_wait(&open, 2);
		usleep(30000); /* the link is freed by a worker */
	}
	peer_loop_stop(&open);
	peer_loop_stop(&shut);
	good = open.count->good;
	denied = shut.count->refused;
	assert_true(good > 20 && denied > 20);
	assert_int_equal(open.count->refused + open.count->other, 0);
	assert_int_equal(shut.count->good, 0);
	assert_true(all_by_wire(s->gate, 9090));
	close(prog);
}

/* How often ours may follow in that time: after one second, two more, four more. */
static unsigned int rounds_in(uint64_t ns)
{
	unsigned int n = 0;

	for (uint64_t s = 1, sum = 1; sum * 1000000000 <= ns; sum += s *= 2)
		n++;
	return n;
}

/* Somebody who gets ahead each time is followed ever more seldom, and the gate says where it stands. */
static void does_not_fight_for_ever(void **state)
{
	struct scene *s = *state;
	int prog = foreign(BPF_PROG_TYPE_SCHED_CLS, -1);
	uint64_t began = boot_now_ns();
	int link = get_ahead(s, HOOK_WIRE, prog);
	struct gate_sweep sweep = swept(s);
	unsigned int regained = 0;

	if (link < 0)
		skip();
	assert_int_equal(sweep.outranked[HOOK_WIRE].regained, 1);
	for (int i = 0; i < 40; i++) {
		close(link);
		usleep(20000);
		link = get_ahead(s, HOOK_WIRE, prog);
		sweep = swept(s);
		regained += sweep.outranked[HOOK_WIRE].regained;
		assert_int_equal(
			sweep.outranked[HOOK_WIRE].regained + sweep.outranked[HOOK_WIRE].held, 1);
		usleep(30000);
	}
	assert_true(regained >= 1 && regained <= rounds_in(boot_now_ns() - began));
	close(link);
	close(prog);
}

static void tells_a_foreign_sk_lookup(void **state)
{
	struct scene *s = *state;
	int prog = foreign(BPF_PROG_TYPE_SK_LOOKUP, 1), home = -1, netns, link;
	struct gate_rival rival = {0};
	struct gate_sweep sweep = swept(s);

	assert_int_equal(sweep.outranked[HOOK_SOCKET].held, 0);
	bed_enter(0, &home);
	netns = netns_open_current();
	link = bpf_link_create(prog, netns, BPF_SK_LOOKUP, NULL);
	close(netns);
	netns_leave(&home);
	assert_true(link >= 0);
	sweep = swept(s);
	assert_int_equal(sweep.outranked[HOOK_SOCKET].held, 1);
	assert_int_equal(sweep.outranked[HOOK_SOCKET].regained, 0);
	assert_string_equal(sweep.outranked[HOOK_SOCKET].rival.name, "intruder");
	assert_int_equal(n_overtaken(s, &rival), 1);
	assert_string_equal(rival.name, "intruder");
	bpf_link_detach(link);
	assert_int_equal(swept(s).outranked[HOOK_SOCKET].held, 0);
	close(link);
	close(prog);
}

/* Before Linux 6.6. A filter of another kind in our place is removed when ours is put back. */
static void takes_its_priority_back(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep;

	if (node_features(s->node)->tcx) {
		print_message("links have no priorities\n");
		skip();
	}
	bed_pod_run(0,
		    "tc qdisc del dev eth0 clsact; tc qdisc add dev eth0 clsact; for p in 1 2; do "
		    "tc filter add dev eth0 ingress pref $p protocol all u32 match u32 0 0 "
		    "flowid 1:1; done");
	sweep = swept(s);
	assert_int_equal(sweep.restored[HOOK_WIRE], 1);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	bed_pod_run(0, "tc filter show dev eth0 ingress | grep -q 'pref 2 u32'");
	bed_pod_run(0, "! tc filter show dev eth0 ingress | grep -q 'pref 1 u32'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(gets_ahead_again),
		CASE(gets_ahead_on_egress),
		CASE(is_adopted),
		CASE(is_adopted_half_done),
		CASE(leaves_no_gap),
		CASE(does_not_fight_for_ever),
		CASE(tells_a_foreign_sk_lookup),
		CASE(takes_its_priority_back),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
