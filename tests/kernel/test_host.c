/* SPDX-License-Identifier: MIT */
/* test_host.c - the gate of a cgroup over real traffic: what reaches its processes, and what they do. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "group.h"
#include "host_scene.h"

static void judges_listeners(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "::1", POD_V4, POD_V6};
	struct scene *s = *state;

	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	assert_int_equal(peer_tcp(HOST, POD_V6, 8080), 0);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ETIMEDOUT);
	assert_int_equal(peer_tcp(HOST, POD_V6, 9090), ETIMEDOUT);
	assert_int_equal(peer_udp(HOST, POD_V4, 6000), ETIMEDOUT);
	assert_denied(s->gate, 9090, 2);
	assert_int_equal(denied_connections(s->gate, 6000), 1);
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		assert_int_equal(peer_tcp(0, addresses[i], 8080), 0);
		assert_int_equal(peer_udp(0, addresses[i], 5353), 0);
		assert_int_equal(peer_tcp(0, addresses[i], 9090), ETIMEDOUT);
	}
	assert_denied(s->gate, 9090, 2 + ARRAY_SIZE(addresses));
	assert_int_equal(peer_tcp(HOST, POD_V4, OUTSIDER), 0);
	assert_int_equal(peer_udp(HOST, POD_V4, OUTSIDER), 0);
}

static void counts_connections_and_peers(void **state)
{
	struct scene *s = *state;
	struct gate_counters c;
	struct gate_peer *peers;
	struct fault f = {0};
	size_t n;

	for (int i = 0; i < 5; i++)
		assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0);
	c = counters(s->gate);
	assert_int_equal(c.traffic[1].connections, 5);
	assert_true(c.traffic[1].packets >= 5 * 3 && c.traffic[1].bytes >= 5 * 3 * 40);
	assert_int_equal(c.traffic[2].connections, 1);
	assert_int_equal(c.traffic[2].packets, 1);
	assert_int_equal(c.traffic[2].bytes, 20 + 8 + 1);
	gate_counters_free(&c);
	must(gate_peers(s->gate, 0, &peers, &n, &f), &f);
	assert_int_equal(n, 2);
	assert_int_equal(peers[0].port, 8080);
	assert_int_equal(peers[1].port, 5353);
	if (node_features(s->node)->tracing)
		assert_int_equal(peers[0].connections, 5);
	free(peers);
}

/* A datagram that comes in several fragments, which the stack has joined by then. */
static int long_udp(const char *address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;
	struct timeval limit = {.tv_sec = 1};
	char bytes[4000] = {0};

	inet_pton(AF_INET, address, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(sendto(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&to, sizeof(to)),
			 sizeof(bytes));
	r = recv(fd, bytes, 1, 0) == 1 ? 0 : errno;
	close(fd);
	return r;
}

static void judges_what_came_in_fragments(void **state)
{
	struct scene *s = *state;

	assert_int_equal(long_udp(POD_V4, 5353), 0);
	assert_int_equal(long_udp(POD_V4, 6000), EAGAIN);
	assert_int_equal(denied_connections(s->gate, 6000), 1);
}

/* In pod 0. A machine without nft skips the test. */
static void nat(const char *chain, const char *rule)
{
	char command[512];

	if (system("command -v nft > /dev/null") != 0)
		skip();
	snprintf(command, sizeof(command),
		 "nft add table ip t && nft 'add chain ip t c { %s; }' && nft add rule ip t c %s",
		 chain, rule);
	bed_pod_run(0, command);
}

static void sees_the_port_after_nat(void **state)
{
	struct scene *s = *state;

	nat("type nat hook prerouting priority -100", "tcp dport 8080 redirect to :9090");
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), ETIMEDOUT);
	assert_denied(s->gate, 9090, 1);
}

