/* SPDX-License-Identifier: MIT */
/* test_gate.c - the life of gates over real traffic: attach, swap, adoption, sweep, removal. */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <bpf/bpf.h>

#include "bed.h"
#include "gate_priv.h"
#include "outer.h"
#include "peer.h"
#include "pins.h"
#include "traffic.h"

static const uint16_t tcp_ports[] = {8080, 9090};
static const uint16_t udp_ports[] = {5353, 6000};

/* What every test begins with: pod 0 with servers, a gate that licenses 8080/TCP and 5353/UDP. */
struct scene {
	struct node *node;
	struct gate *gate;
	struct ruleset set;
	pid_t server;
};

static int setup(void **state)
{
	static struct scene s;

	s.node = bed_node();
	bed_pod(0);
	s.server = peer_serve(0, tcp_ports, 2, udp_ports, 2);
	s.set = bed_rules(1, tcp_ports, 1, udp_ports, 1);
	s.gate = bed_gate(s.node, "g", 0, 7, &s.set);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	peer_stop(s->server);
	gate_close(s->gate);
	ruleset_free(&s->set);
	bed_end(s->node);
	return 0;
}

/* An emulated machine takes a second for each load. */
static int fewer(int n)
{
	return getenv("PORTLIC_TEST_EMULATED") ? n / 10 : n;
}

static void must(int r, const struct fault *f)
{
	if (r < 0)
		fail_msg("%s", f->text);
}

static struct gate_counters counters(struct gate *gate)
{
	struct gate_counters c;
	struct fault f = {0};

	must(gate_counters(gate, &c, &f), &f);
	return c;
}

static uint64_t allowed_packets(struct gate *gate, size_t slot)
{
	struct gate_counters c = counters(gate);
	uint64_t packets = c.traffic[slot].packets;

	gate_counters_free(&c);
	return packets;
}

static uint64_t denied_connections(struct gate *gate, uint16_t port)
{
	struct gate_counters c = counters(gate);
	uint64_t n = 0;

	for (size_t i = 0; i < c.n_denials; i++)
		if (c.denials[i].key.port == port && c.denials[i].key.verdict == PLIC_DENIED)
			n += c.denials[i].count.connections;
	gate_counters_free(&c);
	return n;
}

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

static int link_id(const char *name)
{
	_free_ char *dir = pins_path(bed_bpffs(), "gates/g");
	_close_ int fd = pins_get(dir, name);
	struct pins_link info;

	return fd >= 0 && pins_link_info(fd, &info) == 0 ? (int)info.id : -1;
}

static void adopts_without_a_gap(void **state)
{
	struct scene *s = *state;
	struct peer_loop open, shut;
	uint32_t old_wire = s->gate->prog_id[HOOK_WIRE];
	int socket = link_id("socket"), wire = link_id("wire_1"), egress = link_id("egress_1");
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
}

static void enlarges_counters(void **state)
{
	struct scene *s = *state;
	struct peer_loop open;
	uint16_t many[200];
	struct ruleset set;
	struct fault f = {0};
	uint64_t before, after;

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (uint16_t)(8080 + i);
	peer_loop_start(&open, POD_V4, 8080);
	peer_loop_wait(&open, 20);
	before = allowed_packets(s->gate, 1);
	set = bed_rules(2, many, ARRAY_SIZE(many), NULL, 0);
	assert_int_equal(s->gate->traffic_slots, 64);
	must(gate_apply(s->gate, &set, &f), &f);
	assert_int_equal(s->gate->traffic_slots, 256);
	after = allowed_packets(s->gate, 1);
	assert_true(before > 0 && after >= before);
	peer_loop_wait(&open, 5);
	assert_true(allowed_packets(s->gate, 1) > after);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8081),
			 ECONNREFUSED); /* open, but nobody is there */
	peer_loop_stop(&open);
	assert_int_equal(open.count->refused + open.count->other, 0);
	ruleset_free(&set);
}

/* With no traffic between, sums are the same to the last byte. */
static void keeps_sums(void **state)
{
	struct scene *s = *state;
	uint16_t many[300];
	struct gate_counters a, b;
	struct ruleset set;
	struct fault f = {0};

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (uint16_t)(8080 + i);
	for (int i = 0; i < 50; i++)
		assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	usleep(100000); /* the last segments of the connections */
	a = counters(s->gate);
	set = bed_rules(2, many, ARRAY_SIZE(many), NULL, 0);
	must(gate_apply(s->gate, &set, &f), &f);
	b = counters(s->gate);
	assert_int_equal(b.n_slots, 301);
	assert_memory_equal(&a.traffic[1], &b.traffic[1], sizeof(a.traffic[1]));
	if (node_features(s->node)->tracing)
		assert_int_equal(b.traffic[1].connections, 50);
	gate_counters_free(&a);
	gate_counters_free(&b);
	ruleset_free(&set);
}

