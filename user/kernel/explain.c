/* SPDX-License-Identifier: MIT */
/*
 * explain.c - builds a packet, loads the twin, runs it, reads what the twin counted. For a cgroup `wire` speaks:
 * the kernel makes up packets for listeners of no cgroup, and the decision is the same one.
 */
#include "explain.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "address.h"
#include "addresses.h"
#include "bpflog.h"
#include "cleanup.h"
#include "denials.h"
#include "gate.skel.h"
#include "gate_priv.h"
#include "netns.h"
#include "packet.h"
#include "pins.h"

#define LO_IFINDEX 1	/* in every namespace */
#define NO_TEST_RUN 524 /* the kernel's ENOTSUPP: sk_lookup before Linux 5.14 */

static void destroy(struct gate_bpf **skel)
{
	gate_bpf__destroy(*skel);
}

/* Read and written by the programs; the twin only reads. */
static int share_tables(struct gate *g, struct bpf_object *object)
{
	static const char *const names[] = {PLIC_MAP_FLOWS, PLIC_MAP_CLIENTS, PLIC_MAP_MARKS};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++) {
		_close_ int fd = pins_get(g->dir, names[i]);

		r = fd < 0 ? fd
			   : bpf_map__reuse_fd(bpf_object__find_map_by_name(object, names[i]), fd);
	}
	return r;
}

/* Counters and events stay the twin's own. */
static int share_node(struct node *node, struct bpf_object *object)
{
	static const enum node_map own[] = {NODE_TRAFFIC, NODE_ARRIVALS, NODE_EVENTS, NODE_CLOCK};
	int kept[ARRAY_SIZE(own)], r;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		kept[i] = node->map[own[i]];
		node->map[own[i]] = -1;
	}
	r = node_share_maps(node, object);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		node->map[own[i]] = kept[i];
	return r;
}

static int load_twin(struct gate *g, const struct gate_question *q, struct gate_bpf **out,
		     struct fault *f)
{
	_cleanup_(destroy) struct gate_bpf *skel = gate_bpf__open();
	int r;

	if (!skel)
		return fault_set(f, errno, "can't read the gate's BPF object: %s", strerror(errno));
	skel->rodata->plic_gate_id = g->id;
	skel->rodata->plic_n_cpus = g->node->n_cpus;
	skel->rodata->plic_dry_run = 1;
	skel->rodata->plic_dry_now_ns = q->at_ns;
	skel->rodata->plic_dry_origins = q->origins;
	bpf_program__set_autoload(skel->progs.plic_egress, false);
	bpf_map__set_max_entries(skel->maps.plic_events, (uint32_t)getpagesize());
	r = share_node(g->node, skel->obj);
	if (r == 0)
		r = share_tables(g, skel->obj);
	bpflog_begin();
	if (r == 0)
		r = gate_bpf__load(skel);
	if (r < 0)
		return fault_set(f, -r, "can't load the twin of gate \"%s\": %s%s", g->name,
				 strerror(-r), bpflog_why());
	*out = TAKE_PTR(skel);
	return 0;
}

/* The interface that the packet comes in by: lo, or the namespace has no other. */
static int interface_of(const struct gate_question *q, uint8_t mac[6])
{
	_free_ struct netns_interface *list = NULL;
	int ifindex = LO_IFINDEX;
	size_t n = 0;

	memset(mac, 0, 6);
	netns_interfaces(&list, &n, NULL);
	for (size_t i = 0; i < n && !q->on_lo; i++) {
		if (list[i].ifindex == LO_IFINDEX)
			continue;
		ifindex = list[i].ifindex;
		memcpy(mac, list[i].mac, 6);
	}
	return ifindex;
}

static int run_wire(struct gate_bpf *twin, const struct gate_question *q)
{
	struct __sk_buff skb = {0};
	struct packet_frame frame;
	uint8_t mac[6];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &skb, .ctx_size_in = sizeof(skb));

	skb.ifindex = (uint32_t)interface_of(q, mac);
	packet_open(q->ip_proto, q->from, q->port, mac, &frame);
	opts.data_in = frame.bytes;
	opts.data_size_in = frame.len;
	return bpf_prog_test_run_opts(bpf_program__fd(twin->progs.plic_wire), &opts);
}

