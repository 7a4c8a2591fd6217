/* SPDX-License-Identifier: MIT */
/* test_kubelet.c - a cgroup that plays the kubelet's: found, followed, and its connections told from all others. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "group.h"
#include "host_scene.h"
#include "kubelet.h"
#include "seats.h"

#define LINE 4711
#define NAMED_SIZE 64

/* Path of a group in the hierarchy. */
static const char *named(const char *group)
{
	static char path[NAMED_SIZE];

	snprintf(path, sizeof(path), "/portlic-%d/%s", getpid(), group);
	return path;
}

/* 8080/TCP is licensed with one seat, 9090/TCP isn't; both are probed. */
static struct ruleset probed(void)
{
	const struct plic_header header = {.generation = 5};
	const struct plic_rule none = {.mode = PLIC_ENFORCE};
	const struct rule_limits limits = {.grants[0] = {.line = LINE, .seats = 1}};
	const struct rule_limits none_of_them = {0};
	struct ruleset_port ports[2] = {
		{.port = 8080,
		 .end_port = 8080,
		 .ip_proto = IPPROTO_TCP,
		 .slot = 1,
		 .limits = &limits},
		{.port = 9090,
		 .end_port = 9090,
		 .ip_proto = IPPROTO_TCP,
		 .slot = 2,
		 .limits = &none_of_them},
	};
	struct plic_slot slots[3] = {
		{0}, {8080, 8080, IPPROTO_TCP, {0}}, {9090, 9090, IPPROTO_TCP, {0}}};
	struct ruleset set;
	struct fault f = {0};

	ports[0].rule = (struct plic_rule){
		.n_grants = 1,
		.flags = PLIC_RULE_LIMITS | PLIC_RULE_SEATS | PLIC_RULE_PROBE,
		.grants[0] = {.new_until_ns = PLIC_NEVER, .cut_at_ns = PLIC_NEVER}};
	ports[1].rule = (struct plic_rule){.flags = PLIC_RULE_PROBE};
	must(ruleset_build(&header, &none, ports, 2, slots, 3, NULL, &set, &f), &f);
	return set;
}

static void apply(struct gate *gate)
{
	struct ruleset set = probed();
	struct fault f = {0};

	must(gate_apply(gate, &set, &f), &f);
	ruleset_free(&set);
}

static int find(const char *group, struct kubelet_place *out, struct fault *f)
{
	*f = (struct fault){0};
	return kubelet_find(group, out, f);
}

static void follow(struct node *node)
{
	_cleanup_(kubelet_place_free) struct kubelet_place place = {0};
	struct fault f = {0};

	group_make("k");
	must(find(named("k"), &place, &f), &f);
	must(kubelet_follow(node, &place, &f), &f);
}

/* What the kubelet does: from its group. */
static int ask(int from, const char *address, uint16_t port)
{
	int r;

	group_join("k");
	r = peer_tcp(from, address, port);
	group_join(NULL);
	return r;
}

static int ask_and_hold(int from, const char *address, uint16_t port)
{
	int fd;

	group_join("k");
	fd = peer_connect(from, address, port);
	group_join(NULL);
	return fd;
}

static void leave(struct node *node)
{
	struct fault f = {0};

	must(kubelet_leave(node, false, &f), &f);
	group_remove("k");
}

/* ---- who it is ---- */

/* A process in a group, NULL: in none, until it is stopped; called NAME. */
static pid_t process(const char *group, const char *name)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	if (group)
		group_join(group);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		(void)!write(ready[1], "x", 1);
		pause();
		_exit(0);
	}
	if (group)
		group_join(NULL);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void finds_a_named_one(void **state)
{
	_cleanup_(kubelet_place_free) struct kubelet_place place = {0};
	struct fault f = {0};
	pid_t pid;

	assert_int_equal(find(named("none"), &place, &f), -ENOENT);
	assert_int_equal(find("/", &place, &f), -EOPNOTSUPP);
	assert_non_null(strstr(f.text, "top of the hierarchy"));
	group_make("k");
	assert_int_equal(find(named("k"), &place, &f), 0);
	assert_false(kubelet_is_anew(&place));
	pid = process("k", "anything");
	kubelet_place_free(&place);
	assert_int_equal(find(named("k"), &place, &f), 0);
	peer_stop(pid);
	group_make("k/b");
	pid = process("k/b", "anything");
	kubelet_place_free(&place);
	assert_int_equal(find(named("k"), &place, &f), -EBUSY);
	assert_non_null(strstr(f.text, named("k/b")));
	assert_null(place.path);
	peer_stop(pid);
	group_remove("k/b");
	must(find(named("k"), &place, &f), &f);
	group_remove("k");
	group_make("k");
	assert_true(kubelet_is_anew(&place));
	group_remove("k");
}