static void covers_new_interfaces(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep;
	struct gate_attachment *list;
	struct fault f = {0};
	size_t n, covered = 0;

	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.added + sweep.restored[HOOK_WIRE] + sweep.restored[HOOK_EGRESS], 0);
	bed_pod_run(0, "ip link add d0 type veth peer name d1");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.added, 2);
	assert_int_equal(sweep.restored[HOOK_WIRE], 0);
	assert_true(sweep.unprotected_ns > 0);
	must(gate_attachments(s->gate, &list, &n, &f), &f);
	for (size_t i = 0; i < n; i++) {
		covered += strncmp(list[i].interface, "d", 1) == 0 && list[i].present;
		assert_true(list[i].present || list[i].hook == HOOK_LEDGER);
		assert_int_equal(list[i].removable, strcmp(list[i].kind, "clsact") == 0);
	}
	free(list);
	assert_int_equal(covered, 4);
	bed_pod_run(0, "ip link del d0");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.added + sweep.restored[HOOK_WIRE], 0);
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(s->gate->n_ifaces, 2);
	/* The maps, socket, and of two interfaces either links or marks. */
	assert_int_equal(bed_count_pins("gates/g"), GATE_N_MAPS + 1 + 4);
}

/* An interface that is taken to another namespace is gated there still, and when it comes back. */
static void follows_a_moved_interface(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep;
	struct fault f = {0};
	size_t pins;

	if (!node_features(s->node)->tcx) {
		print_message("a filter doesn't survive the move\n");
		skip();
	}
	bed_pod(1);
	bed_pod_run(0, "ip link set eth0 netns /tmp/pod1");
	pins = bed_count_pins("gates/g");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(bed_count_pins("gates/g"), pins);
	bed_pod_run(1,
		    "ip link set lo up; ip addr add " POD_V4 "/24 dev eth0; ip link set eth0 up");
	peer_stop(s->server);
	s->server = peer_serve(1, tcp_ports, 2, udp_ports, 2);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	bed_pod_run(1, "ip link set eth0 netns /tmp/pod0");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.restored[HOOK_WIRE], 0);
	assert_int_equal(bed_count_pins("gates/g"), pins);
}

static void finds_the_dead(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep = {0};
	struct fault f = {0};

	peer_stop(s->server);
	bed_delete_pod(0);
	for (int i = 0; i < 200 && !sweep.dead; i++) {
		must(gate_sweep(s->gate, &sweep, &f), &f);
		usleep(50000); /* namespaces are taken down by a worker */
	}
	assert_true(sweep.dead);
	bed_pod(0); /* the same path, perhaps the same inode */
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_true(sweep.dead);
	must(gate_remove(s->gate, &f), &f);
	s->gate = NULL;
	assert_int_equal(bed_count_pins("gates"), 0);
	/* And a gate of that name for the new one. */
	s->server = peer_serve(0, tcp_ports, 2, udp_ports, 2);
	s->gate = bed_gate(s->node, "g", 0, 8, &s->set);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
}

/* Pins of a namespace that died while no agent ran. */
static void replaces_dead_pins(void **state)
{
	struct scene *s = *state;

	peer_stop(s->server);
	gate_close(s->gate);
	s->gate = NULL;
	bed_delete_pod(0);
	usleep(300000);
	bed_pod(0);
	s->server = peer_serve(0, tcp_ports, 2, udp_ports, 2);
	s->gate = bed_gate(s->node, "g", 0, 8, &s->set);
	assert_int_equal(gate_id(s->gate), 8);
	assert_int_equal(allowed_packets(s->gate, 1), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
}

static void finds_another_way_in(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep;
	struct fault f = {0};

	bed_delete_pod(0); /* the server still lives in it */
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_false(sweep.dead);
	assert_non_null(strstr(s->gate->netns, "/proc/"));
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
}

static bool egress_or_wire_left(int number)
{
	_netns_home_ int home = -1;

	bed_enter(number, &home);
	return system("tc filter show dev lo ingress | grep -q plic || tc qdisc show | grep -q "
		      "clsact") == 0;
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
	assert_false(egress_or_wire_left(0));
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
	assert_false(egress_or_wire_left(0));
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

static void put_back_when_removed(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep;
	struct fault f = {0};

	if (node_features(s->node)->tcx) {
		bed_pod_run(0, "tc qdisc add dev eth0 clsact; tc qdisc del dev eth0 clsact");
		assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
		return;
	}
	bed_pod_run(0, "tc qdisc del dev eth0 clsact; tc filter del dev lo ingress");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.added, 0);
	assert_int_equal(sweep.restored[HOOK_WIRE], 2);
	assert_int_equal(sweep.restored[HOOK_EGRESS], 1);
	assert_true(sweep.unprotected_ns > 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0);
	assert_int_equal(peer_udp(HOST, POD_V4, 6000), ECONNREFUSED);
}

static void restores_a_link_taken_off(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep;
	struct fault f = {0};

	assert_int_equal(bpf_link_detach(s->gate->socket), 0);
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_false(sweep.dead);
	assert_int_equal(sweep.restored[HOOK_SOCKET], 1);
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.restored[HOOK_SOCKET], 0);
}

