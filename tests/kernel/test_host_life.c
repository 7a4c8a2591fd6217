/* SPDX-License-Identifier: MIT */
/* test_host_life.c - the gate of a cgroup over time, and beside others. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "cgrouptree.h"
#include "group.h"
#include "host_scene.h"
#include "pins.h"

static void adopts_without_a_gap(void **state)
{
	struct scene *s = *state;
	struct peer_loop open, shut;
	uint32_t before = s->gate->host_prog_id[HOST_INGRESS];
	uint64_t since = gate_since_ns(s->gate), packets;
	int host = link_id("host"), bind4 = link_id("bind4");
	struct plic_gate about;
	struct ruleset back = {0};
	struct fault f = {0};

	peer_loop_start(&open, POD_V4, 8080);
	peer_loop_start(&shut, POD_V4, 9090);
	peer_loop_wait(&open, 5);
	for (int i = 0; i < 3; i++) {
		packets = allowed_packets(s->gate, 1);
		gate_close(s->gate);
		s->gate = NULL;
		node_close(s->node);
		s->node = bed_node();
		must(gate_peek(s->node, "g", &about, &back, &f), &f);
		assert_int_equal(about.id, 7);
		assert_int_equal(about.netns_ino, 0);
		assert_true(about.cgroup_id > 0);
		ruleset_free(&back);
		s->gate = host_gate(s, "g", group_make("a"), 99, &s->set);
		assert_true(packets > 0 && allowed_packets(s->gate, 1) >= packets);
		peer_loop_wait(&open, 5);
	}
	peer_loop_stop(&open);
	peer_loop_stop(&shut);
	assert_int_equal(open.count->refused + open.count->other, 0);
	assert_int_equal(shut.count->good, 0);
	assert_int_equal(gate_id(s->gate), 7);
	assert_int_equal(gate_since_ns(s->gate), since);
	assert_int_not_equal(s->gate->host_prog_id[HOST_INGRESS], before);
	assert_int_equal(link_id("host"), host);
	assert_int_equal(link_id("bind4"), bind4);
	assert_int_equal(bed_count_pins("gates/g"), GATE_N_MAPS + HOST_N_LINKS);
}

static void puts_back_what_was_removed(void **state)
{
	struct scene *s = *state;
	_free_ char *pin = pins_path(bed_bpffs(), "gates/g/bind6");
	struct gate_attachment *list;
	struct gate_sweep sweep;
	struct fault f = {0};
	size_t n;

	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.restored[HOOK_HOST] + sweep.restored[HOOK_BIND], 0);
	assert_int_equal(bpf_link_detach(s->gate->socket), 0);
	assert_int_equal(unlink(pin), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), 0);
	must(gate_attachments(s->gate, &list, &n, &f), &f);
	assert_int_equal(n, HOST_N_LINKS);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(list[i].present, i != HOST_INGRESS && i != HOST_BIND6);
	free(list);
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_false(sweep.dead);
	assert_int_equal(sweep.restored[HOOK_HOST], 1);
	assert_int_equal(sweep.restored[HOOK_BIND], 1);
	assert_int_equal(sweep.restored[HOOK_EGRESS] + sweep.restored[HOOK_LEDGER], 0);
	assert_true(sweep.unprotected_ns > 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ETIMEDOUT);
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.restored[HOOK_HOST] + sweep.restored[HOOK_BIND], 0);
}

static void finds_the_dead(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep = {0};
	struct fault f = {0};

	peer_stop(s->server);
	group_remove("a");
	for (int i = 0; i < 200 && !sweep.dead; i++) {
		must(gate_sweep(s->gate, &sweep, &f), &f);
		usleep(50000); /* cgroups are taken down by a worker */
	}
	assert_true(sweep.dead);
	group_make("a"); /* the same path, another cgroup */
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_true(sweep.dead);
	must(gate_remove(s->gate, &f), &f);
	s->gate = NULL;
	assert_int_equal(bed_count_pins("gates"), 0);
	group_join("a");
	s->server = peer_serve(0, tcp_ports, 2, udp_ports, 2);
	group_join(NULL);
	s->gate = host_gate(s, "g", group_make("a"), 8, &s->set);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ETIMEDOUT);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
}

