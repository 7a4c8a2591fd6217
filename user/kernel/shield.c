/* SPDX-License-Identifier: MIT */
/*
 * shield.c - native XDP on the interfaces of a gate, and what a flood is told by. Each interface has an
 * instance of the program with its own address, held by nothing but its pinned link.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpflog.h"
#include "cleanup.h"
#include "denials.h"
#include "gate_priv.h"
#include "netns.h"
#include "pins.h"
#include "shield.skel.h"

struct pin_name {
	char text[32];
};

static struct pin_name name_of(int ifindex)
{
	struct pin_name name;

	snprintf(name.text, sizeof(name.text), "shield_%d", ifindex);
	return name;
}

static void destroy(struct shield_bpf **skel)
{
	shield_bpf__destroy(*skel);
}

/* The node's and the gate's own, but for the count of drops, which the first shield makes. */
static int share_maps(struct gate *g, struct bpf_object *object)
{
	struct bpf_map *map;
	int r = node_share_maps(g->node, object);

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		_free_ char *path = pins_path(g->dir, name);
		_close_ int fd = -1;

		if (r < 0 || bpf_map__is_internal(map) || bpf_map__fd(map) >= 0)
			continue;
		fd = pins_get(g->dir, name);
		if (fd >= 0)
			r = bpf_map__reuse_fd(map, fd);
		else if (path && strcmp(name, PLIC_MAP_SPARED) == 0)
			r = bpf_map__set_pin_path(map, path);
		else
			r = fd;
	}
	return r;
}

static int load(struct gate *g, const uint8_t mac[6], struct shield_bpf **out, struct fault *f)
{
	_cleanup_(destroy) struct shield_bpf *skel = shield_bpf__open();
	int r;

	if (!skel)
		return fault_set(f, errno, "can't read the shield's BPF object: %s",
				 strerror(errno));
	skel->rodata->plic_gate_id = g->id;
	skel->rodata->plic_n_cpus = g->node->n_cpus;
	memcpy((void *)skel->rodata->shield_mac, mac, sizeof(skel->rodata->shield_mac));
	bpflog_begin();
	r = share_maps(g, skel->obj);
	if (r == 0)
		r = shield_bpf__load(skel);
	if (r < 0)
		return fault_set(f, -r, "can't load the shield of gate \"%s\": %s%s", g->name,
				 strerror(-r), bpflog_why());
	*out = TAKE_PTR(skel);
	return 0;
}

/* Its address. False: it isn't Ethernet, or has just gone. */
static bool is_ethernet(const struct gate_iface *i, uint8_t mac[6])
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};

	memcpy(request.ifr_name, i->name, sizeof(request.ifr_name));
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0 ||
	    request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return false;
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	return true;
}

static int ask_driver(const struct gate_iface *i, void *question)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_data = question};

	memcpy(request.ifr_name, i->name, sizeof(request.ifr_name));
	return fd < 0 || ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/*
 * A veth takes what a program redirects to it only if it polls, for GRO or an XDP program of its own. One
 * that doesn't has its packets from the stack of the other end, whatever floods it.
 */
static bool takes_frames(const struct gate_iface *i)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_value gro = {.cmd = ETHTOOL_GGRO};

	if (ask_driver(i, &driver) < 0 || strcmp(driver.driver, "veth") != 0)
		return true;
	return ask_driver(i, &gro) == 0 && gro.data;
}

/* The interface's shield: its link, or -ENOENT. */
static int find_link(const struct gate *g, const struct gate_iface *i)
{
	_close_ int link = pins_get(g->dir, name_of(i->ifindex).text);
	struct pins_link info;
	__u32 there = 0;

	if (link < 0 || pins_link_info(link, &info) < 0 || info.target != (uint32_t)i->ifindex ||
	    bpf_xdp_query_id(i->ifindex, XDP_FLAGS_DRV_MODE, &there) < 0 || there != info.prog_id)
		return -ENOENT;
	return TAKE_FD(link);
}

