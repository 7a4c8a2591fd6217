/* SPDX-License-Identifier: MIT */
/* test_peers.c - who connected to a gate's ports, and who is connected now. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "scene.h"

#define RANGE_FIRST 8080
#define RANGE_LAST 8090
#define SECOND 1000000000ULL

static struct gate_peer *peers_of(struct gate *gate, uint64_t since, size_t *n)
{
	struct gate_peer *list = NULL;
	struct fault f = {0};

	must(gate_peers(gate, since, &list, n, &f), &f);
	return list;
}

/* Fails unless there is exactly one. */
static struct gate_peer peer_of(struct gate *gate, uint8_t proto, uint16_t port,
				const char *address)
{
	struct gate_peer *list, found = {0};
	uint8_t remote[16];
	size_t n, hits = 0;

	assert_int_equal(inet_pton(AF_INET6, address, remote), 1);
	list = peers_of(gate, 0, &n);
	for (size_t i = 0; i < n; i++) {
		if (list[i].ip_proto != proto || list[i].port != port ||
		    memcmp(list[i].remote, remote, sizeof(remote)) != 0)
			continue;
		found = list[i];
		hits++;
	}
	free(list);
	if (hits != 1)
		fail_msg("%zu peers %s on %u/%u", hits, address, proto, port);
	return found;
}

static size_t count(struct gate *gate, uint64_t since)
{
	size_t n;

	free(peers_of(gate, since, &n));
	return n;
}

static bool traces(const struct scene *s)
{
	return node_features(s->node)->tracing;
}

static void lists_tcp_clients(void **state)
{
	struct scene *s = *state;
	uint64_t before = boot_now_ns();
	struct gate_peer peer;
	int one, two, six;

	assert_int_equal(count(s->gate, 0), 0);
	one = peer_connect(HOST, POD_V4, 8080);
	two = peer_connect(HOST, POD_V4, 8080);
	six = peer_connect(HOST, POD_V6, 8080);
	assert_true(one >= 0 && two >= 0 && six >= 0);
	usleep(20000);
	peer = peer_of(s->gate, IPPROTO_TCP, 8080, "::ffff:" HOST_V4);
	assert_int_equal(peer.live, 2);
	assert_int_equal(peer_of(s->gate, IPPROTO_TCP, 8080, "fd77::1").live, 1);
	assert_int_equal(count(s->gate, 0), 2);
	if (traces(s)) {
		assert_int_equal(peer.connections, 2);
		assert_true(peer.last_ns + SECOND / 10 > before);
		assert_true(peer.last_ns <= boot_now_ns());
	}
	close(one);
	close(two);
	close(six);
	usleep(50000);
	if (traces(s)) {
		assert_int_equal(peer_of(s->gate, IPPROTO_TCP, 8080, "::ffff:" HOST_V4).live, 0);
		assert_int_equal(count(s->gate, peer.last_ns), 2);
		assert_int_equal(count(s->gate, boot_now_ns() + SECOND), 0);
	} else {
		assert_int_equal(count(s->gate, 0), 0);
	}
}

/* Refused ones are no clients, nor is the far end of what the pod opens. */
static void lists_no_others(void **state)
{
	struct scene *s = *state;
	int over_lo;

	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	over_lo = peer_connect(0, "127.0.0.1", 8080);
	assert_true(over_lo >= 0);
	usleep(20000);
	assert_int_equal(peer_of(s->gate, IPPROTO_TCP, 8080, "::ffff:127.0.0.1").live, 1);
	assert_int_equal(count(s->gate, 0), 1); /* not the client's own end */
	close(over_lo);
}

static void lists_udp_clients(void **state)
{
	struct scene *s = *state;
	struct gate_peer peer;

	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0); /* from another port */
	assert_int_equal(peer_udp(HOST, POD_V6, 5353), 0);
	peer = peer_of(s->gate, IPPROTO_UDP, 5353, "::ffff:" HOST_V4);
	assert_int_equal(peer.live, 0);
	assert_true(peer.last_ns > 0);
	assert_int_equal(count(s->gate, 0), 2);
	assert_int_equal(count(s->gate, boot_now_ns() + SECOND), 0);
}

