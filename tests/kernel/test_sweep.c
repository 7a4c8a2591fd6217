/* SPDX-License-Identifier: MIT */
/* test_sweep.c - gates whose namespace or interfaces change under them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "scene.h"

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
	assert_int_equal(bed_count_pins("gates/g"), GATE_BINDS + 1 + 4);
}

/* A link that has just come up may carry nothing for a second. */
static int peer_tcp_soon(const char *address, uint16_t port)
{
	int r = ETIMEDOUT;

	for (int i = 0; i < 20 && r == ETIMEDOUT; i++)
		r = peer_tcp(HOST, address, port);
	return r;
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
	assert_int_equal(peer_tcp_soon(POD_V4, 9090), ECONNREFUSED);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(covers_new_interfaces),
		CASE(follows_a_moved_interface),
		CASE(finds_the_dead),
		CASE(replaces_dead_pins),
		CASE(finds_another_way_in),
		CASE(put_back_when_removed),
		CASE(restores_a_link_taken_off),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
