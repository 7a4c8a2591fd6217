/* SPDX-License-Identifier: MIT */
/* gate.c - the life of a gate: put up or adopted, given rule sets, closed or taken down. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "cgrouptree.h"
#include "cleanup.h"
#include "gate_priv.h"
#include "netns.h"
#include "outer.h"
#include "pins.h"
#include "rules.h"
#include "seats.h"
#include "traffic.h"

const char *gate_hook_word(enum gate_hook hook)
{
	static const char *const words[] = {
		[HOOK_WIRE] = "wire",	  [HOOK_EGRESS] = "egress", [HOOK_SOCKET] = "socket",
		[HOOK_LEDGER] = "ledger", [HOOK_SHIELD] = "shield", [HOOK_HOST] = "host",
		[HOOK_BIND] = "bind",
	};

	return hook < GATE_N_HOOKS ? words[hook] : "";
}

uint64_t boot_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void gate_close(struct gate *g)
{
	if (!g)
		return;
	for (int i = 0; i < GATE_N_PROGRAMS; i++)
		cleanup_close(&g->prog[i]);
	for (int i = 0; i < HOST_N_LINKS; i++)
		cleanup_close(&g->host_prog[i]);
	for (int i = 0; i < GATE_N_MAPS; i++)
		cleanup_close(&g->map[i]);
	cleanup_close(&g->state);
	cleanup_close(&g->socket);
	cleanup_close(&g->traffic);
	ruleset_free(&g->seats);
	free(g->ifaces);
	free(g->owners);
	free(g->name);
	free(g->netns);
	free(g->cgroup);
	free(g->dir);
	free(g);
}

static void gate_closep(struct gate **g)
{
	gate_close(*g);
}

static struct gate *gate_new(struct node *node, const struct gate_spec *spec, uint64_t inode)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->node = node;
	g->id = spec->id;
	g->inode = inode;
	for (int i = 0; i < GATE_N_PROGRAMS; i++)
		g->prog[i] = -1;
	for (int i = 0; i < HOST_N_LINKS; i++)
		g->host_prog[i] = -1;
	for (int i = 0; i < GATE_N_MAPS; i++)
		g->map[i] = -1;
	g->state = g->socket = g->traffic = -1;
	g->name = strdup(spec->name);
	g->netns = spec->cgroup ? NULL : strdup(spec->netns);
	g->cgroup = spec->cgroup ? strdup(spec->cgroup) : NULL;
	g->dir = pins_path(node->gates, spec->name);
	if (g->name && (g->netns || g->cgroup) && g->dir)
		return g;
	gate_close(g);
	return NULL;
}

/* The ledger finds the gate by the namespace of a socket. */
static int enroll(struct gate *g, struct fault *f)
{
	uint32_t inode = (uint32_t)g->inode; /* namespace inodes are 32 bits wide */
	int r;

	if (g->cgroup || g->node->map[NODE_NETNS] < 0)
		return 0;
	r = bpf_map_update_elem(g->node->map[NODE_NETNS], &inode, &g->id, BPF_ANY);
	return r < 0 ? fault_set(f, -r, "can't enter gate \"%s\" in the ledger: %s", g->name,
				 strerror(-r))
		     : 0;
}

static int write_about(struct gate *g, struct fault *f)
{
	struct plic_gate about = {
		.abi = PLIC_ABI,
		.id = g->id,
		.netns_ino = g->cgroup ? 0 : g->inode,
		.cgroup_id = g->cgroup ? g->inode : 0,
		.since_ns = g->since_ns,
	};
	uint32_t zero = 0;
	int r = bpf_map_update_elem(g->map[GATE_ABOUT], &zero, &about, BPF_ANY);

	return r < 0 ? fault_set(f, -r, "can't write what gate \"%s\" is: %s", g->name,
				 strerror(-r))
		     : 0;
}

/*
 * From the inside out: the rules first, then egress, so that the pod's own flows are known, those
 * that stand are marked, and only then is anything denied. The `socket` pin comes last of the links:
 * pins without it are of a gate that was never up.
 */
static int attach_all(struct gate *g, struct fault *f)
{
	_netns_home_ int home = -1;
	uint64_t now = boot_now_ns();
	int r = gate_enter(g, &home, f);

	if (r == 0)
		r = gate_list_ifaces(g, f);
	if (r == 0)
		r = gate_cover(g, HOOK_EGRESS, NULL, f);
	if (r == 0)
		r = gate_seed(g, f);
	if (r == 0 && g->seats.cells)
		r = seats_seed(g, NULL, &g->seats, f);
	if (r == 0)
		r = gate_cover(g, HOOK_WIRE, NULL, f);
	if (r == 0)
		r = gate_attach_socket(g, f);
	if (r == 0)
		g->covered_ns = now;
	return r;
}

