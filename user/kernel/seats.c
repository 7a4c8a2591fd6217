/* SPDX-License-Identifier: MIT */
/* seats.c - who stands, who sits, and what to do where the two differ. */
#include "seats.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "address.h"
#include "cleanup.h"
#include "gate_priv.h"
#include "guest.h"
#include "inbound.h"
#include "netns.h"
#include "seattable.h"
#include "shares.h"

#define SETTLED_NS 100000000ULL
#define UNREAD_NS 10000000000ULL

/* A connection that somebody outside began, to a port with seats. */
struct row {
	struct seats_gate *at;
	const struct sockets *of;
	struct sock_entry socket;
};

struct round {
	struct node *node;
	struct seats_gate *gates;
	size_t n_gates;
	bool all;
	uint64_t now_ns;
	struct row *rows; /* by port, client, gate */
	size_t n, room;
	struct sockets **sockets; /* of each gate that was read: where to end them */
	size_t n_sockets;
};

/* What is being read. */
struct reading {
	struct round *round;
	const struct sockets *sockets;
	struct seats_gate *at;
	const struct ruleset *set;
	int error;
};

static void round_free(struct round *r)
{
	for (size_t i = 0; i < r->n_sockets; i++)
		sockets_free(&r->sockets[i]);
	free(r->sockets);
	free(r->rows);
}

/* Not who is still shaking hands, nor what a server has closed and only the kernel remembers. */
static bool sits(const struct sock_entry *e)
{
	return e->tcp_state != TCP_SYN_RECV && (e->tcp_state != TCP_FIN_WAIT2 || e->inode);
}

static void add_row(const struct sock_entry *e, void *data)
{
	struct reading *reading = data;
	struct round *r = reading->round;
	struct seating s;

	if (e->ip_proto != IPPROTO_TCP || !sits(e) || reading->error ||
	    !seating_at(reading->set, IPPROTO_TCP, e->local_port, r->now_ns, &s))
		return;
	reading->error = array_grow(&r->rows, r->n, &r->room, sizeof(*r->rows));
	if (reading->error)
		return;
	r->rows[r->n++] = (struct row){reading->at, reading->sockets, *e};
}

static int read_rows(struct round *r, struct seats_gate *at, const struct ruleset *set,
		     struct fault *f)
{
	struct reading reading = {.round = r, .at = at, .set = set};
	struct sockets *sockets = NULL;
	_netns_home_ int home = -1;
	int result;

	if (!r->sockets)
		r->sockets = calloc(r->n_gates, sizeof(struct sockets *));
	if (!r->sockets)
		return -ENOMEM;
	result = gate_enter(at->gate, &home, f);

	if (result == 0)
		result = sockets_read(at->gate, &sockets, f);
	if (result == 0)
		r->sockets[r->n_sockets++] = sockets;
	reading.sockets = sockets;
	if (result == 0)
		result = inbound_each(at->gate, sockets, add_row, &reading, f);
	return result ? result : reading.error;
}

static int compare_clients(const struct row *x, uint16_t port, const uint8_t remote[16])
{
	return x->socket.local_port != port ? x->socket.local_port - port
					    : memcmp(x->socket.remote, remote, 16);
}

static int by_client(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = compare_clients(x, y->socket.local_port, y->socket.remote);

	return c ? c : (x->at > y->at) - (x->at < y->at);
}

