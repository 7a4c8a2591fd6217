/* SPDX-License-Identifier: MIT */
/* test_look.c - what a gate tells: counters, denials, sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "pins.h"
#include "scene.h"

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

static bool lists(const struct gate_listener *list, size_t n, uint8_t proto, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].ip_proto == proto && list[i].port == port)
			return true;
	return false;
}

static void sees_what_stands(void **state)
{
	struct scene *s = *state;
	struct gate_stand stand;
	struct plic_mark_key key, next;
	struct fault f = {0};
	pid_t peer;
	uint16_t out_port = 0;
	int in, out, n = 0;

	peer = far_begin(4444);
	out = peer_connect(0, FAR_V4, 4444);
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
	for (int r = bpf_map_get_next_key(s->gate->map[GATE_MARKS], NULL, &next); r == 0;
	     r = bpf_map_get_next_key(s->gate->map[GATE_MARKS], &key, &next)) {
		key = next;
		n++;
		assert_int_equal(key.remote_port, 4444);
		assert_int_equal(key.remote[15], 2);
		out_port = key.local_port;
		assert_int_equal(key.local[15], 2);
		bpf_map_delete_elem(s->gate->map[GATE_MARKS], &key);
	}
	assert_int_equal(n, 1);
	/* One without a mark may have come in by a listener that is closed. */
	must(gate_stand(s->gate, false, &stand, &f), &f);
	assert_true(lists(stand.inbound, stand.n_inbound, IPPROTO_TCP, out_port));
	gate_stand_free(&stand);
	close(in);
	close(out);
	far_end(peer);
}

static int udp_socket(uint16_t local, uint16_t remote)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(local)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	a.sin_port = htons(remote);
	inet_pton(AF_INET, HOST_V4, &a.sin_addr);
	if (remote)
		assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Which connected UDP sockets are taken for those of a server. */
static void tells_udp_servers(void **state)
{
	static const struct {
		uint16_t local, remote;
		bool beside; /* an unconnected socket on the same port */
		bool client; /* wire saw the remote begin */
		bool inbound;
	} cases[] = {
		{9095, 40000, false, false, true},  {9097, 40000, true, false, true},
		{40444, 4444, false, false, false}, {40445, 4444, true, false, true},
		{40446, 4444, false, true, true},   {123, 123, false, false, false},
		{53, 53, true, false, false},	    {700, 53, false, false, false},
		{701, 53, true, false, true},	    {7000, 53, false, false, false},
		{500, 7000, false, false, true},    {7001, 2000, false, false, true},
		{702, 2049, false, false, false},   {703, 40000, false, false, true},
		{704, 2049, true, false, true},	    {705, 2049, false, true, true},
	};
	struct scene *s = *state;
	int fds[2 * ARRAY_SIZE(cases)], n = 0, home = -1;
	int clients = pins_get(s->gate->dir, PLIC_MAP_CLIENTS);
	struct plic_flow flow = {.last_ns = 1};
	struct gate_stand stand;
	struct fault f = {0};

	bed_enter(0, &home);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct plic_flow_key key = {.remote = {[10] = 0xff, 0xff, 10, 77, 0, 1},
					    .remote_port = cases[i].remote,
					    .local_port = cases[i].local,
					    .proto = IPPROTO_UDP};

		fds[n++] = udp_socket(cases[i].local, cases[i].remote);
		if (cases[i].beside)
			fds[n++] = udp_socket(cases[i].local, 0);
		if (cases[i].client)
			assert_int_equal(bpf_map_update_elem(clients, &key, &flow, BPF_ANY), 0);
	}
	netns_leave(&home);
	must(gate_stand(s->gate, true, &stand, &f), &f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (lists(stand.inbound, stand.n_inbound, IPPROTO_UDP, cases[i].local) !=
		    cases[i].inbound)
			fail_msg("%u to %u is taken for %s", cases[i].local, cases[i].remote,
				 cases[i].inbound ? "the pod's own" : "inbound");
	gate_stand_free(&stand);
	while (n)
		close(fds[--n]);
	close(clients);
}

/* What the pod sent from a port before it got the tombstone of a gate that came is forgotten. */
static void forgets_what_is_drained(void **state)
{
	struct scene *s = *state;
	struct ruleset set = bed_rules(2, NULL, 0, (uint16_t[]){9095, 9096}, 2);
	struct plic_flow flow = {.last_ns = 1};
	struct fault f = {0};

	for (size_t i = 0; i < set.n_cells; i++)
		if (set.cells[i].rule.n_grants == 1 && set.cells[i].rule.grants[0].license == 1)
			set.cells[i].rule.grants[0] = (struct plic_grant){
				.cut_at_ns = 5, .ended_reason = PLIC_REASON_UNLICENSED};
	for (uint16_t port = 9094; port < 12000; port++) {
		struct plic_flow_key key = {
			.remote = {1}, .remote_port = 7, .local_port = port, .proto = IPPROTO_UDP};

		bpf_map_update_elem(s->gate->map[GATE_FLOWS], &key, &flow, BPF_ANY);
		key.proto = IPPROTO_TCP;
		bpf_map_update_elem(s->gate->map[GATE_FLOWS], &key, &flow, BPF_ANY);
	}
	must(gate_forget_drained(s->gate, &set, &f), &f);
	for (uint16_t port = 9094; port < 12000; port++) {
		struct plic_flow_key key = {
			.remote = {1}, .remote_port = 7, .local_port = port, .proto = IPPROTO_TCP};
		bool drained = port == 9095 || port == 9096;

		assert_int_equal(bpf_map_lookup_elem(s->gate->map[GATE_FLOWS], &key, &flow), 0);
		key.proto = IPPROTO_UDP;
		assert_int_equal(bpf_map_lookup_elem(s->gate->map[GATE_FLOWS], &key, &flow),
				 drained ? -ENOENT : 0);
	}
	ruleset_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(enlarges_counters), CASE(keeps_sums),	  CASE(prunes_denials),
		CASE(sees_what_stands),	 CASE(tells_udp_servers), CASE(forgets_what_is_drained),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
