/* SPDX-License-Identifier: MIT */
/* test_gate.c - the life of a gate over real traffic: attach, swap, adoption, removal. */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "scene.h"
#include "pins.h"

static void allows_and_denies(void **state)
{
	struct scene *s = *state;

	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	assert_int_equal(peer_tcp(HOST, POD_V6, 8080), 0);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	assert_int_equal(peer_tcp(HOST, POD_V6, 9090), ECONNREFUSED);
	assert_int_equal(peer_udp(HOST, POD_V4, 6000), ECONNREFUSED);
	assert_true(allowed_packets(s->gate, 1) > 0);
	assert_int_equal(denied_connections(s->gate, 9090), 2);
}

static void denies_over_lo(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "127.5.5.5", "::1", POD_V4, POD_V6};

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		assert_int_equal(peer_tcp(0, addresses[i], 8080), 0);
		assert_int_equal(peer_tcp(0, addresses[i], 9090), ECONNREFUSED);
	}
}

static void swaps_without_a_gap(void **state)
{
	struct scene *s = *state;
	struct peer_loop open, shut;
	struct fault f = {0};

	peer_loop_start(&open, POD_V4, 8080);
	peer_loop_start(&shut, POD_V4, 9090);
	for (uint64_t generation = 2; generation < 22; generation++) {
		struct ruleset set = bed_rules(generation, tcp_ports, 1, udp_ports, generation % 2);

		must(gate_apply(s->gate, &set, &f), &f);
		ruleset_free(&set);
		peer_loop_wait(&open, 2);
	}
	peer_loop_wait(&shut, 2);
	peer_loop_stop(&open);
	peer_loop_stop(&shut);
	assert_true(open.count->good > 20);
	assert_int_equal(open.count->refused + open.count->other, 0);
	assert_int_equal(shut.count->good + shut.count->other, 0);
}

static void adopts_without_a_gap(void **state)
{
	struct scene *s = *state;
	struct peer_loop open, shut;
	uint32_t old_wire = s->gate->prog_id[HOOK_WIRE];
	int socket = link_id("socket"), wire = link_id("wire_1"), egress = link_id("egress_1");
	int ledger = link_id_in(bed_bpffs(), NODE_PIN_LEDGER);
	uint64_t since = gate_since_ns(s->gate), packets;
	struct plic_gate about;
	struct ruleset back = {0};
	struct fault f = {0};

	peer_loop_start(&open, POD_V4, 8080);
	peer_loop_start(&shut, POD_V4, 9090);
	peer_loop_wait(&open, 5);
	for (int i = 0; i < 3; i++) {
		packets = allowed_packets(s->gate, 1);
		assert_true(packets > 0);
		gate_close(s->gate);
		s->gate = NULL;
		node_close(s->node);
		s->node = bed_node();
		must(gate_peek(s->node, "g", &about, &back, &f), &f);
		assert_int_equal(about.id, 7);
		assert_int_equal(back.n_cells, s->set.n_cells);
		assert_memory_equal(back.cells, s->set.cells, back.n_cells * sizeof(*back.cells));
		ruleset_free(&back);
		s->gate = bed_gate(s->node, "g", 0, 99, &s->set);
		assert_true(allowed_packets(s->gate, 1) >= packets);
		peer_loop_wait(&open, 5);
	}
	peer_loop_stop(&open);
	peer_loop_stop(&shut);
	assert_int_equal(open.count->refused + open.count->other, 0);
	assert_int_equal(shut.count->good + shut.count->other, 0);
	assert_int_equal(gate_id(s->gate), 7);
	assert_int_equal(gate_since_ns(s->gate), since);
	assert_int_not_equal(s->gate->prog_id[HOOK_WIRE], old_wire);
	assert_int_equal(link_id("socket"), socket);
	assert_int_equal(link_id("wire_1"), wire);
	assert_int_equal(link_id("egress_1"), egress);
	assert_int_equal(link_id_in(bed_bpffs(), NODE_PIN_LEDGER), ledger);
	assert_int_equal(ledger >= 0, node_features(s->node)->tracing);
}

