/* SPDX-License-Identifier: MIT */
/* flows.c - the table of the pod's own flows: what is put in and taken out from here, what it lost. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "gate_priv.h"
#include "hash.h"
#include "inbound.h"

#define LRU_LOCAL_FREE 128 /* free entries that the kernel's LRU gives to a CPU at once */

struct record {
	struct plic_flow_key key;
	struct plic_flow flow;
};

/* A tombstone of a port where something stood when the gate came. */
static bool is_drained(const struct ruleset *set, const struct plic_flow_key *key)
{
	const struct plic_rule *rule;
	uint16_t slot;

	if (key->proto != IPPROTO_UDP)
		return false;
	rule = ruleset_lookup(set, key->proto, key->local_port, RULESET_LASTING, &slot);
	for (size_t i = 0; i < rule->n_grants; i++)
		if (!rule->grants[i].license &&
		    rule->grants[i].ended_reason == PLIC_REASON_UNLICENSED)
			return true;
	return false;
}

static int read_flows(const struct gate *g, struct record **out, size_t *n)
{
	return hash_read(g->map[GATE_FLOWS], sizeof((*out)->key), sizeof((*out)->flow),
			 (void **)out, n);
}

/* All that went into the table, less what user space took out. */
static int read_entered(const struct gate *g, uint64_t *entered)
{
	_free_ uint64_t *lanes = calloc(g->node->n_cpus, sizeof(*lanes));
	int r = lanes ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < PLIC_N_FLOWED && r == 0; i++) {
		r = bpf_map_lookup_elem(g->map[GATE_FLOWED], &i, lanes);
		for (unsigned int cpu = 0; cpu < g->node->n_cpus; cpu++)
			*entered += lanes[cpu];
	}
	return r;
}

static int add_entered(const struct gate *g, int64_t n)
{
	_free_ uint64_t *lanes = calloc(g->node->n_cpus, sizeof(*lanes));
	uint32_t user = PLIC_FLOWED_USER;
	int r = lanes ? bpf_map_lookup_elem(g->map[GATE_FLOWED], &user, lanes) : -ENOMEM;

	if (r < 0 || !n)
		return r;
	lanes[0] += (uint64_t)n;
	return bpf_map_update_elem(g->map[GATE_FLOWED], &user, lanes, BPF_ANY);
}

int gate_forget_drained(struct gate *g, const struct ruleset *set, struct fault *f)
{
	_free_ struct record *flows = NULL;
	int64_t gone = 0;
	size_t n = 0;
	int r = read_flows(g, &flows, &n);

	for (size_t i = 0; i < n; i++)
		if (is_drained(set, &flows[i].key) &&
		    bpf_map_delete_elem(g->map[GATE_FLOWS], &flows[i].key) == 0)
			gone++;
	if (r == 0)
		r = add_entered(g, -gone);
	return r < 0 ? fault_set(f, -r, "can't read the flows of gate \"%s\": %s", g->name,
				 strerror(-r))
		     : 0;
}

/*
 * A socket without a remote end doesn't tell whom it asked before egress stood. On an ephemeral port it is
 * taken for a client's, and hears whoever answers for as long as after a multicast (PLIC_ANY_REMOTE_NS).
 */
int gate_seed_flows(struct gate *g, const struct sockets *s, struct fault *f)
{
	struct plic_flow flow = {.last_ns = boot_now_ns()};
	int64_t n = 0;
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0; i++) {
		const struct sock_entry *e = &s->list[i];
		struct plic_flow_key key = {.local_port = e->local_port, .proto = IPPROTO_UDP};

		if (e->ip_proto != IPPROTO_UDP || e->connected ||
		    e->local_port < s->ephemeral.first || e->local_port > s->ephemeral.last)
			continue;
		r = bpf_map_update_elem(g->map[GATE_FLOWS], &key, &flow, BPF_NOEXIST);
		n += r == 0;
		if (r == -EEXIST)
			r = 0;
	}
	if (r == 0)
		r = add_entered(g, n);
	return r < 0 ? fault_set(f, -r, "can't enter the flows of gate \"%s\": %s", g->name,
				 strerror(-r))
		     : 0;
}

static int find_room(struct gate *g)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	int r = g->flows.room ? 0 : bpf_obj_get_info_by_fd(g->map[GATE_FLOWS], &info, &len);

	if (!g->flows.room)
		g->flows.room = info.max_entries;
	return r;
}

/*
 * What was lost is what went in less what is there, counted after it: a flow that comes meanwhile makes it
 * less, never more. Nothing is lost while there is more room than the CPUs may hold back for themselves.
 */
static int count_flows(struct gate *g)
{
	_free_ struct record *flows = NULL;
	size_t there = 0;
	uint64_t entered = 0, held = (uint64_t)g->node->n_cpus * 2 * LRU_LOCAL_FREE;
	int r = find_room(g);

	if (r == 0)
		r = read_entered(g, &entered);
	if (r < 0)
		return r;
	if (g->flows.there + (entered - g->flows.entered) + held < g->flows.room) {
		there = g->flows.there + (entered - g->flows.entered);
	} else {
		r = read_flows(g, &flows, &there);
		if (r == 0 && entered > there && entered - there > g->flows.evicted)
			g->flows.evicted = entered - there;
	}
	g->flows.entered = entered;
	g->flows.there = (uint32_t)there;
	return r;
}

int gate_count_flows(struct gate *g, struct fault *f)
{
	int r = count_flows(g);

	return r < 0 ? fault_set(f, -r, "can't count the flows of gate \"%s\": %s", g->name,
				 strerror(-r))
		     : 0;
}
