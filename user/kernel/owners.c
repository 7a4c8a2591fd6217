/* SPDX-License-Identifier: MIT */
/* owners.c - from sockets to the containers that made them. */
#include "owners.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cgroups.h"
#include "cleanup.h"
#include "gate_priv.h"
#include "hash.h"
#include "inbound.h"

static int by_key(const void *a, const void *b)
{
	const struct gate_owner *x = a, *y = b;

	return memcmp(&x->key, &y->key, sizeof(x->key));
}

static bool waits_for_clients(const struct sock_entry *e)
{
	return e->local_port && e->cgroup &&
	       (e->ip_proto == IPPROTO_TCP ? e->tcp_state == TCP_LISTEN : !e->connected);
}

/* Each port once; id 0 where there are several. */
static size_t list_owners(const struct gate *g, const struct sockets *s, struct gate_owner *out)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct sock_entry *e = &s->list[i];

		if (waits_for_clients(e))
			out[n++] = (struct gate_owner){
				.key = {.gate = g->id, .port = e->local_port, .proto = e->ip_proto},
				.id = cgroups_whole(g->node, e->cgroup)};
	}
	qsort(out, n, sizeof(*out), by_key);
	for (size_t i = 0; i < n; i++) {
		if (!kept || by_key(&out[kept - 1], &out[i]))
			out[kept++] = out[i];
		else if (out[kept - 1].id != out[i].id)
			out[kept - 1].id = 0;
	}
	return kept;
}

_Static_assert(sizeof(struct gate_owner) == sizeof(struct plic_owner_key) + sizeof(uint64_t),
	       "records of hash_read");

/* What an earlier agent, or the gate that had this id before, left. */
static int forget_others(int map, const struct gate *g, const struct gate_owner *now, size_t n)
{
	_free_ struct gate_owner *before = NULL;
	size_t n_before = 0;
	int r = hash_read(map, sizeof(before->key), sizeof(before->id), (void **)&before,
			  &n_before);

	for (size_t i = 0; i < n_before; i++)
		if (before[i].key.gate == g->id &&
		    !(n && bsearch(&before[i], now, n, sizeof(*now), by_key)))
			bpf_map_delete_elem(map, &before[i].key);
	return r;
}

static void forget_gone(int map, const struct gate *g, const struct gate_owner *now, size_t n)
{
	for (size_t i = 0; i < g->n_owners; i++)
		if (!n || !bsearch(&g->owners[i], now, n, sizeof(*now), by_key))
			bpf_map_delete_elem(map, &g->owners[i].key);
}

static int write_one(int map, const struct gate_owner *owner)
{
	uint64_t was;

	if (!owner->id) {
		bpf_map_delete_elem(map, &owner->key);
		return 0;
	}
	if (!bpf_map_lookup_elem(map, &owner->key, &was) && was == owner->id)
		return 0;
	return bpf_map_update_elem(map, &owner->key, &owner->id, BPF_ANY);
}

int owners_write(struct gate *g, const struct sockets *s, struct fault *f)
{
	_free_ struct gate_owner *now = calloc(s->n + 1, sizeof(*now));
	int map = g->node->map[NODE_OWNERS], r = now ? 0 : -ENOMEM;
	size_t n = now ? list_owners(g, s, now) : 0;

	if (r == 0 && !g->owners)
		r = forget_others(map, g, now, n);
	if (r == 0)
		forget_gone(map, g, now, n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = write_one(map, &now[i]);
	if (r < 0)
		return fault_set(f, -r, "can't write who listens in gate \"%s\": %s", g->name,
				 strerror(-r));
	free(g->owners);
	g->owners = TAKE_PTR(now);
	g->n_owners = n;
	return 0;
}