static void finds_it_by_its_process(void **state)
{
	_cleanup_(kubelet_place_free) struct kubelet_place place = {0}, other = {0};
	struct fault f = {0};
	pid_t pid, second;

	group_make("k");
	assert_int_equal(find(NULL, &place, &f), -ENOENT);
	pid = process("k", "kubelet");
	must(find(NULL, &place, &f), &f);
	must(find(named("k"), &other, &f), &f);
	assert_int_equal(place.id, other.id);
	second = process("k", "sshd");
	kubelet_place_free(&place);
	assert_int_equal(find(NULL, &place, &f), -EBUSY);
	assert_non_null(strstr(f.text, "holds others"));
	peer_stop(second);
	group_make("a");
	second = process("a", "kubelet");
	assert_int_equal(find(NULL, &place, &f), -ENOTUNIQ);
	assert_non_null(strstr(f.text, "kubelet_cgroup"));
	peer_stop(second);
	peer_stop(pid);
	pid = process(NULL, "kubelet");
	assert_int_equal(find(NULL, &place, &f), -EOPNOTSUPP);
	peer_stop(pid);
	/* What a pod calls its process makes it no kubelet. */
	group_make("kubepods");
	pid = process("kubepods", "kubelet");
	assert_int_equal(find(NULL, &place, &f), -ENOENT);
	peer_stop(pid);
	group_remove("kubepods");
	group_remove("a");
	group_remove("k");
}

/* ---- what it opens ---- */

static void tells_its_connections(void **state)
{
	struct scene *s = *state;
	struct gate_counters c;

	apply(s->gate);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	follow(s->node);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ask(HOST, POD_V4, 9090), 0);
		assert_int_equal(ask(HOST, POD_V6, 9090), 0);
		assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
		assert_int_equal(peer_tcp(HOST, POD_V6, 9090), ECONNREFUSED);
	}
	assert_int_equal(ask(0, POD_V4, 9090), ECONNREFUSED); /* from inside */
	assert_int_equal(ask(0, "127.0.0.1", 9090), ECONNREFUSED);
	c = counters(s->gate);
	assert_int_equal(c.traffic[2].connections, node_features(s->node)->tracing ? 20 : 0);
	gate_counters_free(&c);
	leave(s->node);
}