/* UDP without a peer: only the flow table can tell the answer from a stranger. */
static int unconnected_udp(const char *address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct timeval limit = {.tv_sec = 1};
	int home = -1, fd, r;
	char c = 'x';

	bed_enter(0, &home);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	netns_leave(&home);
	inet_pton(AF_INET, address, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(sendto(fd, &c, 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	r = recv(fd, &c, 1, 0) == 1 ? 0 : errno;
	close(fd);
	return r;
}

/* Pod 1 behind pod 0, with servers; what follows is done by processes of the cgroup. */
static pid_t serve_beyond(void)
{
	static const uint16_t ports[] = {4000};
	pid_t server;

	bed_pod(1);
	server = peer_serve(1, ports, 1, ports, 1);
	bed_pod_run(1, "ip link add h1 type veth peer name e1 && ip link set h1 netns /tmp/pod0 && "
		       "ip addr add 10.78.0.2/24 dev e1 && ip link set e1 up");
	bed_pod_run(0, "ip addr add 10.78.0.1/24 dev h1 && ip link set h1 up && "
		       "ip route add default via 10.78.0.2");
	usleep(100000);
	group_join("a");
	return server;
}

static void end_beyond(pid_t server)
{
	group_join(NULL);
	peer_stop(server);
	bed_delete_pod(1);
}

static void leaves_its_own_clients_alone(void **state)
{
	pid_t server = serve_beyond();

	(void)state;
	assert_int_equal(peer_tcp(0, "10.78.0.2", 4000), 0);
	assert_int_equal(peer_udp(0, "10.78.0.2", 4000), 0);
	assert_int_equal(unconnected_udp("10.78.0.2", 4000), 0);
	/* Those of others on the same machine, too. */
	assert_int_equal(peer_tcp(0, "127.0.0.1", OUTSIDER), 0);
	assert_int_equal(peer_udp(0, "127.0.0.1", OUTSIDER), 0);
	assert_int_equal(unconnected_udp("127.0.0.1", OUTSIDER), 0);
	end_beyond(server);
}

/* A service's address that NAT on the way out leads to a server. */
static void knows_answers_behind_nat(void **state)
{
	pid_t server;

	(void)state;
	nat("type nat hook output priority -100", "ip daddr 10.96.0.10 dnat to 10.78.0.2");
	server = serve_beyond();
	assert_int_equal(peer_tcp(0, "10.96.0.10", 4000), 0);
	assert_int_equal(peer_udp(0, "10.96.0.10", 4000), 0);
	assert_int_equal(unconnected_udp("10.96.0.10", 4000), 0);
	end_beyond(server);
}

/* A port that nobody asked for: `bind` doesn't see it. */
static void judges_what_was_never_bound(void **state)
{
	int home = -1, fd;

	(void)state;
	bed_pod_run(0, "echo 9091 9091 > /proc/sys/net/ipv4/ip_local_port_range");
	group_join("a");
	bed_enter(0, &home);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(listen(fd, 8), 0);
	netns_leave(&home);
	group_join(NULL);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9091), ETIMEDOUT);
	close(fd);
}

static uint64_t denied_for(struct gate *gate, enum plic_reason reason)
{
	struct gate_counters c = counters(gate);
	uint64_t n = 0;

	for (size_t i = 0; i < c.n_denials; i++)
		if (c.denials[i].key.reason == reason)
			n += c.denials[i].count.connections;
	gate_counters_free(&c);
	return n;
}

static struct ruleset in_mode(uint64_t generation, enum plic_mode mode)
{
	struct ruleset set = bed_rules(generation, tcp_ports, 1, udp_ports, 1);

	set.cells[PLIC_CELL_HEADER].header.mode = mode;
	set.cells[PLIC_CELL_DEFAULT].rule.mode = mode;
	return set;
}

static void refuses_binds(void **state)
{
	struct scene *s = *state;
	struct ruleset audit = in_mode(2, PLIC_AUDIT_MODE), off = in_mode(3, PLIC_OFF);
	struct gate_counters c;
	struct fault f = {0};

	group_join("a");
	assert_int_equal(host_bind(AF_INET, SOCK_STREAM, 9091), EPERM);
	assert_int_equal(host_bind(AF_INET6, SOCK_STREAM, 9091), EPERM);
	assert_int_equal(host_bind(AF_INET, SOCK_DGRAM, 9091), EPERM);
	assert_int_equal(host_bind(AF_INET6, SOCK_DGRAM, 9091), EPERM);
	assert_int_equal(host_bind(AF_INET, SOCK_STREAM, 0), 0);
	assert_int_equal(host_bind(AF_INET6, SOCK_DGRAM, 0), 0);
	assert_int_equal(host_bind(AF_INET, SOCK_DGRAM, 8080), EPERM); /* licensed for TCP */
	must(gate_apply(s->gate, &audit, &f), &f);
	assert_int_equal(host_bind(AF_INET, SOCK_STREAM, 9091), 0);
	must(gate_apply(s->gate, &off, &f), &f);
	assert_int_equal(host_bind(AF_INET, SOCK_STREAM, 9091), 0);
	group_join(NULL);
	c = counters(s->gate);
	assert_int_equal(c.binds[PLIC_DENIED], 5);
	assert_int_equal(c.binds[PLIC_AUDIT], 1);
	gate_counters_free(&c);
	ruleset_free(&audit);
	ruleset_free(&off);
}

static void audits(void **state)
{
	struct scene *s = *state;
	struct ruleset audit = in_mode(2, PLIC_AUDIT_MODE);
	struct gate_counters c;
	struct fault f = {0};
	uint64_t n = 0;

	must(gate_apply(s->gate, &audit, &f), &f);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), 0);
	assert_int_equal(peer_udp(HOST, POD_V4, 6000), 0);
	c = counters(s->gate);
	for (size_t i = 0; i < c.n_denials; i++) {
		assert_int_equal(c.denials[i].key.verdict, PLIC_AUDIT);
		assert_int_equal(c.denials[i].key.reason, PLIC_REASON_UNLICENSED);
		n += c.denials[i].key.port ? c.denials[i].count.connections : 0;
	}
	assert_int_equal(n, 2);
	gate_counters_free(&c);
	ruleset_free(&audit);
}

