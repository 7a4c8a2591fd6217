/* SPDX-License-Identifier: MIT */
/* box.c - see box.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "box.h"

static void die(const char *what)
{
	printf("not ok - %s: %s\n", what, strerror(errno));
	exit(1);
}

static void skip(const char *why)
{
	printf("skip: %s: %s\n", why, strerror(errno));
	exit(77);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, args) : 0;
}

static int inner_map(const char *name, size_t value_size, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, value_size, n, &opts);

	if (fd < 0)
		die("inner map");
	return fd;
}

static void put_inner(struct bpf_map *outer, int fd)
{
	uint32_t id = BOX_GATE;

	if (bpf_map_update_elem(bpf_map__fd(outer), &id, &fd, BPF_ANY))
		die("outer map");
}

static int box_ifindex;

/*
 * A veth called "box" with the MAC address of the frames: on lo, which a test run takes by default, some
 * refusals are of another kind.
 */
static void make_interface(void)
{
	char buffer[8192];
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	struct nlattr *info;

	msg->nlmsg_type = RTM_NEWLINK;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	msg->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(msg, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(msg, IFLA_IFNAME, "box");
	mnl_attr_put(msg, IFLA_ADDRESS, sizeof(frame_mac), frame_mac);
	info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
	mnl_attr_put_strz(msg, IFLA_INFO_KIND, "veth");
	mnl_attr_nest_end(msg, info);
	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_sendto(socket, msg, msg->nlmsg_len) < 0 ||
	    mnl_cb_run(buffer, mnl_socket_recvfrom(socket, buffer, sizeof(buffer)), 1, 0, NULL,
		       NULL) < 0)
		skip("no veth");
	mnl_socket_close(socket);
	box_ifindex = if_nametoindex("box");
}

void box_open(struct box *box)
{
	if (geteuid() != 0) {
		errno = EPERM;
		skip("needs root");
	}
	if (unshare(CLONE_NEWNET))
		skip("no network namespace of its own");
	libbpf_set_print(quiet);
	make_interface();
	box->n_cpus = libbpf_num_possible_cpus();
	box->skel = gate_bpf__open();
	if (!box->skel)
		die("open the programs");
	box->skel->rodata->plic_gate_id = BOX_GATE;
	box->skel->rodata->plic_n_cpus = box->n_cpus;
	if (gate_bpf__load(box->skel))
		die("load the programs");
	box->traffic =
		inner_map("traffic", sizeof(struct plic_traffic), BOX_SLOTS * (box->n_cpus + 1));
	put_inner(box->skel->maps.plic_traffic, box->traffic);
}

void box_close(struct box *box)
{
	close(box->traffic);
	gate_bpf__destroy(box->skel);
}

void box_publish(struct box *box, const struct plic_header *header,
		 const struct plic_rule *default_rule, const struct ruleset_port *ports, size_t n)
{
	box_publish_interim(box, header, default_rule, ports, n, NULL);
}

void box_publish_interim(struct box *box, const struct plic_header *header,
			 const struct plic_rule *default_rule, const struct ruleset_port *ports,
			 size_t n, const struct ruleset_interim *interim)
{
	struct plic_slot slots[BOX_SLOTS] = {};
	struct ruleset set;
	struct fault fault;
	int fd;

	if (ruleset_build(header, default_rule, ports, n, slots, BOX_SLOTS, interim, &set,
			  &fault)) {
		printf("not ok - rule set: %s\n", fault.text);
		exit(1);
	}
	fd = inner_map("set", sizeof(struct plic_cell), set.n_cells);
	for (uint32_t i = 0; i < set.n_cells; i++)
		if (bpf_map_update_elem(fd, &i, &set.cells[i], BPF_ANY))
			die("cell");
	put_inner(box->skel->maps.plic_sets, fd);
	close(fd);
	ruleset_free(&set);
}

void box_unpublish(struct box *box)
{
	uint32_t id = BOX_GATE;

	bpf_map_delete_elem(bpf_map__fd(box->skel->maps.plic_sets), &id);
}

uint64_t box_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * BOX_SECOND + t.tv_nsec;
}

static uint64_t relative(int64_t t)
{
	if (t == 0 || (uint64_t)t == PLIC_NEVER)
		return t;
	if (t < 0 && box_now() <= (uint64_t)-t)
		return 1; /* before boot */
	return box_now() + t;
}

