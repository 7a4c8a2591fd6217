/* SPDX-License-Identifier: MIT */
/* test_cut.c - the sockets that stand on ports whose right is over are ended, and no others. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "scene.h"
#include "sockdiag.h"

#define OWN_PORT 9500

int __real_sockdiag_destroy(const struct sock_entry *e);
int __wrap_sockdiag_destroy(const struct sock_entry *e);

static bool kernel_cannot;

int __wrap_sockdiag_destroy(const struct sock_entry *e)
{
	return kernel_cannot ? -EOPNOTSUPP : __real_sockdiag_destroy(e);
}

static unsigned int cut(struct gate *gate, const uint16_t *ports, size_t n)
{
	uint8_t set[65536 / 8] = {0};
	struct fault f = {0};
	unsigned int n_cut = 0;

	for (size_t i = 0; i < n; i++)
		set[ports[i] / 8] |= (uint8_t)(1U << ports[i] % 8);
	must(gate_cut(gate, set, &n_cut, &f), &f);
	return n_cut;
}

/* What the peer learns without having sent anything. */
static int told(int fd)
{
	struct timeval limit = {.tv_sec = 1};
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return recv(fd, &c, 1, 0) < 0 ? errno : 0;
}

/* A TCP socket in the pod; family AF_INET6: for both. */
static int pod_socket(int family, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int home = -1, on = 1, fd;

	bed_enter(0, &home);
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof(v4))
					   : bind(fd, (struct sockaddr *)&v6, sizeof(v6)),
			 0);
	netns_leave(&home);
	return fd;
}

static int state_of(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_state;
}

static struct ruleset licensed(uint64_t generation)
{
	static const uint16_t ports[] = {8080, 8081, OWN_PORT};

	return bed_rules(generation, ports, ARRAY_SIZE(ports), NULL, 0);
}

/* IPv4, IPv6 and IPv4 on an IPv6 socket; accepted or not. */
static void resets_the_peers(void **state)
{
	static const uint16_t ports[] = {8080, 8081};
	struct scene *s = *state;
	struct ruleset set = licensed(2);
	struct fault f = {0};
	int plain, peers[4];

	must(gate_apply(s->gate, &set, &f), &f);
	plain = pod_socket(AF_INET, 8081);
	assert_int_equal(listen(plain, 4), 0);
	peers[0] = peer_connect(HOST, POD_V4, 8081); /* stays in the listener's queue */
	peers[1] = peer_connect(HOST, POD_V4, 8080);
	peers[2] = peer_connect(HOST, POD_V6, 8080);
	peers[3] = peer_connect(0, "127.0.0.1", 8080);
	for (int i = 1; i < 4; i++)
		assert_int_equal(peer_echo(peers[i]), 0);
	assert_int_equal(cut(s->gate, (uint16_t[]){9090}, 1), 0);
	assert_int_equal(peer_echo(peers[1]), 0);
	assert_int_equal(cut(s->gate, ports, 2), 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(told(peers[i]), ECONNRESET);
		close(peers[i]);
	}
	assert_int_equal(cut(s->gate, ports, 2), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0); /* the listener stands */
	close(plain);
	ruleset_free(&set);
}

/* On the way up and on the way down; what has ended or only listens isn't counted. */
static void ends_every_state(void **state)
{
	struct scene *s = *state;
	struct ruleset set = licensed(2);
	struct fault f = {0};
	int listener, wait = 5, one, two, three, first, second;

	must(gate_apply(s->gate, &set, &f), &f);
	listener = pod_socket(AF_INET6, 8081);
	assert_int_equal(listen(listener, 4), 0);
	one = peer_connect(HOST, POD_V4, 8081);
	first = accept(listener, NULL, NULL);
	shutdown(one, SHUT_WR);
	two = peer_connect(HOST, POD_V6, 8081);
	second = accept(listener, NULL, NULL);
	shutdown(second, SHUT_WR);
	setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &wait, sizeof(wait));
	three = peer_connect(HOST, POD_V4, 8081); /* SYN_RECV until it speaks */
	assert_true(three >= 0);
	usleep(50000);
	assert_int_equal(state_of(first), TCP_CLOSE_WAIT);
	assert_int_equal(state_of(second), TCP_FIN_WAIT2);
	assert_int_equal(cut(s->gate, (uint16_t[]){8081}, 1), 3);
	assert_int_equal(state_of(first), TCP_CLOSE);
	assert_int_equal(state_of(second), TCP_CLOSE);
	assert_int_equal(peer_echo(three), ECONNRESET);
	assert_int_equal(cut(s->gate, (uint16_t[]){8081}, 1), 0);
	close(one);
	close(two);
	close(three);
	close(first);
	close(second);
	close(listener);
	ruleset_free(&set);
}

