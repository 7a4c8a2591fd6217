/* SPDX-License-Identifier: MIT */
/* sweep.c - whether a gate still stands whole: its namespace, each interface, each hook. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "gate_priv.h"
#include "netns.h"
#include "pins.h"

int gate_cover(struct gate *g, enum gate_hook hook, struct gate_sweep *sweep, struct fault *f)
{
	int result = 0;

	for (size_t i = 0; i < g->n_ifaces; i++) {
		const struct gate_iface *iface = &g->ifaces[i];
		struct fault why = {0};
		int r;

		if (gate_has_iface(g, iface, hook, NULL))
			continue;
		r = gate_attach_iface(g, iface, hook, &why);
		if (r == -ENODEV) /* it went away since it was listed */
			continue;
		if (r < 0 && result == 0) {
			result = r;
			fault_set(f, -r, "%s", why.text);
		} else if (r == 0 && sweep && !iface->fresh) {
			sweep->restored[hook]++;
		} else if (r == 0 && sweep && hook == HOOK_WIRE) {
			sweep->added++;
		}
	}
	return result;
}

/*
 * A gate whose `socket` link hangs in the air: the namespace died (and another one, even with the
 * same inode, may stand at its path), or the host's root took the link off. `lo` tells.
 */
static bool alive_inside(const struct gate *g)
{
	static const struct gate_iface lo = {.ifindex = 1, .name = "lo"};

	return gate_has_iface(g, &lo, HOOK_WIRE, NULL);
}

/* In the namespace. */
static int restore(struct gate *g, bool linked, struct gate_sweep *sweep, struct fault *f)
{
	uint64_t now = boot_now_ns();
	int r = gate_list_ifaces(g, f);

	for (enum gate_hook hook = 0; hook < GATE_N_TC && r == 0; hook++)
		r = gate_cover(g, hook, sweep, f);
	sweep->outranked[HOOK_SOCKET].held =
		gate_socket_rivals(g, &sweep->outranked[HOOK_SOCKET].rival);
	for (enum gate_hook hook = 0; hook < GATE_N_TC && r == 0; hook++)
		r = gate_regain(g, hook, &sweep->outranked[hook], f);
	if (r == 0 && !linked) {
		r = gate_attach_socket(g, f);
		sweep->restored[HOOK_SOCKET] += r == 0;
	}
	if (r < 0)
		return r;
	gate_sweep_shield(g, sweep);
	if (g->covered_ns && (sweep->added || sweep->restored[HOOK_WIRE] ||
			      sweep->restored[HOOK_EGRESS] || sweep->restored[HOOK_SOCKET]))
		sweep->unprotected_ns = boot_now_ns() - g->covered_ns;
	g->covered_ns = now;
	return 0;
}

int gate_sweep(struct gate *g, struct gate_sweep *out, struct fault *f)
{
	_netns_home_ int home = -1;
	struct gate_sweep sweep = {0};
	bool linked;
	int r;

	if (g->cgroup)
		return host_sweep(g, out, f);
	linked = gate_linked(g);
	r = gate_enter(g, &home, NULL);
	if (r == 0 && (linked || alive_inside(g))) {
		r = restore(g, linked, &sweep, f);
	} else {
		/* Linked, but no way in: it lives on in a descriptor somewhere, guarded as it is. */
		sweep.dead = !linked;
		r = 0;
	}
	*out = sweep;
	return r;
}

static void add_attachment(struct gate_attachment **at, enum gate_hook hook, const char *kind,
			   bool present)
{
	**at = (struct gate_attachment){
		.hook = hook,
		.kind = kind,
		.present = present,
		.removable = strcmp(kind, "clsact") == 0,
	};
	++*at;
}

static void add_iface(const struct gate *g, const struct gate_iface *iface, enum gate_hook hook,
		      struct gate_attachment **at)
{
	struct gate_attachment *a = *at;
	bool xdp = hook == HOOK_SHIELD; /* a driver has one program */
	struct gate_rival rival = {0};
	bool present = xdp ? gate_has_shield(g, iface) : gate_has_iface(g, iface, hook, &rival);

	add_attachment(at, hook, xdp ? "xdp" : g->node->features.tcx ? "tcx" : "clsact", present);
	a->ifindex = iface->ifindex;
	a->overtaken = rival.name[0];
	a->rival = rival;
	memcpy(a->interface, iface->name, sizeof(a->interface));
}

static bool enrolled(const struct gate *g)
{
	uint32_t inode = (uint32_t)g->inode;
	uint32_t id;

	return g->node->ledger >= 0 &&
	       bpf_map_lookup_elem(g->node->map[NODE_NETNS], &inode, &id) == 0 && id == g->id;
}

int gate_attachments(struct gate *g, struct gate_attachment **out, size_t *n, struct fault *f)
{
	_netns_home_ int home = -1;
	struct gate_attachment *list =
		calloc(g->n_ifaces * (GATE_N_TC + 1) + 2 + HOST_N_LINKS, sizeof(*list));
	struct gate_attachment *at = list;

	if (!list)
		return fault_set(f, ENOMEM, "no memory for the attachments of gate \"%s\"",
				 g->name);
	if (g->cgroup) {
		*n = host_attachments(g, list);
		*out = list;
		return 0;
	}
	add_attachment(&at, HOOK_SOCKET, "netns", gate_linked(g));
	if (gate_enter(g, &home, NULL) == 0) {
		list->overtaken = gate_socket_rivals(g, &list->rival);
		for (enum gate_hook hook = 0; hook < GATE_N_TC; hook++)
			for (size_t i = 0; i < g->n_ifaces; i++)
				add_iface(g, &g->ifaces[i], hook, &at);
		for (size_t i = 0; i < g->n_ifaces; i++)
			if (gate_iface_shielded(&g->ifaces[i]))
				add_iface(g, &g->ifaces[i], HOOK_SHIELD, &at);
	}
	add_attachment(&at, HOOK_LEDGER, "tracing", enrolled(g));
	*out = list;
	*n = (size_t)(at - list);
	return 0;
}
