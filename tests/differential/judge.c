/* SPDX-License-Identifier: MIT */
/*
 * judge.c - the gate's programs as something to be asked, for differential.py: see judge.h.
 *
 * What time it is, is ours to say: the programs read the boot clock once a jiffy and keep it in
 * plic_clock. A time that is put beside the present jiffy there holds to that jiffy's end.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "box.h"
#include "io.h"
#include "judge.h"
#include "layout.h"
#include "state.h"

struct tick { /* struct plic_tick */
	__u64 jiffies, boot_ns;
};

static struct box box;
static uint64_t jiffies; /* the last that was seen */
static uint32_t n_lanes;

static void set_clock(uint64_t now)
{
	static struct tick *ticks;
	uint32_t zero = 0;

	if (!ticks)
		ticks = calloc(box.n_cpus, sizeof(*ticks));
	for (int i = 0; ticks && i < box.n_cpus; i++)
		ticks[i] = (struct tick){.jiffies = now ? jiffies : 0, .boot_ns = now};
	if (!ticks || bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_clock), &zero, ticks, 0))
		die("clock");
}

static uint64_t get_clock(void)
{
	static struct tick *ticks;
	uint32_t zero = 0;
	int cpu = sched_getcpu();

	if (!ticks)
		ticks = calloc(box.n_cpus, sizeof(*ticks));
	if (!ticks || bpf_map_lookup_elem(bpf_map__fd(box.skel->maps.plic_clock), &zero, ticks))
		die("clock");
	jiffies = ticks[cpu].jiffies;
	return ticks[cpu].boot_ns;
}

/* Full budgets and no notes of the packet before: those are of one jiffy, and no model knows that. */
static void clear_budget(void)
{
	static void *budgets;
	uint32_t zero = 0;
	struct bpf_map *map = box.skel->maps.plic_budget;

	if (!budgets)
		budgets = calloc(box.n_cpus, bpf_map__value_size(map));
	if (!budgets || bpf_map_update_elem(bpf_map__fd(map), &zero, budgets, BPF_ANY))
		die("budget");
}

static int ask_socket(const struct lookup *l)
{
	struct bpf_sk_lookup ctx = {.family = l->family,
				    .protocol = l->proto,
				    .remote_port = htons(l->remote_port),
				    .local_port = l->local_port};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	if (l->family == AF_INET) {
		memcpy(&ctx.remote_ip4, l->remote, 4);
		memcpy(&ctx.local_ip4, l->local, 4);
	} else {
		memcpy(ctx.remote_ip6, l->remote, 16);
		memcpy(ctx.local_ip6, l->local, 16);
	}
	if (bpf_prog_test_run_opts(bpf_program__fd(box.skel->progs.plic_socket), &opts))
		return BOX_NO_RUN;
	return opts.retval;
}

static struct box_run ask(const struct question *q, const struct frame *f)
{
	struct bpf_program *program = q->program == PROGRAM_WIRE ? box.skel->progs.plic_wire
								 : box.skel->progs.plic_egress;
	struct box_run run = {};

	if (q->program != PROGRAM_SOCKET)
		return q->on_lo ? box_run_on_lo(program, f) : box_run(program, f, q->gso_segs);
	run.verdict = ask_socket((const struct lookup *)f->bytes);
	return run;
}

/* Takes the counters that moved, and puts them back to zero. */
static uint32_t take_allowed(struct count *to)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	static const struct plic_traffic none;
	static struct plic_traffic *lanes;
	static uint32_t *keys;
	uint32_t n = n_lanes, batch, found = 0;

	if (!lanes) {
		lanes = calloc(n_lanes, sizeof(*lanes));
		keys = calloc(n_lanes, sizeof(*keys));
	}
	if (!lanes || !keys ||
	    (bpf_map_lookup_batch(box.traffic, NULL, &batch, keys, lanes, &n, &opts) &&
	     errno != ENOENT))
		die("traffic");
	for (uint32_t i = 0; i < n; i++) {
		if (!memcmp(&lanes[i], &none, sizeof(none)))
			continue;
		if (found < BOX_SLOTS)
			to[found++] =
				(struct count){.key.slot = keys[i] / (box.n_cpus + 1),
					       .moved = {lanes[i].packets, lanes[i].bytes,
							 lanes[i].connections, lanes[i].last_ns}};
		bpf_map_update_elem(box.traffic, &keys[i], &none, BPF_ANY);
	}
	return found;
}