/* Of senders on lo those in the cgroup are known, and nobody else is. */
static void asks_who_it_is(void **state)
{
	struct scene *s = *state;
	struct ruleset home = bed_rules(2, tcp_ports, 1, udp_ports, 1);
	struct fault f = {0};

	for (uint32_t i = PLIC_CELL_FIRST_FREE; i < home.n_cells; i++)
		if (home.cells[i].rule.n_grants == 1 && home.cells[i].rule.grants[0].license == 1) {
			home.cells[i].rule.flags = PLIC_RULE_NARROW;
			home.cells[i].rule.origins =
				1 << PLIC_ORIGIN_SAME_CONTAINER | 1 << PLIC_ORIGIN_SIBLING;
		}
	must(gate_apply(s->gate, &home, &f), &f);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), ETIMEDOUT);
	assert_int_equal(peer_tcp(0, "127.0.0.1", 8080), ETIMEDOUT);
	assert_int_equal(peer_udp(0, "127.0.0.1", 5353), ETIMEDOUT);
	assert_true(denied_for(s->gate, PLIC_REASON_ORIGIN) >= 3);
	group_join("a");
	assert_int_equal(peer_tcp(0, "127.0.0.1", 8080), 0);
	assert_int_equal(peer_tcp(0, "::1", 8080), 0);
	assert_int_equal(peer_tcp(0, POD_V4, 8080), 0);
	assert_int_equal(peer_udp(0, "127.0.0.1", 5353), 0);
	group_join(NULL);
	ruleset_free(&home);
}

static struct ruleset until(uint64_t generation, uint64_t new_until, uint64_t cut_at)
{
	struct ruleset set = bed_rule_port(generation, 8080);

	for (uint32_t i = PLIC_CELL_FIRST_FREE; i < set.n_cells; i++)
		if (set.cells[i].rule.n_grants == 1 && set.cells[i].rule.grants[0].license == 1) {
			set.cells[i].rule.grants[0].new_until_ns = new_until;
			set.cells[i].rule.grants[0].cut_at_ns = cut_at;
			return set;
		}
	fail_msg("no rule");
	return set;
}