static bool lists(const struct gate_listener *list, size_t n, uint8_t proto, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].ip_proto == proto && list[i].port == port)
			return true;
	return false;
}

static void sees_what_stands(void **state)
{
	static const uint16_t outside[] = {4444};
	struct scene *s = *state;
	struct gate_stand stand;
	struct plic_flow_key key, next;
	struct fault f = {0};
	pid_t peer;
	int in, out, n = 0;

	bed_pod(1);
	bed_run("ip link add h1 type veth peer name eth1 && ip link set eth1 netns /tmp/pod1 && "
		"ip addr add 10.78.0.1/24 dev h1 && ip link set h1 up && "
		"echo 1 > /proc/sys/net/ipv4/ip_forward");
	bed_pod_run(1, "ip addr add 10.78.0.2/24 dev eth1; ip link set eth1 up; "
		       "ip route add default via 10.78.0.1");
	bed_pod_run(0, "ip route add default via " HOST_V4);
	peer = peer_serve(1, outside, 1, NULL, 0);
	out = peer_connect(0, "10.78.0.2", 4444);
	in = peer_connect(HOST, POD_V4, 8080);
	assert_true(in >= 0 && out >= 0);
	must(gate_stand(s->gate, true, &stand, &f), &f);
	assert_true(lists(stand.listeners, stand.n_listeners, IPPROTO_TCP, 8080));
	assert_true(lists(stand.listeners, stand.n_listeners, IPPROTO_TCP, 9090));
	assert_true(lists(stand.listeners, stand.n_listeners, IPPROTO_UDP, 5353));
	assert_int_equal(stand.n_listeners, 4);
	assert_true(lists(stand.inbound, stand.n_inbound, IPPROTO_TCP, 8080));
	assert_int_equal(stand.n_inbound, 1);
	gate_stand_free(&stand);
	for (int r = bpf_map_get_next_key(s->gate->map[GATE_FLOWS], NULL, &next); r == 0;
	     r = bpf_map_get_next_key(s->gate->map[GATE_FLOWS], &key, &next)) {
		key = next;
		if (key.proto != IPPROTO_TCP)
			continue;
		n++;
		assert_int_equal(key.remote_port, 4444);
		assert_int_equal(key.remote[15], 2);
	}
	assert_int_equal(n, 1);
	close(in);
	close(out);
	peer_stop(peer);
	bed_run("ip link del h1");
}

static void probes_over_lo(void **state)
{
	struct scene *s = *state;
	struct fault f = {0};
	bool connected;
	int err;

	must(gate_probe_tcp(s->gate, 8080, &connected, &err, &f), &f);
	assert_true(connected);
	assert_int_equal(err, 0);
	must(gate_probe_tcp(s->gate, 9090, &connected, &err, &f), &f);
	assert_false(connected);
	assert_int_equal(err, ECONNREFUSED);
	assert_int_equal(denied_connections(s->gate, 9090), 1);
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
	char name[16];

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

static void prunes_denials(void **state)
{
	struct scene *s = *state;
	struct gate_counters a, b;
	struct fault f = {0};
	uint64_t before = 0, after = 0;

	for (int round = 0; round < 3; round++) {
		for (uint16_t port = 1; port <= 900; port++) {
			struct plic_denial_key key = {
				.port = (uint16_t)(round * 1000 + port),
				.proto = IPPROTO_TCP,
				.reason = PLIC_REASON_UNLICENSED,
			};
			struct plic_denial count = {port, 60 * port, port, port};

			key.verdict = PLIC_DENIED;
			bpf_map_update_elem(s->gate->map[GATE_DENIALS], &key, &count, BPF_ANY);
		}
		a = counters(s->gate);
		must(gate_prune_denials(s->gate, &f), &f);
		b = counters(s->gate);
		assert_true(a.n_denials >= 900);
		assert_true(b.n_denials <= PLIC_MAX_DENIALS / 2 + 2);
		before = after = 0;
		for (size_t i = 0; i < a.n_denials; i++)
			before += a.denials[i].count.packets;
		for (size_t i = 0; i < b.n_denials; i++) {
			after += b.denials[i].count.packets;
			assert_int_equal(b.denials[i].key.pad, 0);
		}
		assert_int_equal(before, after);
		gate_counters_free(&a);
		gate_counters_free(&b);
	}
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(allows_and_denies),       CASE(denies_over_lo),
		CASE(swaps_without_a_gap),     CASE(adopts_without_a_gap),
		CASE(enlarges_counters),       CASE(keeps_sums),
		CASE(covers_new_interfaces),   CASE(follows_a_moved_interface),
		CASE(finds_the_dead),	       CASE(replaces_dead_pins),
		CASE(finds_another_way_in),    CASE(removes_everything),
		CASE(cleans_up_whole_node),    CASE(leaves_nothing_after_a_failure),
		CASE(put_back_when_removed),   CASE(restores_a_link_taken_off),
		CASE(sees_what_stands),	       CASE(probes_over_lo),
		CASE(applies_to_many_at_once), CASE(prunes_denials),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