/* What has gone is told by the first port of a range, what is live by its own. */
static void tells_ranges(void **state)
{
	const struct plic_header header = {.generation = 2};
	const struct plic_rule deny = {.mode = PLIC_ENFORCE};
	const struct ruleset_port port = {
		.port = RANGE_FIRST,
		.end_port = RANGE_LAST,
		.ip_proto = IPPROTO_TCP,
		.slot = 1,
		.rule = {.n_grants = 1,
			 .grants[0] = {.new_until_ns = PLIC_NEVER, .cut_at_ns = PLIC_NEVER}}};
	const struct plic_slot slots[2] = {[1] = {RANGE_FIRST, RANGE_LAST, IPPROTO_TCP, {0}}};
	static const uint16_t inner[] = {8083, 8084};
	struct scene *s = *state;
	struct ruleset set = {0};
	struct fault f = {0};
	struct gate_peer peer;
	pid_t server;
	int one, two;

	must(ruleset_build(&header, &deny, &port, 1, slots, 2, NULL, &set, &f), &f);
	must(gate_apply(s->gate, &set, &f), &f);
	server = peer_serve(0, inner, 2, NULL, 0);
	one = peer_connect(HOST, POD_V4, 8083);
	two = peer_connect(HOST, POD_V4, 8084);
	usleep(20000);
	assert_int_equal(count(s->gate, 0), 2);
	peer = peer_of(s->gate, IPPROTO_TCP, 8083, "::ffff:" HOST_V4);
	assert_int_equal(peer.live, 1);
	if (traces(s)) {
		assert_true(peer.last_ns > 0);
		assert_int_equal(peer.connections, 2);
	}
	close(one);
	close(two);
	usleep(50000);
	if (traces(s))
		assert_int_equal(peer_of(s->gate, IPPROTO_TCP, RANGE_FIRST, "::ffff:" HOST_V4).live,
				 0);
	assert_int_equal(count(s->gate, 0), traces(s) ? 1 : 0);
	peer_stop(server);
	ruleset_free(&set);
}

/* The id is given out again. */
static void forgets_a_gate_that_went(void **state)
{
	struct scene *s = *state;
	struct fault f = {0};
	size_t kept = 0;
	int peers = s->node->map[NODE_PEERS];
	struct plic_peer_key key, *at = NULL;

	if (!traces(s))
		skip();
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	assert_int_equal(count(s->gate, 0), 1);
	must(gate_remove(s->gate, &f), &f);
	for (; bpf_map_get_next_key(peers, at, &key) == 0; at = &key)
		kept += key.gate == 7;
	assert_int_equal(kept, 0);
	s->gate = bed_gate(s->node, "g", 0, 7, &s->set);
	assert_int_equal(count(s->gate, 0), 0);

	/* One that a program of another CPU wrote at the last moment is older than the gate. */
	key = (struct plic_peer_key){.remote = {[15] = 9}, .gate = 7, .slot = 1};
	assert_int_equal(bpf_map_update_elem(peers, &key,
					     &(struct plic_peer){.last_ns = s->gate->since_ns - 1,
								 .connections = 1},
					     BPF_ANY),
			 0);
	assert_int_equal(count(s->gate, 0), 0);
}

static void lives_without_tracing(void **state)
{
	struct scene *s = *state;
	int peers = s->node->map[NODE_PEERS], fd = peer_connect(HOST, POD_V4, 8080);
	struct gate_peer peer;

	s->node->map[NODE_PEERS] = -1;
	peer = peer_of(s->gate, IPPROTO_TCP, 8080, "::ffff:" HOST_V4);
	assert_int_equal(peer.live, 1);
	assert_int_equal(peer.last_ns, 0);
	close(fd);
	usleep(50000);
	assert_int_equal(count(s->gate, 0), 0);
	s->node->map[NODE_PEERS] = peers;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(lists_tcp_clients),	CASE(lists_no_others),
		CASE(lists_udp_clients),	CASE(tells_ranges),
		CASE(forgets_a_gate_that_went), CASE(lives_without_tracing),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