/* At the deadline by itself; connections stay until theirs, then their packets are dropped. */
static void ends_by_the_clock(void **state)
{
	struct scene *s = *state;
	uint64_t now = boot_now_ns();
	struct ruleset drain = until(2, now + 500000000, PLIC_NEVER);
	struct ruleset cut = until(3, now, now);
	struct ruleset back = bed_rule_port(4, 8080);
	struct fault f = {0};
	int fd = peer_connect(HOST, POD_V4, 8080);

	assert_true(fd >= 0);
	must(gate_apply(s->gate, &drain, &f), &f);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	gate_close(s->gate);
	s->gate = NULL;
	usleep(600000);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), ETIMEDOUT);
	assert_int_equal(peer_echo(fd), 0);
	s->gate = host_gate(s, "g", group_make("a"), 99, &cut);
	assert_int_equal(peer_echo(fd), ETIMEDOUT);
	must(gate_apply(s->gate, &back, &f), &f);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	close(fd);
	ruleset_free(&drain);
	ruleset_free(&cut);
	ruleset_free(&back);
}

static void cuts_connections(void **state)
{
	struct scene *s = *state;
	uint8_t ports[65536 / 8] = {0};
	struct fault f = {0};
	unsigned int n = 0;
	int fd = peer_connect(HOST, POD_V4, 8080), own, other;

	other = peer_connect(HOST, POD_V4, OUTSIDER);
	group_join("a");
	own = peer_connect(0, "127.0.0.1", OUTSIDER);
	group_join(NULL);
	assert_true(fd >= 0 && own >= 0 && other >= 0);
	memset(ports, 0xff, sizeof(ports));
	must(gate_mark(s->gate, ports, &f), &f);
	must(gate_cut(s->gate, ports, &n, &f), &f);
	assert_int_equal(n, 1);
	assert_int_equal(peer_echo(fd), ECONNRESET);
	assert_int_equal(peer_echo(own), 0);
	assert_int_equal(peer_echo(other), 0);
	close(fd);
	close(own);
	close(other);
}

/* A connection of its own from a port that has a rule, and one that came in on the same ports later. */
static void marks_its_own(void **state)
{
	struct scene *s = *state;
	uint64_t now = boot_now_ns();
	struct ruleset wide = bed_rules(2, (const uint16_t[]){8080, 9500}, 2, NULL, 0);
	struct ruleset shut = bed_rules(3, (const uint16_t[]){8080, 9500}, 2, NULL, 0);
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(9500)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(OUTSIDER)};
	struct timeval limit = {.tv_sec = 1};
	struct fault f = {0};
	int home = -1, fd;

	for (uint32_t i = PLIC_CELL_FIRST_FREE; i < shut.n_cells; i++)
		if (shut.cells[i].rule.n_grants == 1 && shut.cells[i].rule.grants[0].license == 1)
			shut.cells[i].rule.grants[0].new_until_ns =
				shut.cells[i].rule.grants[0].cut_at_ns = now;
	must(gate_apply(s->gate, &wide, &f), &f);
	group_join("a");
	bed_enter(0, &home);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	netns_leave(&home);
	group_join(NULL);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(peer_echo(fd), 0);
	must(gate_apply(s->gate, &shut, &f), &f);
	assert_int_equal(peer_echo(fd), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), ETIMEDOUT);
	assert_int_equal(allowed_packets(s->gate, 2), 0);
	close(fd);
	ruleset_free(&wide);
	ruleset_free(&shut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST_CASE(judges_listeners),
		HOST_CASE(counts_connections_and_peers),
		HOST_CASE(judges_what_came_in_fragments),
		HOST_CASE(sees_the_port_after_nat),
		HOST_CASE(leaves_its_own_clients_alone),
		HOST_CASE(refuses_binds),
		HOST_CASE(knows_answers_behind_nat),
		HOST_CASE(judges_what_was_never_bound),
		HOST_CASE(audits),
		HOST_CASE(ends_by_the_clock),
		HOST_CASE(cuts_connections),
		HOST_CASE(marks_its_own),
		HOST_CASE(asks_who_it_is),
	};

	if (!bed_init() || !group_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