bool gate_has_shield(const struct gate *g, const struct gate_iface *i)
{
	_close_ int link = find_link(g, i);

	return link >= 0;
}

static const char *reason(int err)
{
	switch (err) {
	case EOPNOTSUPP:
		return "its driver has no native XDP";
	case EBUSY:
	case EEXIST:
		return "another XDP program is on it: take that off first";
	case ERANGE:
		return "its MTU, or its peer's, is too large for native XDP: lower it";
	default:
		return strerror(err);
	}
}

/* Puts the program on, or in the place of the one that is there. */
static int put_on(struct gate *g, struct gate_iface *i, const uint8_t mac[6], struct fault *f)
{
	LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
	_cleanup_(destroy) struct shield_bpf *skel = NULL;
	_close_ int link = find_link(g, i);
	int r = load(g, mac, &skel, f);
	int prog = r < 0 ? -1 : bpf_program__fd(skel->progs.plic_shield);

	if (r < 0)
		return r;
	memcpy(i->shield_mac, mac, sizeof(i->shield_mac));
	if (link >= 0) {
		r = bpf_link_update(link, prog, NULL);
	} else {
		r = link = bpf_link_create(prog, i->ifindex, BPF_XDP, &native);
		if (link >= 0)
			return pins_put(link, g->dir, name_of(i->ifindex).text, f);
	}
	return r < 0 ? fault_set(f, -r,
				 "interface \"%s\" of gate \"%s\" can't have a shield: %s; wire "
				 "judges alone there",
				 i->name, g->name, reason(-r))
		     : 0;
}

void gate_drop_shield(const struct gate *g, const struct gate_iface *i)
{
	struct pin_name name = name_of(i->ifindex);
	int link = pins_get(g->dir, name.text);

	pins_detach(&link, g->dir, name.text);
}

bool gate_iface_shielded(const struct gate_iface *i)
{
	static const uint8_t never[6];

	return memcmp(i->shield_mac, never, sizeof(never)) != 0;
}

static int no_frames(const struct gate *g, const struct gate_iface *i, struct fault *f)
{
	return fault_set(
		f, EOPNOTSUPP,
		"interface \"%s\" of gate \"%s\" gets no XDP frames (a veth with GRO "
		"off), so a shield would cost more than it spares: wire judges alone there; "
		"\"--shield on\" puts it on all the same",
		i->name, g->name);
}

/* 1: it stands there, 0: it isn't meant to. renew: with this very program. */
static int cover_one(struct gate *g, struct gate_iface *i, bool renew, struct gate_sweep *sweep,
		     struct fault *f)
{
	bool before = gate_iface_shielded(i);
	bool there = gate_has_shield(g, i);
	uint8_t mac[6];

	if (!is_ethernet(i, mac))
		return 0;
	if (there && !renew && memcmp(mac, i->shield_mac, sizeof(mac)) == 0)
		return 1;
	if (!there && g->shield == GATE_SHIELD_FRAMES && !takes_frames(i))
		i->no_shield = no_frames(g, i, f);
	else
		i->no_shield = put_on(g, i, mac, f);
	if (i->no_shield < 0) {
		gate_drop_shield(g, i); /* rather none than an old one: wire does without */
		memset(i->shield_mac, 0, sizeof(i->shield_mac));
		return i->no_shield;
	}
	if (sweep && before && !there)
		sweep->restored[HOOK_SHIELD]++;
	return 1;
}

/* How many interfaces have it. An interface that couldn't take it isn't tried again. */
static unsigned int cover(struct gate *g, bool renew, struct gate_sweep *sweep, struct fault *f)
{
	unsigned int n = 0;

	for (size_t k = 0; k < g->n_ifaces; k++) {
		struct fault why = {0};
		int r = g->ifaces[k].no_shield ? 0
					       : cover_one(g, &g->ifaces[k], renew, sweep, &why);

		n += r > 0;
		if (r < 0 && f && !f->text[0])
			*f = why;
	}
	return n;
}

