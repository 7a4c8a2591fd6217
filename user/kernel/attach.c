/* SPDX-License-Identifier: MIT */
/* attach.c - a gate's programs on its namespace and interfaces; all of it inside the namespace. */
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "clsact.h"
#include "gate_priv.h"
#include "netns.h"
#include "pins.h"
#include "rival.h"
#include "tcx.h"

#define SEARCH_EVERY 16 /* a walk through /proc is dear; a lost path is tried again so often */

bool gate_linked(const struct gate *g)
{
	struct pins_link link;

	if (g->socket < 0 || pins_link_info(g->socket, &link) < 0)
		return false;
	return g->cgroup ? link.cgroup == g->inode : link.target == g->inode;
}

int gate_enter(struct gate *g, int *home, struct fault *f)
{
	char path[PATH_MAX];
	char *found;
	int r = g->cgroup ? 0 : netns_enter(g->netns, g->inode, home, f);

	if (r == 0 || g->misses++ % SEARCH_EVERY) {
		g->misses = r ? g->misses : 0;
		return r;
	}
	if (netns_find(g->inode, NULL, path, sizeof(path)) < 0)
		return r;
	found = strdup(path);
	if (!found)
		return r;
	free(g->netns);
	g->netns = found;
	r = netns_enter(g->netns, g->inode, home, f);
	g->misses = r ? g->misses : 0;
	return r;
}

int gate_attach_socket(struct gate *g, struct fault *f)
{
	_close_ int netns = netns_open_current();
	_close_ int link = -1;
	int r;

	link = netns < 0 ? netns
			 : bpf_link_create(g->prog[HOOK_SOCKET], netns, BPF_SK_LOOKUP, NULL);
	if (link < 0)
		return fault_set(f, -link, "can't attach \"socket\" to the namespace \"%s\": %s",
				 g->netns, strerror(-link));
	r = pins_put(link, g->dir, GATE_PIN_SOCKET, f);
	if (r < 0)
		return r;
	cleanup_close(&g->socket);
	g->socket = TAKE_FD(link);
	return 0;
}

struct pin_name {
	char text[48];
};

static struct pin_name name_of(const char *what, int ifindex)
{
	struct pin_name name;

	snprintf(name.text, sizeof(name.text), "%s_%d", what, ifindex);
	return name;
}

/*
 * Frees the pin's name. A link whose interface is gone is dropped; one whose interface was moved to
 * another namespace goes on denying there, under a name that no later interface can claim.
 */
static void set_aside(const struct gate *g, const char *name)
{
	_close_ int link = pins_get(g->dir, name);
	struct pins_link info = {0};
	struct pin_name away;

	if (link >= 0 && pins_link_info(link, &info) == 0 && info.target) {
		snprintf(away.text, sizeof(away.text), "%s_%u", name, info.id);
		pins_rename(g->dir, name, away.text);
	} else {
		pins_drop(g->dir, name);
	}
}

static int attach_tcx(struct gate *g, const struct gate_iface *i, enum gate_hook hook,
		      struct fault *f)
{
	struct pin_name name = name_of(gate_hook_word(hook), i->ifindex);
	_close_ int link = tcx_attach(i->ifindex, hook, g->prog[hook]);

	if (link < 0)
		return link;
	set_aside(g, name.text);
	return pins_put(link, g->dir, name.text, f);
}

int gate_repin(const struct gate *g, int link, int ifindex, enum gate_hook hook, struct fault *f)
{
	struct pin_name name = name_of(gate_hook_word(hook), ifindex);
	struct pin_name ahead = name; /* with a suffix, so it sorts behind: see adopt_link() */
	int r;

	strncat(ahead.text, "_ahead", sizeof(ahead.text) - strlen(name.text) - 1);
	r = pins_put(link, g->dir, ahead.text, f);
	if (r < 0)
		return r;
	r = pins_rename(g->dir, ahead.text, name.text);
	return r < 0 ? fault_set(f, -r, "can't pin \"%s\" of gate \"%s\": %s", name.text, g->name,
				 strerror(-r))
		     : 0;
}

/* Marks by a directory what can't be pinned. */
static void mark(const struct gate *g, const char *what, int ifindex)
{
	struct pin_name name = name_of(what, ifindex);
	_free_ char *path = pins_path(g->dir, name.text);

	if (path)
		mkdir(path, 0700);
}

static int attach_clsact(struct gate *g, const struct gate_iface *i, enum gate_hook hook)
{
	bool made = false;
	int r = clsact_attach(i->ifindex, hook, g->prog[hook], &made);

	if (made)
		mark(g, GATE_MARK_QDISC, i->ifindex);
	if (r == 0)
		mark(g, GATE_MARK_CLSACT, i->ifindex);
	return r;
}

int gate_attach_iface(struct gate *g, const struct gate_iface *i, enum gate_hook hook,
		      struct fault *f)
{
	int r = g->node->features.tcx ? attach_tcx(g, i, hook, f) : attach_clsact(g, i, hook);

