/* SPDX-License-Identifier: MIT */
/* bed.c - a machine of its own for a test. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "bed.h"
#include "peer.h"

#define DIR "/tmp"
#define BPFFS DIR "/bpf"
#define TREE BPFFS "/portlic"

static bool cannot(const char *why)
{
	printf("1..0 # SKIP %s: %s\n", why, strerror(errno));
	return false;
}

bool bed_init(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		return cannot("namespaces need root");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", DIR, "tmpfs", 0, NULL) < 0)
		return cannot("no mount of our own");
	if (mkdir(BPFFS, 0700) < 0 || mount("bpf", BPFFS, "bpf", 0, NULL) < 0)
		return cannot("no bpf file system");
	bed_run("ip link set lo up");
	return true;
}

struct node *bed_node(void)
{
	struct node *node = NULL;
	struct fault f = {0};

	if (node_open(TREE, &node, &f) < 0)
		fail_msg("node_open: %s", f.text);
	/* As on a kernel before 6.6. */
	if (getenv("PORTLIC_TEST_CLSACT"))
		node->features.tcx = false;
	return node;
}

const char *bed_bpffs(void)
{
	return TREE;
}

void bed_end(struct node *node)
{
	struct fault f = {0};

	node_close(node);
	if (node_cleanup(TREE, &f) < 0)
		fail_msg("node_cleanup: %s", f.text);
	assert_int_equal(access(TREE, F_OK), -1);
	for (int i = 0; i < 64; i++)
		bed_delete_pod(i);
}

static const char *pod_path(int number)
{
	static char path[64];

	snprintf(path, sizeof(path), DIR "/pod%d", number);
	return path;
}

/* The carrier and IPv6 take a moment; the first packets of a test must not be lost on them. */
static void connect_pod(void)
{
	/* The old one goes with its namespace, but only after a while. */
	bed_run("ip link del h0 2>/dev/null; ip link add h0 type veth peer name eth0 && ip link "
		"set eth0 netns " DIR "/pod0 && "
		"ip addr add " HOST_V4 "/24 dev h0 && ip addr add fd77::1/64 dev h0 nodad && "
		"ip link set h0 up");
	bed_pod_run(0, "ip addr add " POD_V4 "/24 dev eth0 && "
		       "ip addr add " POD_V6 "/64 dev eth0 nodad && ip link set eth0 up");
	for (int i = 0;
	     peer_tcp(HOST, POD_V4, 1) != ECONNREFUSED || peer_tcp(HOST, POD_V6, 1) != ECONNREFUSED;
	     i++)
		assert_true(i < 10);
}

const char *bed_pod(int number)
{
	const char *path = pod_path(number);
	int home = netns_open_current();
	int fd = open(path, O_CREAT | O_RDONLY | O_CLOEXEC, 0600);

	assert_true(home >= 0 && fd >= 0);
	close(fd);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL), 0);
	bed_run("ip link set lo up");
	netns_leave(&home);
	if (number == 0)
		connect_pod();
	return pod_path(number);
}

void bed_delete_pod(int number)
{
	const char *path = pod_path(number);

	umount2(path, MNT_DETACH);
	unlink(path);
}

void bed_run(const char *command)
{
	if (system(command) != 0) /* NOLINT(cert-env33-c) */
		fail_msg("failed: %s", command);
}

void bed_enter(int number, int *home)
{
	struct fault f = {0};

	if (netns_enter(pod_path(number), 0, home, &f) < 0)
		fail_msg("%s", f.text);
}

void bed_pod_run(int number, const char *command)
{
	int home = -1;

	bed_enter(number, &home);
	bed_run(command);
	netns_leave(&home);
}

struct ruleset bed_rules(uint64_t generation, const uint16_t *tcp, size_t n_tcp,
			 const uint16_t *udp, size_t n_udp)
{
	const struct plic_header header = {.generation = generation};
	const struct plic_rule deny = {.mode = PLIC_ENFORCE};
	size_t n = n_tcp + n_udp;
	struct ruleset_port *ports = calloc(n + 1, sizeof(*ports));
	struct plic_slot *slots = calloc(n + 1, sizeof(*slots));
	struct ruleset set = {0};
	struct fault f = {0};

	for (size_t i = 0; i < n; i++) {
		uint16_t port = i < n_tcp ? tcp[i] : udp[i - n_tcp];

		ports[i] = (struct ruleset_port){
			.port = port,
			.end_port = port,
			.ip_proto = i < n_tcp ? IPPROTO_TCP : IPPROTO_UDP,
			.slot = (uint16_t)(i + 1),
			.rule = {.n_grants = 1,
				 .grants[0] = {.new_until_ns = PLIC_NEVER,
					       .cut_at_ns = PLIC_NEVER,
					       .license = 1,
					       .ended_reason = PLIC_REASON_LAPSED}},
		};
		slots[i + 1] = (struct plic_slot){port, port, ports[i].ip_proto, {0}};
	}
	if (ruleset_build(&header, &deny, ports, n, slots, n + 1, NULL, &set, &f) < 0)
		fail_msg("ruleset_build: %s", f.text);
	free(ports);
	free(slots);
	return set;
}

struct ruleset bed_rule_port(uint64_t generation, uint16_t tcp)
{
	return bed_rules(generation, &tcp, 1, NULL, 0);
}

struct gate *bed_gate(struct node *node, const char *name, int number, uint32_t id,
		      const struct ruleset *set)
{
	struct gate_spec spec = {.name = name, .netns = pod_path(number), .id = id};
	struct gate *gate = NULL;
	struct fault f = {0};

	if (gate_open(node, &spec, set, &gate, &f) < 0)
		fail_msg("gate_open: %s", f.text);
	return gate;
}

static size_t n_pins;

static int count_pin(const char *path, const struct stat *st, int type, struct FTW *at)
{
	n_pins += at->level > 0;
	return 0;
}

size_t bed_count_pins(const char *below)
{
	char path[256];

	snprintf(path, sizeof(path), TREE "/%s", below);
	n_pins = 0;
	nftw(path, count_pin, 8, FTW_PHYS);
	return n_pins;
}