void gate_sweep_shield(struct gate *g, struct gate_sweep *sweep)
{
	if (g->shield)
		cover(g, false, sweep, NULL);
}

static int find_shield(const char *dir, const char *name, void *data)
{
	struct gate *g = data;
	struct gate_iface iface;

	if (sscanf(name, "shield_%d", &iface.ifindex) != 1)
		return 0;
	for (size_t i = 0; i < g->n_ifaces; i++)
		if (g->ifaces[i].ifindex == iface.ifindex) {
			g->shield = GATE_SHIELD_FRAMES; /* until we are told */
			return 0;
		}
	gate_drop_shield(g, &iface); /* it went, or elsewhere, while nobody looked */
	return 0;
}

void gate_adopt_shield(struct gate *g)
{
	pins_each(g->dir, find_shield, g);
	if (g->shield)
		cover(g, true, NULL, NULL);
}

static void take_off(struct gate *g)
{
	for (size_t i = 0; i < g->n_ifaces; i++) {
		gate_drop_shield(g, &g->ifaces[i]);
		g->ifaces[i].no_shield = 0;
		memset(g->ifaces[i].shield_mac, 0, sizeof(g->ifaces[i].shield_mac));
	}
	g->shield = GATE_SHIELD_OFF;
}

int gate_shield(struct gate *g, enum gate_shield how, struct fault *f)
{
	_netns_home_ int home = -1;
	int r;

	if (f)
		f->text[0] = '\0';
	if (how == GATE_SHIELD_OFF) {
		take_off(g);
		return 0;
	}
	r = gate_enter(g, &home, f);
	if (r < 0)
		return r;
	/* Those that the last sweep saw: whether one is new is for the next to find. */
	for (size_t i = 0; i < g->n_ifaces; i++)
		g->ifaces[i].no_shield = 0;
	g->shield = how;
	if (cover(g, false, NULL, f) > 0)
		return 0;
	g->shield = GATE_SHIELD_OFF;
	return f && f->text[0]
		       ? -EOPNOTSUPP
		       : fault_set(f, ENODEV, "gate \"%s\" has no Ethernet interface for a shield",
				   g->name);
}

bool gate_shielded(const struct gate *g)
{
	bool any = false;

	for (size_t i = 0; i < g->n_ifaces; i++)
		any |= gate_iface_shielded(&g->ifaces[i]);
	return any;
}

/* Denied whoever sends it, so the shield may take it over. */
static bool is_hopeless(const struct plic_denial_key *key)
{
	bool ports = key->proto == IPPROTO_TCP || key->proto == IPPROTO_UDP ||
		     key->proto == IPPROTO_SCTP;
	bool nothing =
		key->reason >= PLIC_REASON_UNLICENSED && key->reason <= PLIC_REASON_WITHDRAWN;

	return ports && nothing && key->verdict == PLIC_DENIED;
}

static uint64_t read_shielded(const struct gate *g)
{
	_close_ int fd = pins_get(g->dir, PLIC_MAP_SPARED);
	_free_ uint64_t *lanes = calloc(g->node->n_cpus, sizeof(*lanes));
	uint64_t sum = 0;
	uint32_t zero = 0;

	if (fd >= 0 && lanes && bpf_map_lookup_elem(fd, &zero, lanes) == 0)
		for (unsigned int i = 0; i < g->node->n_cpus; i++)
			sum += lanes[i];
	return sum;
}

/* What the shield dropped is read first: it must not seem more than all. */
int gate_flood(struct gate *g, struct gate_flood *out, struct fault *f)
{
	_free_ struct gate_denial *list = NULL;
	struct gate_flood seen = {
		.shielded = read_shielded(g),
		.refusals_per_s = (uint64_t)get_nprocs() * 1000000000 / PLIC_REFUSE_INTERVAL_NS,
	};
	size_t n;
	int r = denials_read(g->map[GATE_DENIALS], &list, &n, f);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (is_hopeless(&list[i].key))
			seen.denied += list[i].count.packets;
	*out = seen;
	return 0;
}