/* As pins of an earlier version are: nothing of them can be read but whose they are. */
static void outdate(void)
{
	_free_ char *dir = pins_path(bed_bpffs(), "gates/g");
	_close_ int fd = pins_get(dir, PLIC_MAP_GATE);
	struct plic_gate about;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &about), 0);
	about.abi = PLIC_ABI + 1;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &about, BPF_ANY), 0);
}

static void renews_another_version_without_a_gap(void **state)
{
	struct scene *s = *state;
	struct peer_loop open, shut;
	int socket = link_id("socket"), wire = link_id("wire_1");
	uint32_t old = gate_id(s->gate), inner;
	uint64_t inode = s->gate->inode;
	struct plic_gate about;
	struct ruleset back = {0};
	struct fault f = {0};

	peer_loop_start(&open, POD_V4, 8080);
	peer_loop_start(&shut, POD_V4, 9090);
	peer_loop_wait(&open, 5);
	gate_close(s->gate);
	s->gate = NULL;
	node_close(s->node);
	outdate();
	s->node = bed_node();
	assert_int_equal(gate_peek(s->node, "g", &about, &back, &f), -ESTALE);
	assert_int_equal(about.netns_ino, inode);
	s->gate = bed_gate(s->node, "g", 0, old, &s->set);
	peer_loop_wait(&open, 5);
	peer_loop_wait(&shut, 5);
	peer_loop_stop(&open);
	peer_loop_stop(&shut);
	assert_int_equal(open.count->refused + open.count->other, 0);
	assert_int_equal(shut.count->good + shut.count->other, 0);
	assert_int_equal(link_id("socket"), socket);
	assert_int_equal(link_id("wire_1"), wire);
	/* The old programs' set was left to them. */
	assert_int_not_equal(gate_id(s->gate), old);
	assert_int_equal(bpf_map_lookup_elem(s->node->map[NODE_SETS], &old, &inner), -ENOENT);
	assert_true(allowed_packets(s->gate, 1) > 0);
}

static void removes_everything(void **state)
{
	struct scene *s = *state;
	struct fault f = {0};
	uint32_t id = 7;
	uint32_t inner;

	must(gate_remove(s->gate, &f), &f);
	s->gate = NULL;
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), 0);
	assert_int_equal(peer_tcp(0, "127.0.0.1", 9090), 0);
	assert_int_equal(peer_udp(HOST, POD_V4, 6000), 0);
	assert_int_equal(bed_count_pins("gates"), 0);
	assert_int_equal(bpf_map_lookup_elem(s->node->map[NODE_SETS], &id, &inner), -ENOENT);
	assert_int_equal(bpf_map_lookup_elem(s->node->map[NODE_TRAFFIC], &id, &inner), -ENOENT);
	assert_false(filters_left(0));
}

static void cleans_up_whole_node(void **state)
{
	struct scene *s = *state;
	struct fault f = {0};
	char **names;

	must(node_gates(s->node, &names, &f), &f);
	assert_string_equal(names[0], "g");
	assert_null(names[1]);
	node_names_free(names);
	must(node_cleanup(bed_bpffs(), &f), &f);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), 0);
	assert_false(filters_left(0));
	assert_int_equal(access(bed_bpffs(), F_OK), -1);
}

/* The last step of an attach: no descriptors are left for it. */
static void leaves_nothing_after_a_failure(void **state)
{
	struct scene *s = *state;
	struct rlimit all, few;
	struct gate_spec spec = {.name = "h", .id = 9};
	struct gate *gate = NULL;
	struct fault f = {0};
	int failures = 0, r = -1, step = fewer(40) < 40 ? 5 : 1;

	spec.netns = bed_pod(1);
	getrlimit(RLIMIT_NOFILE, &all);
	few = all;
	for (few.rlim_cur = 8; r < 0 && few.rlim_cur < 200; few.rlim_cur += step) {
		setrlimit(RLIMIT_NOFILE, &few);
		r = gate_open(s->node, &spec, &s->set, &gate, &f);
		setrlimit(RLIMIT_NOFILE, &all);
		if (r == 0)
			break;
		failures++;
		assert_null(gate);
		assert_true(f.text[0]);
		assert_int_equal(bed_count_pins("gates"), bed_count_pins("gates/g") + 1);
	}
	assert_int_equal(r, 0);
	assert_true(failures > 2);
	must(gate_remove(gate, &f), &f);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
}