struct plic_rule box_rule(int64_t from, int64_t new_until, int64_t cut_at)
{
	return (struct plic_rule){.n_grants = 1,
				  .grants = {{.from_ns = relative(from),
					      .new_until_ns = relative(new_until),
					      .cut_at_ns = relative(cut_at),
					      .lapse = PLIC_BLOCK_NEW,
					      .ended_reason = PLIC_REASON_LAPSED}}};
}

static struct box_run run(struct bpf_program *prog, const void *frame, size_t len,
			  struct __sk_buff *skb)
{
	struct box_run run = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len,
		    .data_out = run.out, .data_size_out = sizeof(run.out), .ctx_in = skb,
		    .ctx_size_in = sizeof(*skb));

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts)) {
		run.verdict = BOX_NO_RUN;
		return run;
	}
	run.verdict = opts.retval;
	run.out_len = opts.data_size_out;
	return run;
}

struct box_run box_run(struct bpf_program *prog, const struct frame *f, uint32_t gso_segs)
{
	struct __sk_buff skb = {
		.ifindex = box_ifindex, .gso_segs = gso_segs, .gso_size = gso_segs ? 1000 : 0};

	return run(prog, f->bytes, f->len, &skb);
}

struct box_run box_run_on_lo(struct bpf_program *prog, const struct frame *f)
{
	return box_run_noted(prog, f, PLIC_SENDER_NOTED);
}

struct box_run box_run_noted(struct bpf_program *prog, const struct frame *f, uint32_t note)
{
	struct __sk_buff skb = {.ifindex = 1, .cb[0] = note};

	return run(prog, f->bytes, f->len, &skb);
}

int box_verdict(struct bpf_program *prog, const struct frame_spec *spec)
{
	struct frame f;

	frame_build(spec, &f);
	return box_run(prog, &f, 0).verdict;
}

static void delete_all(struct bpf_map *map)
{
	char key[64];

	while (!bpf_map_get_next_key(bpf_map__fd(map), NULL, key))
		bpf_map_delete_elem(bpf_map__fd(map), key);
}

void box_clear(struct box *box)
{
	struct plic_traffic none = {};
	size_t size = bpf_map__value_size(box->skel->maps.plic_budget);
	void *budgets = calloc(box->n_cpus, size);
	uint32_t zero = 0;

	for (uint32_t i = 0; i < BOX_SLOTS * (uint32_t)(box->n_cpus + 1); i++)
		bpf_map_update_elem(box->traffic, &i, &none, BPF_ANY);
	delete_all(box->skel->maps.plic_denials);
	delete_all(box->skel->maps.plic_flows);
	delete_all(box->skel->maps.plic_clients);
	delete_all(box->skel->maps.plic_marks);
	if (!budgets ||
	    bpf_map_update_elem(bpf_map__fd(box->skel->maps.plic_budget), &zero, budgets, BPF_ANY))
		die("budget");
	free(budgets);
	box->skel->bss->plic_marked = 0;
}

static void count_traffic(struct box *box, struct box_counts *out)
{
	for (uint32_t i = 0; i < BOX_SLOTS * (uint32_t)(box->n_cpus + 1); i++) {
		struct plic_traffic lane, *t = &out->traffic[i / (box->n_cpus + 1)];

		if (bpf_map_lookup_elem(box->traffic, &i, &lane))
			die("traffic");
		t->packets += lane.packets;
		t->bytes += lane.bytes;
		t->connections += lane.connections;
		if (lane.last_ns > t->last_ns)
			t->last_ns = lane.last_ns;
		out->allowed += lane.packets;
	}
}

void box_counts(struct box *box, struct box_counts *out)
{
	int fd = bpf_map__fd(box->skel->maps.plic_denials);
	struct plic_denial_key *previous = NULL, key;

	memset(out, 0, sizeof(*out));
	count_traffic(box, out);
	while (out->n_denials < 2048 && !bpf_map_get_next_key(fd, previous, &key)) {
		struct plic_denial d;

		previous = &out->keys[out->n_denials];
		*previous = key;
		if (bpf_map_lookup_elem(fd, &key, &d))
			continue;
		out->denials[out->n_denials++] = d;
		if (key.verdict == PLIC_AUDIT)
			out->audit += d.packets;
		else
			out->denied += d.packets;
	}
}