static int load(struct gate *g, bool marked, struct fault *f)
{
	return g->cgroup ? host_load(g, marked, f) : gate_load(g, marked, f);
}

static bool is_spare(const struct node *node, uint32_t id)
{
	uint32_t inner;

	return bpf_map_lookup_elem(node->map[NODE_SETS], &id, &inner) == -ENOENT &&
	       !(node->claimed[id / 8] >> id % 8 & 1);
}

/* One that no set stands behind, which may be that of a gate that the agent doesn't know yet; until unclaim(). */
static int claim_id(struct gate *g, struct fault *f)
{
	struct node *node = g->node;
	uint32_t id = PLIC_MAX_GATES;
	int r = 0;

	pthread_mutex_lock(&node->lock);
	while (r == 0 && !is_spare(node, g->id)) {
		if (id-- == 0)
			r = -ENOSPC;
		else
			g->id = id;
	}
	if (r == 0)
		node->claimed[g->id / 8] |= (uint8_t)(1U << g->id % 8);
	pthread_mutex_unlock(&node->lock);
	return r < 0 ? fault_set(f, ENOSPC, "no id is left for gate \"%s\": the most is %d gates",
				 g->name, PLIC_MAX_GATES)
		     : 0;
}

/* Its set stands by now, or nothing of it. */
static void unclaim_id(struct gate *g)
{
	struct node *node = g->node;

	pthread_mutex_lock(&node->lock);
	node->claimed[g->id / 8] &= (uint8_t) ~(1U << g->id % 8);
	pthread_mutex_unlock(&node->lock);
}

static int establish(struct gate *g, const struct gate_spec *spec, const struct ruleset *set,
		     struct fault *f)
{
	int r = claim_id(g, f);

	if (r < 0)
		return r;
	r = pins_mkdir(g->dir, f);
	g->since_ns = boot_now_ns();
	if (r == 0)
		r = load(g, false, f);
	if (r == 0)
		r = write_about(g, f);
	if (r == 0)
		r = gate_pin_maps(g, f);
	if (r == 0)
		r = quotas_put(g->node, g->id, spec->used, spec->n_used, f);
	if (r == 0)
		r = gate_apply(g, set, f);
	if (r == 0)
		r = g->cgroup ? host_cover(g, NULL, f) : attach_all(g, f);
	if (r == 0)
		r = enroll(g, f);
	if (r < 0)
		gate_collect_dir(g->node->dir, g->name, g->netns, NULL);
	unclaim_id(g);
	return r;
}

/* In the namespace: the interfaces are those of now. */
static int adopt_netns(struct gate *g, struct fault *f)
{
	int r = gate_adopt_links(g, f);

	if (r == 0)
		r = gate_list_ifaces(g, f);
	for (enum gate_hook hook = 0; hook < GATE_N_TC && r == 0; hook++)
		r = gate_cover(g, hook, NULL, f);
	if (r == 0)
		gate_adopt_shield(g);
	return r;
}

/* What the programs go by until the next set is in force. Lost: then all who stand get seats. */
static void keep_present(struct gate *g)
{
	_cleanup_(ruleset_free) struct ruleset set = {0};
	uint32_t n_cells;
	_close_ int cells = outer_get(g->node->map[NODE_SETS], g->id, &n_cells);

	if (cells >= 0 && !rules_read(cells, n_cells, &set, NULL))
		seats_keep(g, &set);
}

/* Nothing is changed before everything that can fail for lack of something has been had. */
static int adopt(struct gate *g, const struct plic_gate *about, const struct ruleset *set,
		 struct fault *f)
{
	_netns_home_ int home = -1;
	uint32_t elements = 0;
	int r;

	g->id = about->id;
	g->since_ns = about->since_ns;
	g->traffic = outer_get(g->node->map[NODE_TRAFFIC], g->id, &elements);
	g->traffic_slots = elements / (g->node->n_cpus + 1);
	gate_find_maps(g);
	r = load(g, true, f);
	if (r == 0)
		r = write_about(g, f);
	if (r == 0)
		r = gate_pin_maps(g, f);
	if (r == 0)
		r = gate_enter(g, &home, f);
	keep_present(g);
	if (r == 0)
		r = gate_apply(g, set, f);
	if (r == 0)
		r = g->cgroup ? host_adopt(g, f) : adopt_netns(g, f);
	g->covered_ns = boot_now_ns();
	return r ? r : enroll(g, f);
}

/* In the gate's namespace: all that its programs need before they judge, none of them attached. */
static int prepare(struct gate *g, const struct gate_spec *spec, const struct ruleset *set,
		   struct fault *f)
{
	int r = load(g, false, f);