/* The first connection of a client to a port, of whatever gate; NULL: none. */
static const struct row *find_client(const struct round *r, const struct plic_seated_key *key)
{
	size_t from = 0, to = r->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (compare_clients(&r->rows[mid], key->usage.port, key->address) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from < r->n && !compare_clients(&r->rows[from], key->usage.port, key->address)
		       ? &r->rows[from]
		       : NULL;
}

static bool concerns(const struct seats_gate *at, const struct plic_usage_key *usage)
{
	return usage->owner == PLIC_NODE_WIDE || usage->owner == at->gate->id;
}

/* The limit as this gate has it. */
static bool gate_keeps(const struct round *r, const struct seats_gate *at,
		       const struct plic_usage_key *usage, struct seating *s)
{
	return at->gate->seats.cells && concerns(at, usage) &&
	       seating_at(&at->gate->seats, usage->proto, usage->port, r->now_ns, s) &&
	       seating_find(s, usage->line);
}

/* What isn't known to be over is alive. */
static bool is_alive(const struct plic_usage_key *usage, void *data)
{
	const struct round *r = data;
	bool known = usage->owner == PLIC_NODE_WIDE && r->all;
	struct seating s;

	for (size_t i = 0; i < r->n_gates; i++) {
		const struct seats_gate *at = &r->gates[i];

		if (!concerns(at, usage))
			continue;
		if (at->result || gate_keeps(r, at, usage, &s))
			return true;
		known |= usage->owner == at->gate->id;
	}
	return !known;
}

/* Is every gate known in which its client could stand? */
static bool all_read(const struct round *r, const struct plic_usage_key *usage)
{
	bool known = usage->owner == PLIC_NODE_WIDE && r->all;

	for (size_t i = 0; i < r->n_gates; i++) {
		if (!concerns(&r->gates[i], usage))
			continue;
		if (r->gates[i].result)
			return false;
		known |= usage->owner == r->gates[i].gate->id;
	}
	return known;
}

static bool stands(const struct round *r, const struct plic_seated_key *key)
{
	const struct row *row = find_client(r, key);

	for (; row && row < r->rows + r->n && !compare_clients(row, key->usage.port, key->address);
	     row++)
		if (concerns(row->at, &key->usage))
			return true;
	return false;
}

static bool has_ended(const struct round *r, const struct plic_usage_key *usage)
{
	struct seating s;
	uint32_t seats;

	for (size_t i = 0; i < r->n_gates; i++)
		if (gate_keeps(r, &r->gates[i], usage, &s))
			return !limit_room(r->node, seating_find(&s, usage->line), usage, r->now_ns,
					   &seats);
	return false;
}

static bool is_over(struct round *r, const struct seat *seat)
{
	const struct plic_usage_key *usage = &seat->key.usage;

	if (!is_alive(usage, r) || has_ended(r, usage))
		return true;
	if (usage->proto != IPPROTO_TCP)
		return r->now_ns > seat->value.last_ns + PLIC_CLIENT_NS;
	/* Who has sat down since the sockets were read isn't among them; the programs' clock is a jiffy late. */
	return r->now_ns > seat->value.last_ns + SETTLED_NS && all_read(r, usage) &&
	       !stands(r, &seat->key);
}

/* In the namespace of its gate. One that is gone meanwhile is what we want. */
static void cut(const struct row *row, size_t n)
{
	_netns_home_ int home = -1;
	struct seats_gate *at = row->at;

	if (gate_enter(at->gate, &home, NULL))
		return;
	for (size_t i = 0; i < n; i++) {
		_netns_home_ int before = -1;

		if (sockets_enter(row[i].of, &row[i].socket, &before, NULL) == 0)
			at->cut += sockdiag_destroy(&row[i].socket) == 0;
	}
}

/* Rows of one client in one gate, from row on. */
static size_t group(const struct round *r, const struct row *row)
{
	size_t n = 1;

	while (row + n < r->rows + r->n && !by_client(row, row + n))
		n++;
	return n;
}

/* Forgotten, so that it doesn't get its seat again. */
static void strike(struct round *r, const struct row *row, size_t n)
{
	size_t at = (size_t)(row - r->rows);

	memmove(&r->rows[at], &r->rows[at + n], (r->n - at - n) * sizeof(*r->rows));
	r->n -= n;
}

/*
 * With so many taken there is no seat left of the limit that a client sits in; 0: it isn't enforced there.
 * The node's share is no end while there may be more to borrow.
 */
static uint32_t enforced_seats(const struct round *r, const struct seats_gate *at,
			       const struct plic_usage_key *usage)
{
	const struct seat_limit *limit;
	struct plic_share share;
	struct seating s;

	if (!gate_keeps(r, at, usage, &s) || !s.asks || s.mode != PLIC_ENFORCE)
		return 0;
	limit = seating_find(&s, usage->line);
	if (limit->shared && shares_in_force(r->node, usage, r->now_ns, &share) && share.full &&
	    share.seats < limit->seats)
		return share.seats;
	return limit->seats;
}

/* Where all seats are taken, who is idle makes room. */
static void cut_idle(struct round *r, const struct seat *seat)
{
	const struct plic_usage_key *usage = &seat->key.usage;
	const struct row *row = find_client(r, &seat->key);

	if (!row || usage->proto != IPPROTO_TCP ||
	    r->now_ns <= seat->value.last_ns + PLIC_SEAT_IDLE_NS)
		return;
	while (row < r->rows + r->n && !compare_clients(row, usage->port, seat->key.address)) {
		size_t n = group(r, row);
		uint32_t seats = enforced_seats(r, row->at, usage);

		if (!seats || seattable_used(r->node, usage) < seats) {
			row += n;
			continue;
		}
		cut(row, n);
		strike(r, row, n);
		seattable_free(r->node, seat);
	}
}

static int free_seats(struct round *r)
{
	_free_ struct seat *seats = NULL;
	size_t n;
	int result = seattable_read(r->node, &seats, &n);

	for (size_t i = 0; result == 0 && i < n; i++) {
		if (is_over(r, &seats[i]))
			seattable_free(r->node, &seats[i]);
		else
			cut_idle(r, &seats[i]);
	}
	return result ? result : seattable_recount(r->node, is_alive, r);
}

/* False: there is no seat for it. */
static bool seat_client(const struct round *r, const struct row *row, size_t n,
			const struct ruleset *set, const struct ruleset *before, uint64_t before_ns)
{
	const struct sock_entry *e = &row->socket;
	struct guest g = {
		.node = r->node,
		.now_ns = r->now_ns,
		.key.usage = {.port = e->local_port, .proto = IPPROTO_TCP},
		.gate = row->at->gate->id,
		.connections = n,
	};

	if (!seating_at(set, IPPROTO_TCP, e->local_port, r->now_ns, &g.now) || !g.now.asks)
		return true;
	g.was_limited =
		before && seating_at(before, IPPROTO_TCP, e->local_port, before_ns, &g.before);
	memcpy(g.key.address, e->remote, sizeof(g.key.address));
	return guest_sit(&g);
}

static void seat_all(struct round *r)
{
	for (size_t i = 0, n; i < r->n; i += n) {
		const struct row *row = &r->rows[i];
		const struct gate *g = row->at->gate;

		n = group(r, row);
		if (!seat_client(r, row, n, &g->seats, g->unseeded ? NULL : &g->seats, g->seats_ns))
			cut(row, n);
	}
}

/* Nothing to do, as on most nodes. */
static bool is_idle(const struct round *r)
{
	struct plic_seated_key first;

	for (size_t i = 0; i < r->n_gates; i++)
		if (r->gates[i].gate->seats.cells)
			return false;
	return bpf_map_get_next_key(r->node->map[NODE_SEATED], NULL, &first) != 0 &&
	       bpf_map_get_next_key(r->node->map[NODE_SHARES], NULL, &first) != 0;
}

/*
 * Who sat by a share that has ended has been seen to, so the node may have another one. Who can't be read is not
 * waited for longer.
 */
static void sweep_shares(struct round *r)
{
	uint64_t settled_ns = SETTLED_NS; /* the programs' clock is a jiffy late */

	for (size_t i = 0; i < r->n_gates; i++)
		if (r->gates[i].result)
			settled_ns = UNREAD_NS;
	shares_sweep(r->node, r->now_ns > settled_ns ? r->now_ns - settled_ns : 0, is_alive, r);
}

int seats_round(struct node *node, struct seats_gate *gates, size_t n, bool all, struct fault *f)
{
	_cleanup_(round_free) struct round r = {
		.node = node, .gates = gates, .n_gates = n, .all = all, .now_ns = boot_now_ns()};
	int result;

	if (is_idle(&r))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (gates[i].gate->seats.cells)
			gates[i].result = read_rows(&r, &gates[i], &gates[i].gate->seats, NULL);
	if (r.n)
		qsort(r.rows, r.n, sizeof(*r.rows), by_client);
	result = free_seats(&r);
	if (result < 0)
		return fault_set(f, -result, "can't read who has seats: %s", strerror(-result));
	seat_all(&r);
	sweep_shares(&r);
	for (size_t i = 0; i < n; i++) {
		if (gates[i].result)
			continue;
		gates[i].gate->seats_ns = r.now_ns;
		gates[i].gate->unseeded = false;
	}
	return 0;
}

/* Those who sit by a count of the node that becomes one of the cluster. */
static void seed_seated(struct round *r, const struct ruleset *before, const struct ruleset *next)
{
	_free_ struct seat *seats = NULL;
	size_t n;

	if (seattable_read(r->node, &seats, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		const struct plic_usage_key *usage = &seats[i].key.usage;
		const struct seat_limit *limit;
		struct seating s, was;

		if (usage->owner != PLIC_NODE_WIDE ||
		    !seating_at(next, usage->proto, usage->port, r->now_ns, &s))
			continue;
		limit = seating_find(&s, usage->line);
		if (limit && limit->shared &&
		    !(before && seating_at(before, usage->proto, usage->port, r->now_ns, &was) &&
		      seating_gives(&was, usage->line, true)))
			shares_seed(r->node, usage, r->now_ns);
	}
}

int seats_seed(struct gate *g, const struct ruleset *before, const struct ruleset *next,
	       struct fault *f)
{
	struct seats_gate at = {.gate = g};
	_cleanup_(round_free) struct round r = {
		.node = g->node, .gates = &at, .n_gates = 1, .now_ns = boot_now_ns()};
	bool seats = ruleset_has_seats(next);
	int result = seats ? read_rows(&r, &at, next, f) : 0;

	if (r.n)
		qsort(r.rows, r.n, sizeof(*r.rows), by_client);
	/* Shares are read, then written, and seats are counted, then given. */
	pthread_mutex_lock(&g->node->lock);
	if (seats)
		seed_seated(&r, before, next);
	for (size_t i = 0, n; i < r.n && result == 0; i += n) {
		n = group(&r, &r.rows[i]);
		seat_client(&r, &r.rows[i], n, next, before, r.now_ns);
	}
	pthread_mutex_unlock(&g->node->lock);
	return result;
}

void seats_keep(struct gate *g, const struct ruleset *set)
{
	struct plic_cell *cells = NULL;

	/* Without memory for it the programs go on alone until the next set. */
	if (ruleset_has_seats(set))
		cells = calloc(set->n_cells, sizeof(*cells));
	if (cells)
		memcpy(cells, set->cells, set->n_cells * sizeof(*cells));
	if (!g->seats.cells)
		g->seats_ns = boot_now_ns();
	free(g->seats.cells);
	g->seats = (struct ruleset){cells, cells ? set->n_cells : 0};
}

static void add_share(struct gate_seats *list, size_t *n, const struct share *share)
{
	size_t i = 0;

	while (i < *n &&
	       (!list[i].node_wide || list[i].line != share->usage.line ||
		list[i].port != share->usage.port || list[i].ip_proto != share->usage.proto))
		i++;
	if (i == *n)
		list[(*n)++] = (struct gate_seats){.line = share->usage.line,
						   .port = share->usage.port,
						   .ip_proto = share->usage.proto,
						   .node_wide = true};
	list[i].shared = true;
	list[i].share = boot_now_ns() < share->until_ns ? share->seats : 0;
}

int gate_seats(struct gate *g, struct gate_seats **out, size_t *n, struct fault *f)
{
	_free_ struct seats_used *used = NULL;
	_free_ struct share *shares = NULL;
	struct gate_seats *list;
	size_t n_used, n_shares = 0;
	int r = seattable_read_used(g->node, &used, &n_used);

	if (r == 0)
		r = shares_read(g->node, &shares, &n_shares);
	if (r < 0)
		return fault_set(f, -r, "can't read the seats of gate \"%s\": %s", g->name,
				 strerror(-r));
	list = calloc(n_used + n_shares + 1, sizeof(*list));
	if (!list)
		return fault_set(f, ENOMEM, "no memory");
	*n = 0;
	for (size_t i = 0; i < n_used; i++) {
		const struct plic_usage_key *usage = &used[i].usage;

		if (usage->owner != PLIC_NODE_WIDE && usage->owner != g->id)
			continue;
		list[(*n)++] = (struct gate_seats){.line = usage->line,
						   .used = used[i].value.used,
						   .port = usage->port,
						   .ip_proto = usage->proto,
						   .node_wide = usage->owner == PLIC_NODE_WIDE};
	}
	for (size_t i = 0; i < n_shares; i++)
		add_share(list, n, &shares[i]);
	*out = list;
	return 0;
}
