/* SPDX-License-Identifier: MIT */
/* test_shield.c - the shield on the interfaces of a gate: put on, kept there, found again, taken off. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "pins.h"
#include "scene.h"

/* The program that an interface of the pod has in native mode; 0: none. */
static uint32_t native(const char *name)
{
	_netns_home_ int home = -1;
	uint32_t id = 0;

	bed_enter(0, &home);
	bpf_xdp_query_id((int)if_nametoindex(name), XDP_FLAGS_DRV_MODE, &id);
	return id;
}

/* eth0's pinned link. */
static int open_link(struct pins_link *info)
{
	_free_ char *dir = pins_path(bed_bpffs(), "gates/g");
	char name[32];
	int link;

	{
		_netns_home_ int home = -1;

		bed_enter(0, &home);
		snprintf(name, sizeof(name), "shield_%u", if_nametoindex("eth0"));
	}
	link = pins_get(dir, name);
	assert_true(link >= 0);
	assert_int_equal(pins_link_info(link, info), 0);
	return link;
}

static void put_up(struct scene *s)
{
	struct fault f = {0};

	must(gate_shield(s->gate, GATE_SHIELD_ALL, &f), &f);
	assert_string_equal(f.text, "");
	assert_true(gate_shielded(s->gate));
	assert_int_not_equal(native("eth0"), 0);
}

static size_t present(struct gate *gate, size_t *n)
{
	struct gate_attachment *list;
	struct fault f = {0};
	size_t n_list, there = 0;

	must(gate_attachments(gate, &list, &n_list, &f), &f);
	*n = 0;
	for (size_t i = 0; i < n_list; i++) {
		*n += list[i].hook == HOOK_SHIELD;
		there += list[i].hook == HOOK_SHIELD && list[i].present;
		assert_false(list[i].hook == HOOK_SHIELD &&
			     (strcmp(list[i].kind, "xdp") || list[i].overtaken));
	}
	free(list);
	return there;
}

static void stands_and_goes(void **state)
{
	struct scene *s = *state;
	size_t pins = bed_count_pins("gates/g"), n;
	struct fault f = {0};

	assert_int_equal(present(s->gate, &n), 0);
	assert_int_equal(n, 0);
	put_up(s);
	put_up(s); /* once more is no other thing */
	assert_int_equal(present(s->gate, &n), 1);
	assert_int_equal(n, 1);
	assert_int_equal(native("lo"), 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
	assert_int_equal(peer_tcp(HOST, POD_V6, 8080), 0);
	/* As long as wire has refusals to give, the client still learns at once. */
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	assert_int_equal(peer_udp(HOST, POD_V4, 6000), ECONNREFUSED);
	must(gate_shield(s->gate, GATE_SHIELD_OFF, &f), &f);
	assert_int_equal(native("eth0"), 0);
	assert_false(gate_shielded(s->gate));
	assert_int_equal(bed_count_pins("gates/g"), pins + 1); /* the count of drops goes on */
}

static void put_back_when_removed(void **state)
{
	struct scene *s = *state;
	struct pins_link info;
	_close_ int link = -1;
	struct gate_sweep sweep;
	struct fault f = {0};
	size_t n;

	put_up(s);
	link = open_link(&info);
	assert_int_equal(bpf_link_detach(link), 0);
	assert_int_equal(present(s->gate, &n), 0);
	assert_int_equal(n, 1);
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.restored[HOOK_SHIELD], 1);
	assert_int_equal(sweep.unprotected_ns, 0); /* wire stood there all along */
	assert_int_equal(present(s->gate, &n), 1);
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.restored[HOOK_SHIELD], 0);
}

static void covers_new_interfaces(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep;
	struct fault f = {0};
	size_t n;

	put_up(s);
	bed_pod_run(0, "ip link add d0 type veth peer name d1");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.restored[HOOK_SHIELD], 0);
	assert_int_equal(present(s->gate, &n), 3);
	bed_pod_run(0, "ip link del d0");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(present(s->gate, &n), 1);
	assert_int_equal(n, 1);
}

/* A gate that is taken over has the same link with the new program, and it is never off in between. */
static void adopted_in_place(void **state)
{
	struct scene *s = *state;
	struct pins_link before, after;
	struct fault f = {0};
	uint32_t old;

	put_up(s);
	close(open_link(&before));
	old = native("eth0");
	gate_close(s->gate);
	assert_int_equal(native("eth0"), old);
	s->gate = bed_gate(s->node, "g", 0, 99, &s->set);
	assert_true(gate_shielded(s->gate));
	close(open_link(&after));
	assert_int_equal(after.id, before.id);
	assert_int_not_equal(native("eth0"), old);
	assert_int_equal(native("eth0"), after.prog_id);
	must(gate_remove(s->gate, &f), &f);
	s->gate = NULL;
	assert_int_equal(native("eth0"), 0);
}

/* With another address on the interface the old program would see nothing that is for it. */
static void follows_the_address(void **state)
{
	struct scene *s = *state;
	struct pins_link before, after;
	struct gate_sweep sweep;
	struct fault f = {0};

	put_up(s);
	close(open_link(&before));
	bed_pod_run(0, "ip link set eth0 address 02:00:00:00:77:02");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(sweep.restored[HOOK_SHIELD], 0);
	close(open_link(&after));
	assert_int_equal(after.id, before.id);
	assert_int_not_equal(after.prog_id, before.prog_id);
}