static int run_socket(struct gate_bpf *twin, const struct gate_question *q)
{
	bool v4 = address_is_ipv4(q->from);
	struct bpf_sk_lookup ctx = {
		.family = v4 ? AF_INET : AF_INET6,
		.protocol = q->ip_proto,
		.remote_port = htons(PACKET_CLIENT_PORT),
		.local_port = q->port,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));
	int r;

	if (v4)
		memcpy(&ctx.remote_ip4, q->from + 12, 4);
	else
		memcpy(ctx.remote_ip6, q->from, 16);
	r = bpf_prog_test_run_opts(bpf_program__fd(twin->progs.plic_socket), &opts);
	return r == -NO_TEST_RUN || r == -EINVAL ? 0 : r;
}

/* The one thing that the twin counted, if it did. */
static int read_verdict(struct gate_bpf *twin, enum plic_hook hook, struct gate_answer *out,
			struct fault *f)
{
	struct gate_denial *denials;
	size_t n;
	int r = denials_read(bpf_map__fd(twin->maps.plic_denials), &denials, &n, f);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (denials[i].count.packets)
			*out = (struct gate_answer){.verdict = denials[i].key.verdict,
						    .reason = denials[i].key.reason,
						    .hook = hook};
	free(denials);
	return 0;
}

/* What one of the namespace's own addresses sends comes by lo. */
static int comes_by_lo(struct gate_question *q, struct fault *f)
{
	_free_ struct cidr *own = NULL;
	size_t n = 0;
	int r = addresses_list(&own, &n, f);

	for (size_t i = 0; i < n && r == 0; i++)
		q->on_lo |= memcmp(own[i].address, q->from, sizeof(q->from)) == 0;
	return r;
}

/* As the programs see it: bpf/source.h. On lo a cgroup would tell, and the question names none. */
static enum plic_origin origin_of(const struct gate *g, const struct gate_question *q)
{
	struct plic_source_key key = {.prefixlen = 32 + 128, .set = PLIC_SOURCES_ORIGINS};
	uint32_t origin;

	if (q->origins)
		return (enum plic_origin)__builtin_ctz(q->origins);
	if (q->on_lo)
		return PLIC_ORIGIN_UNKNOWN;
	memcpy(key.address, q->from, sizeof(key.address));
	return bpf_map_lookup_elem(g->node->map[NODE_SOURCES], &key, &origin) < 0
		       ? PLIC_ORIGIN_EXTERNAL
		       : (enum plic_origin)origin;
}

int gate_explain(struct gate *g, struct gate_question *q, struct gate_answer *out, struct fault *f)
{
	_cleanup_(destroy) struct gate_bpf *twin = NULL;
	enum plic_hook first = g->cgroup ? PLIC_HOOK_HOST : PLIC_HOOK_WIRE;
	struct gate_answer answer = {.verdict = PLIC_ALLOWED, .hook = first};
	_netns_home_ int home = -1;
	int r = gate_enter(g, &home, f);

	if (r == 0)
		r = comes_by_lo(q, f);
	if (r == 0)
		r = load_twin(g, q, &twin, f);
	if (r < 0)
		return r;
	r = run_wire(twin, q);
	if (r == 0)
		r = read_verdict(twin, first, &answer, f);
	if (r == 0 && answer.verdict == PLIC_ALLOWED && !g->cgroup)
		r = run_socket(twin, q);
	if (r == 0 && answer.verdict == PLIC_ALLOWED && !g->cgroup)
		r = read_verdict(twin, PLIC_HOOK_SOCKET, &answer, f);
	if (r < 0)
		return fault_set(f, -r, "can't run the twin of gate \"%s\": %s", g->name,
				 strerror(-r));
	answer.origin = origin_of(g, q);
	*out = answer;
	return 0;
}
