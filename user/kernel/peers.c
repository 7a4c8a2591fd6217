/* SPDX-License-Identifier: MIT */
/* peers.c - the clients of a gate's ports: tables of the programs and live sockets, joined. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "gate_priv.h"
#include "hash.h"
#include "inbound.h"
#include "outer.h"
#include "peertable.h"
#include "pins.h"
#include "rules.h"

/* A peer, and the slot that its port counts in; port 0: some port of the slot's. */
struct row {
	struct gate_peer peer;
	uint16_t slot;
};

struct rows {
	struct row *list;
	size_t n, room;
	int error;
	uint64_t since_ns;
	const struct sockets *sockets;
	const struct ruleset *set;
	const struct plic_slot *slots;
	size_t n_slots;
};

static int add(struct rows *rows, const struct row *row)
{
	if (array_grow(&rows->list, rows->n, &rows->room, sizeof(*rows->list)))
		return -ENOMEM;
	rows->list[rows->n++] = *row;
	return 0;
}

static void add_socket(const struct sock_entry *e, void *data)
{
	struct rows *rows = data;
	struct row row = {
		.peer = {.ip_proto = e->ip_proto, .port = e->local_port, .live = 1},
	};

	memcpy(row.peer.remote, e->remote, sizeof(row.peer.remote));
	ruleset_lookup(rows->set, e->ip_proto, e->local_port, RULESET_LASTING, &row.slot);
	if (e->ip_proto == IPPROTO_TCP && row.slot == PLIC_SLOT_OTHER &&
	    !port_set_has(&rows->sockets->tcp, e->local_port))
		return;
	if (!rows->error)
		rows->error = add(rows, &row);
}

static int add_tcp(const struct plic_peer_key *key, const struct plic_peer *peer, void *data)
{
	struct rows *rows = data;
	struct row row = {
		.peer = {.ip_proto = IPPROTO_TCP,
			 .last_ns = peer->last_ns,
			 .connections = peer->connections},
		.slot = key->slot,
	};

	if (peer->last_ns < rows->since_ns || !key->slot || key->slot >= rows->n_slots)
		return 0;
	memcpy(row.peer.remote, key->remote, sizeof(row.peer.remote));
	return add(rows, &row);
}

static int add_client(struct rows *rows, const struct plic_flow_key *key,
		      const struct plic_flow *flow)
{
	struct row row = {
		.peer = {.ip_proto = key->proto, .port = key->local_port, .last_ns = flow->last_ns},
	};

	if (flow->last_ns < rows->since_ns)
		return 0;
	memcpy(row.peer.remote, key->remote, sizeof(row.peer.remote));
	ruleset_lookup(rows->set, key->proto, key->local_port, RULESET_LASTING, &row.slot);
	return add(rows, &row);
}

/* UDP and SCTP. */
static int add_clients(const struct gate *g, struct rows *rows)
{
	struct record {
		struct plic_flow_key key;
		struct plic_flow flow;
	};
	_free_ struct record *clients = NULL;
	_close_ int fd = pins_get(g->dir, PLIC_MAP_CLIENTS);
	size_t n = 0;
	int r = fd < 0 ? fd
		       : hash_read(fd, sizeof(clients->key), sizeof(clients->flow),
				   (void **)&clients, &n);

	for (size_t i = 0; i < n && r == 0; i++)
		r = add_client(rows, &clients[i].key, &clients[i].flow);
	return r;
}

/* Protocol, slot, address, port: a slot's peer without a port comes ahead of those with one. */
static int by_slot(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r;

	if (x->peer.ip_proto != y->peer.ip_proto)
		return x->peer.ip_proto - y->peer.ip_proto;
	if (x->slot != y->slot)
		return x->slot - y->slot;
	r = memcmp(x->peer.remote, y->peer.remote, sizeof(x->peer.remote));
	return r ? r : x->peer.port - y->peer.port;
}

static int by_port(const void *a, const void *b)
{
	const struct gate_peer *x = a, *y = b;

	if (x->ip_proto != y->ip_proto)
		return x->ip_proto - y->ip_proto;
	if (x->port != y->port)
		return x->port - y->port;
	return memcmp(x->remote, y->remote, sizeof(x->remote));
}