static uint32_t take_denied(struct count *to)
{
	int fd = bpf_map__fd(box.skel->maps.plic_denials);
	struct plic_denial_key key;
	uint32_t found = 0;

	while (!bpf_map_get_next_key(fd, NULL, &key)) {
		struct count c = {.key = key};

		if (bpf_map_lookup_elem(fd, &key, &c.moved) || bpf_map_delete_elem(fd, &key))
			die("denials");
		if (c.moved.packets && found < BOX_SLOTS)
			to[found++] = c;
	}
	return found;
}

static void judge(const struct question *q, const struct frame *f)
{
	static struct count counts[2 * BOX_SLOTS];
	struct answer a = {};
	struct box_run run;

	clear_budget();
	set_clock(q->now_ns);
	run = ask(q, f);
	a.now_ns = get_clock();
	a.verdict = run.verdict;
	a.n_counts = take_allowed(counts);
	a.n_counts += take_denied(counts + a.n_counts);
	if (run.out_len != f->len || memcmp(run.out, f->bytes, f->len))
		a.len = run.out_len;
	put(&a, sizeof(a));
	put(counts, a.n_counts * sizeof(*counts));
	put(run.out, a.len);
}

/* Takes the jiffy that it is, so that the first question's time holds. */
static void wind_clock(void)
{
	struct frame f = {.len = ETH_HLEN + sizeof(struct iphdr), .bytes = {[12] = 8}};
	struct count dropped[BOX_SLOTS];

	set_clock(0);
	box_run(box.skel->progs.plic_wire, &f, 0);
	get_clock();
	take_denied(dropped);
}

static void judge_all(const uint8_t *bytes, uint32_t n)
{
	static struct frame f;
	struct question q;

	wind_clock();
	while (n--) {
		memcpy(&q, bytes, sizeof(q));
		if (q.len > sizeof(f.bytes))
			die("frame");
		memcpy(f.bytes, bytes + sizeof(q), q.len);
		f.len = q.len;
		judge(&q, &f);
		bytes += sizeof(q) + q.len;
	}
}

static void serve(const struct request *r, const uint8_t *bytes)
{
	if (r->op == OP_SET)
		state_set_rules((const struct plic_cell *)bytes, r->n, r->table);
	else if (r->op == OP_WRITE)
		state_write(r->table, bytes, r->n);
	else if (r->op == OP_DUMP)
		state_dump(r->table);
	else if (r->op == OP_SOCKETS)
		put_u32(state_set_sockets(bytes, r->n));
	else
		judge_all(bytes, r->n);
	fflush(stdout);
}

/* Counters and times are of one CPU, and the sockets' addresses are those of lo. */
static void settle(void)
{
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int s = socket(AF_INET, SOCK_DGRAM, 0), cpu = sched_getcpu();
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) || ioctl(s, SIOCSIFFLAGS, &up))
		die("settle");
	close(s);
	n_lanes = BOX_SLOTS * (box.n_cpus + 1);
}

int main(void)
{
	struct lookup any = {.family = AF_INET, .proto = IPPROTO_TCP};
	struct request r;

	box_open(&box);
	settle();
	state_open(&box);
	layout_tell(ask_socket(&any) != BOX_NO_RUN);
	fflush(stdout);
	while (get(&r, sizeof(r))) {
		uint8_t *bytes = malloc(r.bytes + 1);

		if (!bytes || !get(bytes, r.bytes))
			die("stdin");
		serve(&r, bytes);
		free(bytes);
	}
	box_close(&box);
	return 0;
}