	if (r < 0)
		return fault_set(f, -r,
				 "can't attach \"%s\" to interface \"%s\" of gate \"%s\": %s",
				 gate_hook_word(hook), i->name, g->name, strerror(-r));
	return 0;
}

static bool has_tcx(const struct gate *g, const struct gate_iface *i, enum gate_hook hook,
		    struct gate_rival *rival)
{
	struct tcx_place place;

	if (tcx_find(i->ifindex, hook, g->prog_id[hook], &place) < 0)
		return false;
	if (rival && place.first_id != g->prog_id[hook])
		rival_is(rival, place.first_id);
	return true;
}

static bool has_clsact(const struct gate *g, const struct gate_iface *i, enum gate_hook hook,
		       struct gate_rival *rival)
{
	uint32_t prog_id;

	if (clsact_query(i->ifindex, hook, &prog_id) < 0 || prog_id != g->prog_id[hook])
		return false;
	if (rival)
		clsact_first(i->ifindex, hook, rival);
	return true;
}

bool gate_has_iface(const struct gate *g, const struct gate_iface *i, enum gate_hook hook,
		    struct gate_rival *rival)
{
	if (rival)
		*rival = (struct gate_rival){0};
	return g->node->features.tcx ? has_tcx(g, i, hook, rival) : has_clsact(g, i, hook, rival);
}

static const struct gate_iface *find_iface(const struct gate_iface *list, size_t n, int ifindex)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].ifindex == ifindex)
			return &list[i];
	return NULL;
}

static void forget_iface(const struct gate *g, const struct gate_iface *i)
{
	static const char *const pins[] = {"wire", "egress", GATE_MARK_CLSACT, GATE_MARK_QDISC};

	for (size_t k = 0; k < ARRAY_SIZE(pins); k++)
		set_aside(g, name_of(pins[k], i->ifindex).text);
	gate_drop_shield(g, i);
}

int gate_list_ifaces(struct gate *g, struct fault *f)
{
	_free_ struct netns_interface *list = NULL;
	struct gate_iface *ifaces;
	size_t n;
	int r = netns_interfaces(&list, &n, f);

	if (r < 0)
		return r;
	ifaces = calloc(n, sizeof(*ifaces));
	if (!ifaces)
		return fault_set(f, ENOMEM, "no memory for %zu interfaces", n);
	for (size_t i = 0; i < n; i++) {
		const struct gate_iface *before =
			find_iface(g->ifaces, g->n_ifaces, list[i].ifindex);

		if (before)
			ifaces[i] = *before;
		ifaces[i].ifindex = list[i].ifindex;
		snprintf(ifaces[i].name, sizeof(ifaces[i].name), "%s", list[i].name);
		ifaces[i].fresh = !before;
	}
	for (size_t i = 0; i < g->n_ifaces; i++)
		if (!find_iface(ifaces, n, g->ifaces[i].ifindex))
			forget_iface(g, &g->ifaces[i]);
	free(g->ifaces);
	g->ifaces = ifaces;
	g->n_ifaces = n;
	return 0;
}

static int adopt_link(const char *dir, const char *name, void *data)
{
	const struct gate *g = data;
	enum gate_hook hook = strncmp(name, "wire_", 5) == 0	 ? HOOK_WIRE
			      : strncmp(name, "egress_", 7) == 0 ? HOOK_EGRESS
			      : strcmp(name, GATE_PIN_SOCKET)	 ? GATE_N_HOOKS
								 : HOOK_SOCKET;
	_close_ int link = hook == GATE_N_HOOKS ? -1 : pins_get(dir, name);
	struct pins_link info;
	int r;

	if (hook == GATE_N_HOOKS)
		return 0;
	if (link < 0 || pins_link_info(link, &info) < 0 || !info.target) {
		pins_drop(dir, name);
		return 0;
	}
	r = bpf_link_update(link, g->prog[hook], NULL);
	/* The agent was killed while it put a link ahead of this one: that one, adopted first, stays. */
	if (r == -EEXIST) {
		pins_detach(&link, dir, name);
		return 0;
	}
	return r;
}

static int adopt_filter(const char *dir, const char *name, void *data)
{
	const struct gate *g = data;
	uint32_t prog_id;
	int ifindex;
	bool made;
	int r = 0;

	if (sscanf(name, GATE_MARK_CLSACT "_%d", &ifindex) != 1)
		return 0;
	for (enum gate_hook hook = 0; hook < GATE_N_TC && r == 0; hook++)
		if (clsact_query(ifindex, hook, &prog_id) == 0)
			r = clsact_attach(ifindex, hook, g->prog[hook], &made);
	return r;
}

int gate_adopt_links(struct gate *g, struct fault *f)
{
	int r = pins_each(g->dir, adopt_link, g);

	if (r == 0)
		r = pins_each(g->dir, adopt_filter, g);
	return r < 0 ? fault_set(f, -r,
				 "can't replace the programs of gate \"%s\": %s: the old ones "
				 "stay in force",
				 g->name, strerror(-r))
		     : 0;
}