static void both_gates_judge(void **state)
{
	static const uint16_t ports[] = {8081, 9091};
	struct scene *s = *state;
	struct ruleset outer = bed_rules(1, (const uint16_t[]){8080, 8081}, 2, NULL, 0);
	struct ruleset inner = bed_rules(1, (const uint16_t[]){8081, 9091}, 2, NULL, 0);
	struct fault f = {0};
	struct gate *gate;
	pid_t nested;

	group_make("a/b");
	gate = host_gate(s, "h", group_make("a/b"), 8, &inner);
	group_join("a/b");
	assert_int_equal(host_bind(AF_INET, SOCK_STREAM, 9091), EPERM); /* the outer one's */
	group_join(NULL);
	must(gate_apply(s->gate, &outer, &f), &f);
	group_join("a/b");
	assert_int_equal(host_bind(AF_INET, SOCK_STREAM, 8080), EPERM); /* the inner one's */
	assert_int_equal(host_bind(AF_INET, SOCK_STREAM, 8081), 0);
	must(gate_remove(gate, &f), &f);
	gate = NULL;
	must(gate_apply(s->gate, &inner, &f), &f);
	nested = peer_serve(0, ports, 2, NULL, 0);
	group_join(NULL);
	must(gate_apply(s->gate, &outer, &f), &f);
	gate = host_gate(s, "h", group_make("a/b"), 8, &inner);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8081), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9091), ETIMEDOUT);
	assert_denied(s->gate, 9091, 1);
	assert_int_equal(denied_connections(gate, 9091), 0);
	assert_true(allowed_packets(s->gate, 2) > 0 && allowed_packets(gate, 1) > 0);
	peer_stop(nested);
	must(gate_remove(gate, &f), &f);
	ruleset_free(&outer);
	ruleset_free(&inner);
}

/* An ingress program of somebody else, in the old way that says whether it bears others beside it. */
static void foreign(const char *cgroup, unsigned int flags, bool detach)
{
	static const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_CGROUP_INET_INGRESS);
	static int prog = -1;
	int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (prog < 0)
		prog = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "foreign", "MIT", pass, 2, &opts);
	assert_true(prog >= 0 && fd >= 0);
	if (detach)
		assert_int_equal(bpf_prog_detach2(prog, fd, BPF_CGROUP_INET_INGRESS), 0);
	else
		assert_int_equal(bpf_prog_attach(prog, fd, BPF_CGROUP_INET_INGRESS, flags), 0);
	close(fd);
}

static void stands_beside_others(void **state)
{
	struct scene *s = *state;
	struct gate_spec spec = {.name = "h", .id = 8};
	struct gate *gate = NULL;
	struct fault f = {0};

	foreign(group_make("a"), BPF_F_ALLOW_MULTI, false);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ETIMEDOUT);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	foreign(group_make("a"), 0, true);
	group_make("c");
	foreign(group_make("c"), 0, false);
	spec.cgroup = group_make("c");
	assert_int_equal(gate_open(s->node, &spec, &s->set, &gate, &f), -EPERM);
	assert_non_null(strstr(f.text, "BPF_F_ALLOW_MULTI"));
	assert_int_equal(bed_count_pins("gates/h"), 0);
	foreign(group_make("c"), 0, true);
	group_remove("c");
}

static void tells_cgroups_from_others(void **state)
{
	_free_ char *path = NULL, *name = NULL;
	char found[256];
	struct fault f = {0};
	uint64_t id, again;

	(void)state;
	must(cgroup_resolve(group_make("a"), &path, &f), &f);
	assert_string_equal(path, group_make("a"));
	must(cgroup_id(path, &id, &f), &f);
	assert_int_equal(cgroup_find(id, found, sizeof(found)), 0);
	assert_string_equal(found, path);
	assert_int_equal(cgroup_id("/tmp", &id, &f), -EINVAL);
	assert_int_equal(cgroup_id("/tmp/nowhere", &id, &f), -ENOENT);
	assert_int_equal(cgroup_resolve("no/such/cgroup", &name, &f), -ENOENT);
	assert_false(cgroup_is_root(path));
	assert_false(cgroup_holds_us(path));
	group_join("a");
	assert_true(cgroup_holds_us(path));
	group_join(NULL);
	group_make("c");
	must(cgroup_id(group_make("c"), &id, &f), &f);
	group_remove("c");
	assert_true(cgroup_find(id, found, sizeof(found)) < 0);
	group_make("c");
	must(cgroup_id(group_make("c"), &again, &f), &f);
	assert_true(again != id);
	group_remove("c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST_CASE(adopts_without_a_gap), HOST_CASE(puts_back_what_was_removed),
		HOST_CASE(finds_the_dead),	 HOST_CASE(both_gates_judge),
		HOST_CASE(stands_beside_others), HOST_CASE(tells_cgroups_from_others),
	};

	if (!bed_init() || !group_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