static int connect_out(uint16_t local, const char *address, uint16_t port, bool wait)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct timeval limit = {.tv_sec = wait ? 1 : 0, .tv_usec = 20000};
	int fd = pod_socket(AF_INET, local);

	inet_pton(AF_INET, address, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* connect() too */
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), wait ? 0 : -1);
	return fd;
}

/* Its own, from a port of the set: also after a restart, and while it is still being opened. */
static void spares_the_pods_own(void **state)
{
	struct scene *s = *state;
	struct ruleset set = licensed(2);
	struct plic_mark_key key;
	struct plic_mark other = {.cookie = 1};
	struct gate_stand stand;
	struct fault f = {0};
	int out, trying;
	pid_t server;

	must(gate_apply(s->gate, &set, &f), &f);
	server = far_begin(4444);
	out = connect_out(OWN_PORT, FAR_V4, 4444, true);
	trying = connect_out(8081, "10.77.0.200", 4444, false);
	assert_int_equal(state_of(trying), TCP_SYN_SENT);
	assert_int_equal(cut(s->gate, (uint16_t[]){OWN_PORT, 8081}, 2), 0);
	must(gate_stand(s->gate, false, &stand, &f), &f); /* keeps the markers of what lives */
	gate_stand_free(&stand);
	gate_close(s->gate);
	s->gate = bed_gate(s->node, "g", 0, 7, &set);
	assert_int_equal(cut(s->gate, (uint16_t[]){OWN_PORT, 8081}, 2), 0);
	assert_int_equal(peer_echo(out), 0);

	/* A marker of another socket with the same ports and addresses spares nothing. */
	assert_int_equal(bpf_map_get_next_key(s->gate->map[GATE_MARKS], NULL, &key), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			bpf_map_update_elem(s->gate->map[GATE_MARKS], &key, &other, BPF_EXIST), 0);
		if (bpf_map_get_next_key(s->gate->map[GATE_MARKS], &key, &key))
			break;
	}
	assert_int_equal(cut(s->gate, (uint16_t[]){OWN_PORT}, 1), 1);

	/* And it goes when somebody looks, for there is no such socket. */
	must(gate_stand(s->gate, false, &stand, &f), &f);
	gate_stand_free(&stand);
	assert_int_not_equal(bpf_map_get_next_key(s->gate->map[GATE_MARKS], NULL, &key), 0);
	assert_int_equal(told(out), ECONNABORTED);
	close(out);
	close(trying);
	far_end(server);
	ruleset_free(&set);
}

/* A kernel without SOCK_DESTROY says so, and nothing is counted. */
static void tells_what_the_kernel_lacks(void **state)
{
	struct scene *s = *state;
	uint8_t set[65536 / 8] = {[8080 / 8] = 1U << 8080 % 8};
	struct fault f = {0};
	unsigned int n = 7;
	int peer = peer_connect(HOST, POD_V4, 8080);

	kernel_cannot = true;
	assert_int_equal(gate_cut(s->gate, set, &n, &f), -EOPNOTSUPP);
	kernel_cannot = false;
	assert_int_equal(n, 0);
	assert_non_null(strstr(f.text, "CONFIG_INET_DIAG_DESTROY"));
	assert_int_equal(peer_echo(peer), 0);
	close(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(resets_the_peers),
		CASE(ends_every_state),
		CASE(spares_the_pods_own),
		CASE(tells_what_the_kernel_lacks),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