static bool same_client(const struct row *a, const struct row *b)
{
	return a->peer.ip_proto == b->peer.ip_proto && a->slot == b->slot &&
	       !memcmp(a->peer.remote, b->peer.remote, sizeof(a->peer.remote));
}

static void join(struct gate_peer *to, const struct gate_peer *from)
{
	to->live += from->live;
	if (from->last_ns > to->last_ns)
		to->last_ns = from->last_ns;
	if (from->connections > to->connections)
		to->connections = from->connections;
}

/* rows are sorted by slot. What the ledger knows of a client holds for all its live ports. */
static size_t merge(const struct rows *rows, struct gate_peer *out)
{
	const struct row *ledger = NULL;
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->list[i];
		const struct row *next = i + 1 < rows->n ? row + 1 : NULL;

		if (i == 0 || !same_client(row - 1, row))
			ledger = NULL;
		if (!row->peer.port) {
			ledger = row;
			if (next && same_client(row, next))
				continue;
			out[n] = row->peer;
			out[n++].port = rows->slots[row->slot].port;
			continue;
		}
		if (i && same_client(row - 1, row) && row[-1].peer.port == row->peer.port) {
			join(&out[n - 1], &row->peer);
			continue;
		}
		out[n++] = row->peer;
		if (ledger)
			join(&out[n - 1], &ledger->peer);
	}
	return n;
}

static int collect(struct gate *g, struct rows *rows, struct fault *f)
{
	int peers = g->node->map[NODE_PEERS];
	int r = inbound_each(g, rows->sockets, add_socket, rows, f);

	if (r < 0)
		return r;
	r = rows->error;
	if (r == 0 && peers >= 0)
		r = peertable_each(peers, g->id, add_tcp, rows);
	if (r == 0)
		r = add_clients(g, rows);
	return r < 0 ? fault_set(f, -r, "can't read the clients of gate \"%s\": %s", g->name,
				 strerror(-r))
		     : 0;
}

static int read_set(const struct gate *g, struct ruleset *set, struct fault *f)
{
	uint32_t n_cells;
	_close_ int cells = outer_get(g->node->map[NODE_SETS], g->id, &n_cells);

	if (cells < 0)
		return fault_set(f, -cells, "can't read the rules of gate \"%s\": %s", g->name,
				 strerror(-cells));
	return rules_read(cells, n_cells, set, f);
}

static int read_sockets(struct gate *g, struct sockets **out, struct fault *f)
{
	_netns_home_ int home = -1;
	int r = gate_enter(g, &home, f);

	return r ? r : sockets_read(g, out, f);
}

int gate_peers(struct gate *g, uint64_t since_ns, struct gate_peer **out, size_t *n,
	       struct fault *f)
{
	_cleanup_(ruleset_free) struct ruleset set = {0};
	_sockets_ struct sockets *sockets = NULL;
	_free_ struct plic_slot *slots = NULL;
	_free_ struct row *list = NULL;
	struct rows rows = {.since_ns = since_ns > g->since_ns ? since_ns : g->since_ns};
	struct gate_peer *peers;
	int r = read_set(g, &set, f);

	if (r == 0)
		r = ruleset_slots(&set, &slots, &rows.n_slots, f);
	if (r == 0)
		r = read_sockets(g, &sockets, f);
	if (r < 0)
		return r;
	rows.set = &set;
	rows.slots = slots;
	rows.sockets = sockets;
	r = collect(g, &rows, f);
	list = rows.list;
	if (r < 0)
		return r;
	peers = calloc(rows.n + 1, sizeof(*peers));
	if (!peers)
		return fault_set(f, ENOMEM, "no memory");
	if (rows.n)
		qsort(rows.list, rows.n, sizeof(*rows.list), by_slot);
	*n = merge(&rows, peers);
	qsort(peers, *n, sizeof(*peers), by_port);
	*out = peers;
	return 0;
}