static void moved_away(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep;
	struct fault f = {0};
	size_t n;

	put_up(s);
	bed_pod(1);
	bed_pod_run(0, "ip link set eth0 netns /tmp/pod1");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(present(s->gate, &n), 0);
	assert_int_equal(n, 0);
	bed_pod_run(1, "! ip link show eth0 | grep -q xdp");
	bed_pod_run(1, "ip link set eth0 netns /tmp/pod0");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(present(s->gate, &n), 1);
}

static int foreign(void)
{
	static const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	_netns_home_ int home = -1;
	_close_ int prog = bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", pass, 2, NULL);

	bed_enter(0, &home);
	return bpf_link_create(prog, (int)if_nametoindex("eth0"), BPF_XDP, NULL);
}

static void says_why_not(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep;
	struct fault f = {0};
	int link = foreign();

	assert_true(link >= 0);
	assert_true(gate_shield(s->gate, GATE_SHIELD_ALL, &f) < 0);
	assert_non_null(strstr(f.text, "\"eth0\" of gate \"g\" can't have a shield: another"));
	assert_false(gate_shielded(s->gate));
	bpf_link_detach(link);
	close(link);
	bed_run("ip link set h0 mtu 9000");
	assert_true(gate_shield(s->gate, GATE_SHIELD_ALL, &f) < 0);
	assert_non_null(strstr(f.text, "MTU"));
	bed_run("ip link set h0 mtu 1500");
	/* One that can't is told of, and doesn't keep the others from it. */
	bed_pod_run(0, "ip link add d0 type veth peer name d1 && ip link set d1 mtu 9000");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	must(gate_shield(s->gate, GATE_SHIELD_ALL, &f), &f);
	assert_non_null(strstr(f.text, "\"d0\" of gate \"g\" can't have a shield: its MTU"));
	assert_int_not_equal(native("eth0"), 0);
	assert_int_not_equal(native("d1"), 0);
	assert_int_equal(native("d0"), 0);
}

static void set_gro(bool on)
{
	_netns_home_ int home = -1;
	_close_ int fd = -1;
	struct ethtool_value gro = {.cmd = ETHTOOL_SGRO, .data = on};
	struct ifreq request = {.ifr_name = "eth0", .ifr_data = (void *)&gro};

	bed_enter(0, &home);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(fd, SIOCETHTOOL, &request), 0);
}

/* A veth that doesn't poll takes no XDP frames; one that does may. */
static void only_where_frames_come(void **state)
{
	struct scene *s = *state;
	struct gate_sweep sweep;
	struct fault f = {0};

	set_gro(false);
	assert_true(gate_shield(s->gate, GATE_SHIELD_FRAMES, &f) < 0);
	assert_non_null(strstr(f.text, "\"eth0\" of gate \"g\" gets no XDP frames"));
	assert_int_equal(native("eth0"), 0);
	set_gro(true);
	must(gate_shield(s->gate, GATE_SHIELD_FRAMES, &f), &f);
	assert_string_equal(f.text, "");
	assert_int_not_equal(native("eth0"), 0);
	bed_pod_run(0, "ip link add d0 type veth peer name d1");
	must(gate_sweep(s->gate, &sweep, &f), &f);
	assert_int_equal(native("d0") + native("d1"), 0);
	must(gate_shield(s->gate, GATE_SHIELD_ALL, &f), &f);
	assert_int_not_equal(native("d0"), 0);
}

static void nowhere_to_stand(void **state)
{
	struct scene *s = *state;
	struct ruleset set = bed_rule_port(1, 8080);
	struct fault f = {0};
	struct gate *gate;

	bed_pod(1);
	gate = bed_gate(s->node, "bare", 1, 8, &set);
	assert_true(gate_shield(gate, GATE_SHIELD_ALL, &f) < 0);
	assert_non_null(strstr(f.text, "no Ethernet interface"));
	must(gate_remove(gate, &f), &f);
	ruleset_free(&set);
}

/* What nothing admits now counts, what a limit turned away does not. */
static void tells_a_flood(void **state)
{
	static const struct plic_denial_key others[] = {
		{.proto = 6, .port = 1, .reason = PLIC_REASON_RATE, .verdict = PLIC_DENIED},
		{.proto = 6, .port = 1, .reason = PLIC_REASON_UNLICENSED, .verdict = PLIC_AUDIT},
		{.proto = 47, .reason = PLIC_REASON_PROTOCOL, .verdict = PLIC_DENIED},
		{.proto = 17, .port = 1, .reason = PLIC_REASON_LAPSED, .verdict = PLIC_DENIED},
	};
	const struct plic_denial ten = {.packets = 10};
	struct scene *s = *state;
	struct gate_flood flood;
	struct fault f = {0};

	must(gate_flood(s->gate, &flood, &f), &f);
	assert_int_equal(flood.denied + flood.shielded, 0);
	assert_int_equal(peer_tcp(HOST, POD_V4, 9090), ECONNREFUSED);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		bpf_map_update_elem(s->gate->map[GATE_DENIALS], &others[i], &ten, BPF_ANY);
	must(gate_flood(s->gate, &flood, &f), &f);
	assert_int_equal(flood.denied, 1 + 10);
	assert_int_equal(flood.shielded, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(stands_and_goes),	CASE(put_back_when_removed),  CASE(covers_new_interfaces),
		CASE(adopted_in_place), CASE(follows_the_address),    CASE(moved_away),
		CASE(says_why_not),	CASE(only_where_frames_come), CASE(nowhere_to_stand),
		CASE(tells_a_flood),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