/* The agent may be gone: the link and the gate are pinned. */
static void outlives_the_agent(void **state)
{
	struct scene *s = *state;
	struct ruleset set;

	apply(s->gate);
	follow(s->node);
	gate_close(s->gate);
	node_close(s->node);
	assert_int_equal(ask(HOST, POD_V4, 9090), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	s->node = bed_node();
	set = probed();
	s->gate = bed_gate(s->node, "g", 0, 7, &set);
	ruleset_free(&set);
	follow(s->node); /* the same place again */
	assert_int_equal(ask(HOST, POD_V4, 9090), 0);
	leave(s->node);
	group_make("k");
	assert_int_equal(ask(HOST, POD_V4, 9090), ECONNREFUSED);
	group_remove("k");
}

static void misses_its_program(void **state)
{
	struct scene *s = *state;
	_cleanup_(kubelet_place_free) struct kubelet_place place = {0};
	struct fault f = {0};

	follow(s->node);
	must(find(named("k"), &place, &f), &f);
	assert_int_equal(kubelet_seen(s->node, &place, &f), 0);
	assert_int_equal(kubelet_leave(s->node, true, &f), 0);
	assert_int_equal(kubelet_seen(s->node, &place, &f), -ENOENT);
	leave(s->node);
}

/* Its port may be another process's a moment later. */
static void knows_what_has_ended(void **state)
{
	struct scene *s = *state;
	struct plic_mark_key key, next;
	struct plic_probe probe;
	int map = s->node->map[NODE_PROBES], fd, n = 0;

	apply(s->gate);
	follow(s->node);
	fd = ask_and_hold(HOST, POD_V4, 9090);
	assert_true(fd >= 0);
	assert_int_equal(peer_echo(fd), 0);
	assert_int_equal(bpf_map_get_next_key(map, NULL, &key), 0);
	assert_int_equal(bpf_map_lookup_elem(map, &key, &probe), 0);
	assert_int_equal(key.local_port, 9090);
	assert_int_equal(probe.gate, PLIC_NODE_WIDE);
	assert_int_equal(probe.taken, s->gate->id + 1);
	assert_int_equal(probe.closed_ns, 0);
	close(fd);
	assert_int_equal(ask(HOST, POD_V4, 9090), 0);
	/* One that is refused has ended, too. */
	assert_int_equal(ask(HOST, POD_V4, 9091), ECONNREFUSED);
	usleep(100000);
	for (int r = bpf_map_get_next_key(map, NULL, &next); r == 0;
	     r = bpf_map_get_next_key(map, &key, &next), n++) {
		key = next;
		assert_int_equal(bpf_map_lookup_elem(map, &key, &probe), 0);
		assert_true(probe.closed_ns >= probe.opened_ns);
	}
	assert_int_equal(n, 3);
	leave(s->node);
}

/* ---- what it is spared ---- */

static void holds_no_seat(void **state)
{
	struct scene *s = *state;
	struct seats_gate at = {.gate = s->gate};
	struct plic_usage_key usage = {
		.line = LINE, .owner = s->gate->id, .port = 8080, .proto = IPPROTO_TCP};
	struct plic_seats seats = {0};
	struct fault f = {0};
	int fd[3];

	apply(s->gate);
	follow(s->node);
	for (int i = 0; i < 3; i++) {
		fd[i] = ask_and_hold(HOST, i % 2 ? POD_V6 : POD_V4, 8080);
		assert_true(fd[i] >= 0);
		assert_int_equal(peer_echo(fd[i]), 0);
	}
	must(seats_round(s->node, &at, 1, true, &f), &f);
	assert_int_equal(at.result, 0);
	assert_int_equal(at.cut, 0);
	bpf_map_lookup_elem(s->node->map[NODE_SEATS], &usage, &seats);
	assert_int_equal(seats.used, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(peer_echo(fd[i]), 0);
		close(fd[i]);
	}
	leave(s->node);
}

static void is_not_cut(void **state)
{
	static uint8_t ports[65536 / 8];
	struct scene *s = *state;
	struct fault f = {0};
	unsigned int n_cut = 0;
	int client = peer_connect(HOST, POD_V4, 8080), fd;

	assert_true(client >= 0);
	apply(s->gate);
	follow(s->node);
	fd = ask_and_hold(HOST, POD_V4, 8080);
	assert_true(fd >= 0);
	assert_int_equal(peer_echo(fd), 0);
	ports[8080 / 8] |= 1U << 8080 % 8;
	if (gate_cut(s->gate, ports, &n_cut, &f) != -EOPNOTSUPP)
		assert_int_equal(n_cut, 1);
	assert_int_equal(peer_echo(fd), 0);
	close(client);
	close(fd);
	leave(s->node);
}

/* ---- of a host-network pod ---- */

static void tells_them_on_a_cgroup(void **state)
{
	struct scene *s = *state;
	struct gate_counters c;

	apply(s->gate);
	follow(s->node);
	assert_int_equal(ask(0, "127.0.0.1", 9090), 0);
	assert_int_equal(ask(0, POD_V6, 9090), 0);
	assert_int_equal(ask(HOST, POD_V4, 9090), 0);
	assert_int_equal(peer_tcp(0, "127.0.0.1", 9090), ETIMEDOUT);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ETIMEDOUT);
	c = counters(s->gate);
	assert_int_equal(c.traffic[2].connections, 3);
	gate_counters_free(&c);
	leave(s->node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_named_one),
		cmocka_unit_test(finds_it_by_its_process),
		CASE(tells_its_connections),
		CASE(outlives_the_agent),
		CASE(misses_its_program),
		CASE(knows_what_has_ended),
		CASE(holds_no_seat),
		CASE(is_not_cut),
		HOST_CASE(tells_them_on_a_cgroup),
	};

	if (!bed_init() || !group_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
