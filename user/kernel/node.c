/* SPDX-License-Identifier: MIT */
/* node.c - what all gates of a node share: maps, the ledger, the kernel's features. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpflog.h"
#include "cleanup.h"
#include "gate.skel.h"
#include "ledger.skel.h"
#include "node_priv.h"
#include "pins.h"
#include "portlic.h"
#include "tcx.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

const char *const node_map_names[NODE_N_MAPS] = {
	[NODE_SETS] = PLIC_MAP_SETS,	   [NODE_TRAFFIC] = PLIC_MAP_TRAFFIC,
	[NODE_CLOCK] = PLIC_MAP_CLOCK,	   [NODE_SOURCES] = PLIC_MAP_SOURCES,
	[NODE_SENDERS] = PLIC_MAP_SENDERS, [NODE_CGROUPS] = PLIC_MAP_CGROUPS,
	[NODE_OWNERS] = PLIC_MAP_OWNERS,   [NODE_ARRIVALS] = PLIC_MAP_ARRIVALS,
	[NODE_RATES] = PLIC_MAP_RATES,	   [NODE_QUOTAS] = PLIC_MAP_QUOTAS,
	[NODE_SEATS] = PLIC_MAP_SEATS,	   [NODE_SEATED] = PLIC_MAP_SEATED,
	[NODE_HELLOS] = PLIC_MAP_HELLOS,   [NODE_EVENTS] = PLIC_MAP_EVENTS,
	[NODE_PROBES] = PLIC_MAP_PROBES,   [NODE_KUBELET] = PLIC_MAP_KUBELET,
	[NODE_NETNS] = PLIC_MAP_NETNS,	   [NODE_PEERS] = PLIC_MAP_PEERS,
	[NODE_HOLDERS] = PLIC_MAP_HOLDERS, [NODE_SHARES] = PLIC_MAP_SHARES,
};

static int node_map_of(const struct bpf_map *map)
{
	for (int i = 0; i < NODE_N_MAPS; i++)
		if (strcmp(bpf_map__name(map), node_map_names[i]) == 0)
			return i;
	return -1;
}

int node_share_maps(const struct node *node, struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		int i = node_map_of(map);
		int r = i < 0 || node->map[i] < 0 ? 0 : bpf_map__reuse_fd(map, node->map[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Creates, or takes over from their pins, the node-wide maps that the object declares. */
static int open_maps(struct node *node, struct bpf_object *object, struct fault *f)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	int r;

	bpflog_begin();
	bpf_object__for_each_program(prog, object) bpf_program__set_autoload(prog, false);
	bpf_object__for_each_map(map, object)
	{
		int i = node_map_of(map);
		_free_ char *path = pins_path(node->maps, bpf_map__name(map));

		if (i < 0 || node->map[i] >= 0)
			bpf_map__set_autocreate(map, false);
		else if (!path || bpf_map__set_pin_path(map, path) < 0)
			return fault_set(f, ENOMEM, "no memory");
	}
	r = bpf_object__load(object);
	if (r < 0)
		return fault_set(f, -r,
				 "can't open the maps in \"%s\": %s%s: if another version made "
				 "them, run \"portlic cleanup\"",
				 node->maps, strerror(-r), bpflog_why());
	bpf_object__for_each_map(map, object)
	{
		int i = node_map_of(map);

		if (i < 0 || node->map[i] >= 0)
			continue;
		node->map[i] = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0);
		if (node->map[i] < 0)
			return fault_set(f, errno, "can't keep a map: %s", strerror(errno));
	}
	return 0;
}

/* The ledger alone needs to know the kernel's types: the gates do without, and without it. */
static int no_types(struct node *node)
{
	snprintf(node->no_tracing, sizeof(node->no_tracing),
		 "this kernel has no type information (\"%s\"), so connections aren't counted, and "
		 "seats once a second",
		 KERNEL_BTF);
	return 0;
}

