/* SPDX-License-Identifier: MIT */
/* collect.c - what is pinned, without the gate that pinned it: told, and taken down. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "arrivals.h"
#include "cleanup.h"
#include "clsact.h"
#include "gate_priv.h"
#include "netns.h"
#include "peertable.h"
#include "pins.h"
#include "quotas.h"
#include "seattable.h"

/* Another version's may be longer or shorter: the kernel writes all of it. */
int gate_about(const char *dir, struct plic_gate *about)
{
	_close_ int fd = pins_get(dir, PLIC_MAP_GATE);
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);
	_free_ void *found = NULL;
	uint32_t zero = 0;
	int r = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &len);

	if (r < 0)
		return r;
	found = calloc(1, info.value_size + sizeof(*about));
	if (!found)
		return -ENOMEM;
	r = bpf_map_lookup_elem(fd, &zero, found);
	memcpy(about, found, sizeof(*about));
	if (about->abi < 3)
		about->cgroup_id = 0; /* since_ns stood there */
	return r;
}

static int detach_filters(const char *dir, const char *name, void *data)
{
	int ifindex;

	if (sscanf(name, GATE_MARK_CLSACT "_%d", &ifindex) == 1) {
		clsact_detach(ifindex, HOOK_WIRE);
		clsact_detach(ifindex, HOOK_EGRESS);
	}
	return 0;
}

static int remove_qdisc(const char *dir, const char *name, void *data)
{
	int ifindex;

	if (sscanf(name, GATE_MARK_QDISC "_%d", &ifindex) == 1)
		clsact_remove_qdisc(ifindex);
	return 0;
}

static int is_mark(const char *dir, const char *name, void *data)
{
	int ifindex;

	return sscanf(name, GATE_MARK_CLSACT "_%d", &ifindex) == 1;
}

/* Inodes are given out again: only the pinned link tells that the gate's namespace still is the one. */
static bool still_linked(const char *dir, uint64_t inode)
{
	_close_ int socket = pins_get(dir, GATE_PIN_SOCKET);
	struct pins_link link;

	return socket >= 0 && pins_link_info(socket, &link) == 0 && link.target == inode;
}

/*
 * Filters hold on to their interfaces, not to pins; those of a dead namespace died with it. netns: a
 * path that is known to lead to the gate's own, or NULL.
 */
static void remove_filters(const char *dir, uint64_t inode, const char *netns)
{
	_netns_home_ int home = -1;
	char path[PATH_MAX];

	if (!pins_each(dir, is_mark, NULL) || (!netns && !still_linked(dir, inode)) ||
	    netns_find(inode, netns, path, sizeof(path)) < 0 ||
	    netns_enter(path, inode, &home, NULL) < 0)
		return;
	pins_each(dir, detach_filters, NULL);
	pins_each(dir, remove_qdisc, NULL);
}

/* Its namespace may have another gate by now, if the inode was given out again. */
static void strike_from_ledger(const char *maps, const struct plic_gate *about)
{
	_close_ int fd = pins_get(maps, PLIC_MAP_NETNS);
	uint32_t inode = (uint32_t)about->netns_ino;
	uint32_t id;

	if (fd >= 0 && bpf_map_lookup_elem(fd, &inode, &id) == 0 && id == about->id)
		bpf_map_delete_elem(fd, &inode);
}

static void forget(const char *maps, const char *name, uint32_t id)
{
	_close_ int fd = pins_get(maps, name);

	if (fd >= 0)
		bpf_map_delete_elem(fd, &id);
}

/* Of a gate that no socket is in the ledger for any more. */
static void forget_peers(const char *maps, uint32_t id)
{
	_close_ int fd = pins_get(maps, PLIC_MAP_PEERS);

	if (fd >= 0)
		peertable_forget(fd, id);
}

static void forget_arrivals(const char *maps, uint32_t id)
{
	_close_ int fd = pins_get(maps, PLIC_MAP_ARRIVALS);

	if (fd >= 0)
		arrivals_forget(fd, id);
}

static void forget_seats(const char *maps, uint32_t id)
{
	_close_ int seated = pins_get(maps, PLIC_MAP_SEATED);
	_close_ int seats = pins_get(maps, PLIC_MAP_SEATS);

	if (seated >= 0 && seats >= 0)
		seattable_forget(seated, seats, id);
}

void gate_forget(const char *maps, uint32_t id)
{
	forget(maps, PLIC_MAP_TRAFFIC, id);
	forget(maps, PLIC_MAP_HELLOS, id);
	forget_peers(maps, id);
	usage_forget(maps, id);
	forget_arrivals(maps, id);
	forget_seats(maps, id);
	forget(maps, PLIC_MAP_SETS, id); /* from here on another gate may have the id */
}

int gate_collect_dir(const char *bpffs, const char *name, const char *netns, struct fault *f)
{
	_free_ char *gates = pins_path(bpffs, "gates");
	_free_ char *maps = pins_path(bpffs, "maps");
	_free_ char *dir = gates ? pins_path(gates, name) : NULL;
	struct plic_gate about;
	bool known;
	int r;

	if (!maps || !dir)
		return fault_set(f, ENOMEM, "no memory");
	known = gate_about(dir, &about) == 0;
	if (known) {
		strike_from_ledger(maps, &about);
		remove_filters(dir, about.netns_ino, netns);
	}
	r = pins_remove_dir(dir, f);
	if (known)
		gate_forget(maps, about.id);
	return r;
}

int gate_collect(struct node *node, const char *name, struct fault *f)
{
	return gate_collect_dir(node->dir, name, NULL, f);
}

static int collect_one(const char *dir, const char *name, void *data)
{
	return gate_collect_dir(data, name, NULL, NULL);
}

static int remove_all(const char *bpffs, const char *gates, const char *maps, struct fault *f)
{
	_close_ int ledger = pins_get(bpffs, NODE_PIN_LEDGER);
	_close_ int kubelet = pins_get(bpffs, NODE_PIN_KUBELET);
	_free_ char *dir = strdup(bpffs);
	int r;

	/* No gate has to look for its own in them. */
	pins_drop(maps, PLIC_MAP_PEERS);
	pins_drop(maps, PLIC_MAP_SEATED);
	pins_drop(maps, PLIC_MAP_QUOTAS);
	pins_drop(maps, PLIC_MAP_RATES);
	r = dir ? pins_each(gates, collect_one, dir) : -ENOMEM;

	if (r < 0)
		return fault_set(f, -r, "can't remove all gates in \"%s\": %s", gates,
				 strerror(-r));
	pins_detach(&ledger, bpffs, NODE_PIN_LEDGER);
	pins_detach(&kubelet, bpffs, NODE_PIN_KUBELET);
	r = pins_remove_dir(gates, f);
	if (r == 0)
		r = pins_remove_dir(maps, f);
	return r ? r : pins_remove_dir(bpffs, f);
}

int node_cleanup(const char *bpffs, struct fault *f)
{
	_free_ char *gates = pins_path(bpffs, "gates");
	_free_ char *maps = pins_path(bpffs, "maps");
	int r;

	if (!gates || !maps)
		return fault_set(f, ENOMEM, "no memory");
	r = pins_check(bpffs, f);
	return r ? r : remove_all(bpffs, gates, maps, f);
}