/* A path that has come to mean another namespace than the one that was seen there. */
static void opens_nowhere_else(void **state)
{
	struct scene *s = *state;
	struct gate_spec spec = {.name = "h", .id = 9, .netns = bed_pod(1)};
	struct gate *gate = NULL;
	struct fault f = {0};

	must(netns_inode(spec.netns, &spec.place, &f), &f);
	spec.netns = bed_pod(1);
	assert_int_equal(gate_open(s->node, &spec, &s->set, &gate, &f), -ENOENT);
	assert_null(gate);
	must(netns_inode(spec.netns, &spec.place, &f), &f);
	must(gate_open(s->node, &spec, &s->set, &gate, &f), &f);
	must(gate_remove(gate, &f), &f);
	bed_delete_pod(1);
}

static void applies_to_many_at_once(void **state)
{
	enum { N = 50 };
	const int n = fewer(N);
	struct scene *s = *state;
	struct gate *gates[N];
	struct ruleset sets[N];
	const struct ruleset *list[N];
	int results[N];
	uint16_t many[100];
	struct fault f = {0};
	char name[32];

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (uint16_t)(1000 + i);
	for (int i = 0; i < n; i++) {
		bed_pod(i + 1);
		snprintf(name, sizeof(name), "many-%d", i);
		gates[i] = bed_gate(s->node, name, i + 1, (uint32_t)(100 + i), &s->set);
		/* Some of them with more counters. */
		sets[i] = bed_rules((uint64_t)(1000 + i), many, i % 2 ? 100 : 1, NULL, 0);
		list[i] = &sets[i];
	}
	must(gates_apply(s->node, gates, list, (size_t)n, results, &f), &f);
	for (int i = 0; i < n; i++) {
		struct ruleset back = {0};
		struct plic_gate about;

		snprintf(name, sizeof(name), "many-%d", i);
		assert_int_equal(results[i], 0);
		must(gate_peek(s->node, name, &about, &back, &f), &f);
		assert_int_equal(back.cells->header.generation, 1000 + i);
		assert_int_equal(gates[i]->traffic_slots, i % 2 ? 128 : 64);
		assert_int_equal(gates[i]->n_slots, sets[i].cells->header.n_slots);
		ruleset_free(&back);
		ruleset_free(&sets[i]);
		must(gate_remove(gates[i], &f), &f);
	}
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
}

static void tells_its_memory(void **state)
{
	struct scene *s = *state;
	uint16_t ports[600];
	struct ruleset large;
	uint64_t before = gate_footprint(s->gate);
	struct fault f = {0};

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		ports[i] = (uint16_t)(20000 + i);
	large = bed_rules(2, ports, ARRAY_SIZE(ports), NULL, 0);
	must(gate_apply(s->gate, &large, &f), &f);
	assert_true(gate_footprint(s->gate) > before);
	ruleset_free(&large);
	must(gate_apply(s->gate, &s->set, &f), &f);
	assert_true(before > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(allows_and_denies),
		CASE(denies_over_lo),
		CASE(swaps_without_a_gap),
		CASE(adopts_without_a_gap),
		CASE(renews_another_version_without_a_gap),
		CASE(removes_everything),
		CASE(cleans_up_whole_node),
		CASE(leaves_nothing_after_a_failure),
		CASE(opens_nowhere_else),
		CASE(applies_to_many_at_once),
		CASE(tells_its_memory),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