static int open_all_maps(struct node *node, struct fault *f)
{
	struct gate_bpf *gate = gate_bpf__open();
	struct ledger_bpf *ledger = ledger_bpf__open();
	int r;

	if (gate && ledger) {
		r = open_maps(node, gate->obj, f);
		if (r == 0)
			r = open_maps(node, ledger->obj, f);
		if (r < 0 && node->map[NODE_TRAFFIC] >= 0 && access(KERNEL_BTF, R_OK) < 0)
			r = no_types(node);
	} else {
		r = fault_set(f, errno, "can't read the BPF objects: %s", strerror(errno));
	}
	gate_bpf__destroy(gate);
	ledger_bpf__destroy(ledger);
	return r;
}

static int make_dirs(struct node *node, struct fault *f)
{
	int r = pins_check(node->dir, f);

	if (r == 0)
		r = pins_mkdir(node->dir, f);
	if (r == 0)
		r = pins_mkdir(node->maps, f);
	return r ? r : pins_mkdir(node->gates, f);
}

static struct node *node_new(const char *bpffs)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	for (int i = 0; i < NODE_N_MAPS; i++)
		node->map[i] = -1;
	node->ledger = -1;
	pthread_mutex_init(&node->lock, NULL);
	node->dir = strdup(bpffs);
	node->maps = pins_path(bpffs, "maps");
	node->gates = pins_path(bpffs, "gates");
	if (node->dir && node->maps && node->gates)
		return node;
	node_close(node);
	return NULL;
}

static void node_closep(struct node **node)
{
	node_close(*node);
}

int node_open(const char *bpffs, struct node **out, struct fault *f)
{
	_cleanup_(node_closep) struct node *node = node_new(bpffs);
	int cpus = libbpf_num_possible_cpus();
	int r;

	if (!node)
		return fault_set(f, ENOMEM, "no memory");
	if (cpus < 0)
		return fault_set(f, -cpus, "can't count the CPUs: %s", strerror(-cpus));
	node->n_cpus = (unsigned int)cpus;
	bpflog_begin();
	r = make_dirs(node, f);
	if (r == 0)
		r = tcx_probe(&node->features.tcx, f);
	if (r == 0)
		r = open_all_maps(node, f);
	if (r == 0 && node->map[NODE_NETNS] >= 0)
		r = ledger_open(node, f);
	if (r < 0)
		return r;
	node->features.tracing = node->ledger >= 0;
	*out = TAKE_PTR(node);
	return 0;
}

void node_close(struct node *node)
{
	if (!node)
		return;
	for (int i = 0; i < NODE_N_MAPS; i++)
		cleanup_close(&node->map[i]);
	cleanup_close(&node->ledger);
	cgroup_table_free(node->cgroups);
	pthread_mutex_destroy(&node->lock);
	free(node->dir);
	free(node->maps);
	free(node->gates);
	free(node);
}

const struct node_features *node_features(const struct node *node)
{
	return &node->features;
}

const char *node_no_tracing(const struct node *node)
{
	return node->no_tracing;
}

struct names {
	char **list;
	size_t n;
};

static int add_name(const char *dir, const char *name, void *data)
{
	struct names *names = data;
	void *list = reallocarray(names->list, names->n + 2, sizeof(*names->list));

	if (!list)
		return -ENOMEM;
	names->list = list;
	names->list[names->n + 1] = NULL;
	names->list[names->n] = strdup(name);
	return names->list[names->n++] ? 0 : -ENOMEM;
}

int node_gates(const struct node *node, char ***names, struct fault *f)
{
	struct names found = {.list = calloc(1, sizeof(char *))};
	int r = found.list ? pins_each(node->gates, add_name, &found) : -ENOMEM;

	if (r < 0) {
		node_names_free(found.list);
		return fault_set(f, -r, "can't read \"%s\": %s", node->gates, strerror(-r));
	}
	*names = found.list;
	return 0;
}

void node_names_free(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}
