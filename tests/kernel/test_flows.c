/* SPDX-License-Identifier: MIT */
/* test_flows.c - the table of the pod's own flows: what a gate that comes enters, and what it lost. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "scene.h"

#define ASKS 40000 /* more than PLIC_FLOWS_DEFAULT */

static int udp_socket(uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(*port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static bool hears_anybody(const struct gate *g, uint16_t port)
{
	struct plic_flow_key key = {.local_port = port, .proto = IPPROTO_UDP};
	struct plic_flow flow;

	return bpf_map_lookup_elem(g->map[GATE_FLOWS], &key, &flow) == 0;
}

/* A client that asked before the gate came, and a server. */
static void enters_unconnected_clients(void **state)
{
	struct scene *s = *state;
	uint16_t client = 0, server = 9095;
	int home = -1, fds[2];
	struct gate *gate;

	bed_pod(1);
	bed_enter(1, &home);
	fds[0] = udp_socket(&client);
	fds[1] = udp_socket(&server);
	netns_leave(&home);
	gate = bed_gate(s->node, "h", 1, 8, &s->set);
	assert_true(hears_anybody(gate, client));
	assert_false(hears_anybody(gate, server));
	gate_close(gate);
	close(fds[0]);
	close(fds[1]);
}

static uint64_t evicted(struct gate *gate)
{
	struct gate_counters c = counters(gate);
	uint64_t n = c.flows_evicted;

	gate_counters_free(&c);
	return n;
}

static size_t entries(struct gate *gate)
{
	struct plic_flow_key key, *previous = NULL;
	size_t n = 0;

	for (; !bpf_map_get_next_key(gate->map[GATE_FLOWS], previous, &key); previous = &key)
		n++;
	return n;
}

/* One question to each of the peer's ports from `from` on. */
static void ask(int fd, size_t from, size_t n)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	inet_pton(AF_INET, HOST_V4, &to.sin_addr);
	for (size_t i = 0; i < n; i++) {
		to.sin_port = htons((uint16_t)(from + i));
		sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	}
}

static void counts_what_it_lost(void **state)
{
	struct scene *s = *state;
	uint16_t port = 0;
	uint64_t lost;
	size_t n = ASKS;
	int fd, home = -1;

	bed_enter(0, &home);
	fd = udp_socket(&port);
	ask(fd, 1, 5000);
	assert_int_equal(entries(s->gate), 5000);
	assert_int_equal(evicted(s->gate), 0);
	ask(fd, 1, 5000); /* the same again are no new flows */
	assert_int_equal(evicted(s->gate), 0);
	ask(fd, 5001, n - 5000);
	lost = evicted(s->gate);
	assert_int_equal(lost, n - entries(s->gate));
	assert_true(lost >= n - 16384);
	ask(fd, n + 1, 1000);
	assert_int_equal(evicted(s->gate), n + 1000 - entries(s->gate));
	assert_true(evicted(s->gate) > lost);
	netns_leave(&home);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(enters_unconnected_clients),
		CASE(counts_what_it_lost),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