	if (r == 0)
		r = quotas_put(g->node, g->id, spec->used, spec->n_used, f);
	if (r == 0)
		r = gate_apply(g, set, f);
	if (r == 0 && !g->cgroup)
		r = gate_list_ifaces(g, f);
	if (r == 0 && !g->cgroup)
		r = gate_seed(g, f);
	if (r == 0 && g->seats.cells)
		r = seats_seed(g, NULL, &g->seats, f);
	if (r < 0)
		gate_forget(g->node->maps, g->id);
	return r;
}

/*
 * A gate of another version, whose tables can't be read: its links are given the new programs, with tables and
 * an id of their own, so that at any time the old ones judge or the new ones. What fails leaves the old ones.
 */
static int renew(struct gate *g, const struct gate_spec *spec, const struct plic_gate *about,
		 const struct ruleset *set, struct fault *f)
{
	_netns_home_ int home = -1;
	int r = claim_id(g, f);

	if (r < 0)
		return r;
	g->since_ns = boot_now_ns();
	r = gate_enter(g, &home, f);
	if (r == 0)
		r = prepare(g, spec, set, f);
	if (r == 0)
		r = write_about(g, f);
	if (r == 0)
		r = gate_pin_maps(g, f);
	if (r == 0)
		r = g->cgroup ? host_adopt(g, f) : adopt_netns(g, f);
	g->covered_ns = boot_now_ns();
	if (r == 0)
		r = enroll(g, f);
	if (r == 0)
		gate_forget(g->node->maps, about->id);
	unclaim_id(g);
	return r;
}

/* Whether the pins in dir are those of a gate that was up in the namespace, and still is. */
static bool is_up(struct gate *g, struct plic_gate *about)
{
	if (gate_about(g->dir, about) < 0 ||
	    (g->cgroup ? about->cgroup_id : about->netns_ino) != g->inode)
		return false;
	/* Inodes are given out again; the link of a namespace that died has none. */
	g->socket = pins_get(g->dir, g->cgroup ? GATE_PIN_HOST : GATE_PIN_SOCKET);
	return gate_linked(g);
}

/* Pinned, and of no use to us any more; a node may have thousands of gates. */
static void close_spare_maps(struct gate *g)
{
	static const enum gate_map spare[] = {GATE_ABOUT, GATE_CLIENTS};

	for (size_t i = 0; i < ARRAY_SIZE(spare); i++) {
		cleanup_close(&g->map[spare[i]]);
		g->map[spare[i]] = -1;
	}
}

int gate_open(struct node *node, const struct gate_spec *spec, const struct ruleset *set,
	      struct gate **out, struct fault *f)
{
	_cleanup_(gate_closep) struct gate *g = NULL;
	struct plic_gate about;
	uint64_t inode;
	int r = spec->cgroup ? cgroup_id(spec->cgroup, &inode, f)
			     : netns_inode(spec->netns, &inode, f);

	if (r < 0)
		return r;
	if (spec->place &&
	    spec->place != inode) /* a PID came to be another's, a process went elsewhere */
		return fault_set(f, ENOENT, "\"%s\" is another %s by now",
				 spec->cgroup ? spec->cgroup : spec->netns,
				 spec->cgroup ? "cgroup" : "namespace");
	g = gate_new(node, spec, inode);
	if (!g)
		return fault_set(f, ENOMEM, "no memory for gate \"%s\"", spec->name);
	if (is_up(g, &about)) {
		r = about.abi == PLIC_ABI ? adopt(g, &about, set, f)
					  : renew(g, spec, &about, set, f);
	} else {
		cleanup_close(&g->socket);
		g->socket = -1;
		r = gate_collect(node, spec->name, f);
		if (r == 0)
			r = establish(g, spec, set, f);
	}
	if (r < 0)
		return r;
	close_spare_maps(g);
	*out = TAKE_PTR(g);
	return 0;
}

int gate_peek(struct node *node, const char *name, struct plic_gate *about, struct ruleset *set,
	      struct fault *f)
{
	_free_ char *dir = pins_path(node->gates, name);
	_close_ int cells = -1;
	uint32_t n_cells;
	int r = dir ? gate_about(dir, about) : -ENOMEM;

	if (r == 0 && about->abi != PLIC_ABI)
		return fault_set(f, ESTALE, "the pins of gate \"%s\" are of another version", name);
	if (r == 0)
		r = cells = outer_get(node->map[NODE_SETS], about->id, &n_cells);
	if (r < 0)
		return fault_set(f, -r, "can't read the pins of gate \"%s\": %s", name,
				 strerror(-r));
	return rules_read(cells, n_cells, set, f);
}

int gate_remove(struct gate *g, struct fault *f)
{
	int r = gate_collect_dir(g->node->dir, g->name, gate_linked(g) ? g->netns : NULL, f);

	gate_close(g);
	return r;
}

uint32_t gate_id(const struct gate *g)
{
	return g->id;
}

uint64_t gate_since_ns(const struct gate *g)
{
	return g->since_ns;
}
