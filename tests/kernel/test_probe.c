/* SPDX-License-Identifier: MIT */
/* test_probe.c - knocks at a gate from inside and outside the pod, proven by its counters and left out. */
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "denials.h"
#include "pins.h"
#include "scene.h"

struct ways {
	struct gate_way *list;
	size_t n;
};

static struct ways find_ways(const struct scene *s)
{
	struct ways ways;
	struct fault f = {0};

	must(gate_ways(s->gate, &ways.list, &ways.n, &f), &f);
	return ways;
}

static struct gate_probe probe(const struct scene *s, const struct gate_way *way, uint8_t proto,
			       uint16_t port)
{
	struct gate_probe p = {.ip_proto = proto, .port = port, .verdict = PLIC_DENIED};
	struct fault f = {0};

	must(gate_probe(s->gate, way, &p, &f), &f);
	return p;
}

/* Knocks that the kernel counted, probes too. */
static uint64_t counted(const struct scene *s)
{
	struct gate_denial *list;
	struct fault f = {0};
	uint64_t sum = 0;
	size_t n;

	must(denials_read(s->gate->map[GATE_DENIALS], &list, &n, &f), &f);
	for (size_t i = 0; i < n; i++)
		sum += list[i].key.pad == DENIALS_PROBES ? 0 : list[i].count.connections;
	free(list);
	return sum;
}

static uint64_t told(const struct scene *s, uint64_t *n_probes)
{
	struct gate_counters c = counters(s->gate);
	uint64_t sum = 0;

	for (size_t i = 0; i < c.n_denials; i++) {
		assert_int_equal(c.denials[i].key.pad, 0);
		sum += c.denials[i].count.connections;
	}
	*n_probes = c.n_probes;
	gate_counters_free(&c);
	return sum;
}

static void finds_its_ways(void **state)
{
	struct ways ways = find_ways(*state);

	assert_int_equal(ways.n, 2);
	assert_string_equal(ways.list[0].interface, "lo");
	assert_string_equal(ways.list[1].interface, "eth0");
	assert_string_equal(ways.list[1].peer, "h0");
	assert_string_equal(ways.list[1].why_not, "");
	assert_int_equal(ways.list[1].family, AF_INET);
	assert_memory_equal(ways.list[1].from, ((uint8_t[]){10, 77, 0, 1}), 4);
	assert_memory_equal(ways.list[1].to, ((uint8_t[]){10, 77, 0, 2}), 4);
	gate_ways_free(ways.list, ways.n);
}

static void counts_and_leaves_out(void **state)
{
	struct scene *s = *state;
	struct ways ways = find_ways(s);
	uint64_t n_probes;

	for (size_t w = 0; w < ways.n; w++) {
		struct gate_probe tcp = probe(s, &ways.list[w], IPPROTO_TCP, 9090);
		struct gate_probe udp = probe(s, &ways.list[w], IPPROTO_UDP, 6000);

		assert_int_equal(tcp.rose, 1);
		assert_false(tcp.answered);
		assert_int_equal(udp.rose, 1);
		assert_int_equal(counted(s), 2 * (w + 1));
	}
	assert_int_equal(told(s, &n_probes), 0);
	assert_int_equal(n_probes, 4);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	assert_int_equal(peer_udp(HOST, POD_V4, 6000), ECONNREFUSED);
	assert_int_equal(told(s, &n_probes), 2);
	assert_int_equal(n_probes, 4);
	gate_ways_free(ways.list, ways.n);
}

/* Where the table is full, and after ports have moved to `other`. */
static void leaves_out_of_other(void **state)
{
	struct scene *s = *state;
	struct ways ways = find_ways(s);
	struct plic_denial count = {2, 120, 2, 1};
	struct fault f = {0};
	uint64_t n_probes, before;

	for (int w = 0; w < 2; w++)
		assert_int_equal(probe(s, &ways.list[w], IPPROTO_TCP, 9090).rose, 1);
	for (uint16_t port = 1; port <= 900; port++) {
		struct plic_denial_key key = {.port = port,
					      .proto = IPPROTO_TCP,
					      .reason = PLIC_REASON_UNLICENSED,
					      .verdict = PLIC_DENIED};

		bpf_map_update_elem(s->gate->map[GATE_DENIALS], &key, &count, BPF_ANY);
	}
	before = told(s, &n_probes);
	assert_int_equal(before, 1800);
	must(gate_prune_denials(s->gate, &f), &f);
	assert_int_equal(told(s, &n_probes), before);
	assert_int_equal(n_probes, 2);
	assert_int_equal(probe(s, &ways.list[1], IPPROTO_TCP, 9090).rose, 1);
	assert_int_equal(told(s, &n_probes), before);
	assert_int_equal(n_probes, 3);
	gate_ways_free(ways.list, ways.n);
}

static void knocks_by_ipv6(void **state)
{
	struct scene *s = *state;
	struct ways ways;

	bed_pod_run(0, "ip addr del " POD_V4 "/24 dev eth0");
	ways = find_ways(s);
	assert_int_equal(ways.n, 2);
	assert_int_equal(ways.list[1].family, AF_INET6);
	assert_int_equal(probe(s, &ways.list[1], IPPROTO_TCP, 9090).rose, 1);
	assert_int_equal(probe(s, &ways.list[1], IPPROTO_UDP, 6000).rose, 1);
	gate_ways_free(ways.list, ways.n);
}

/* A licensed port plays one that was let in: it answers, and nothing is counted. */
static void tells_what_is_let_in(void **state)
{
	struct scene *s = *state;
	struct ways ways = find_ways(s);
	uint64_t n_probes;

	for (size_t w = 0; w < ways.n; w++) {
		struct gate_probe p = probe(s, &ways.list[w], IPPROTO_TCP, 8080);

		assert_true(p.answered);
		assert_int_equal(p.rose, 0);
		assert_int_equal(probe(s, &ways.list[w], IPPROTO_UDP, 5353).rose, 0);
	}
	told(s, &n_probes);
	assert_int_equal(n_probes, 0);
	gate_ways_free(ways.list, ways.n);
}

static void leaves_who_awaits_answers(void **state)
{
	struct scene *s = *state;
	struct ways ways = find_ways(s);
	struct plic_flow_key key = {.local_port = 6000, .proto = IPPROTO_UDP};
	struct plic_flow flow = {.last_ns = boot_now_ns()};
	struct gate_probe p;

	bpf_map_update_elem(s->gate->map[GATE_FLOWS], &key, &flow, BPF_ANY);
	p = probe(s, &ways.list[1], IPPROTO_UDP, 6000);
	assert_true(p.explained);
	assert_int_equal(counted(s), 0);
	flow.last_ns -= PLIC_ANY_REMOTE_NS;
	bpf_map_update_elem(s->gate->map[GATE_FLOWS], &key, &flow, BPF_ANY);
	p = probe(s, &ways.list[1], IPPROTO_UDP, 6000);
	assert_false(p.explained);
	assert_int_equal(p.rose, 1);
	gate_ways_free(ways.list, ways.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(finds_its_ways), CASE(counts_and_leaves_out), CASE(leaves_out_of_other),
		CASE(knocks_by_ipv6), CASE(tells_what_is_let_in),  CASE(leaves_who_awaits_answers),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
