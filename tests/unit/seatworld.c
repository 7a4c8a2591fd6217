/* SPDX-License-Identifier: MIT */
/* seatworld.c - the nodes of seatworld.h. */
#include "seatworld.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct cluster cluster;
static const uint16_t numbers[PORTS] = {8080, 9090};

uint32_t lot(void)
{
	cluster.seed = cluster.seed * 1664525u + 1013904223u;
	return cluster.seed >> 8 << 8 | (cluster.seed * 69069u) >> 24;
}

uint64_t clock_of(const struct node *node)
{
	int64_t passed = (int64_t)(cluster.t - node->boot_t);

	return node->boot_ns + (uint64_t)(passed + passed / 1000 * node->drift);
}

/* ---- what must hold ---- */

bool in_force(const struct node *node, int port)
{
	return !node->off && clock_of(node) < node->kernel[port].until_ns;
}

static uint32_t cap(const struct node *node, int port)
{
	uint32_t seats = node->kernel[port].seats;

	return seats < cluster.total[port] ? seats : cluster.total[port];
}

uint64_t sum_in_force(int port)
{
	uint64_t sum = 0;

	for (int i = 0; i < cluster.n; i++) {
		const struct node *node = &cluster.nodes[i];
		uint64_t used = node->kernel[port].used;

		if (in_force(node, port))
			sum += used > cap(node, port) ? used : cap(node, port);
	}
	return sum;
}

uint64_t sum_used(int port)
{
	uint64_t sum = 0;

	for (int i = 0; i < cluster.n; i++)
		if (in_force(&cluster.nodes[i], port))
			sum += cluster.nodes[i].kernel[port].used;
	return sum;
}

uint64_t sum_lent(int port)
{
	size_t at = cluster.pool_version ? seatpool_port(&cluster.pool, IPPROTO_TCP, numbers[port])
					 : SEATPOOL_PORTS;

	return at < SEATPOOL_PORTS ? seatpool_lent(&cluster.pool, at) : 0;
}

static void check(int port)
{
	if (!cluster.unchecked)
		assert_in_range(sum_in_force(port), 0, cluster.total[port]);
}

/* ---- the kernel ---- */

/* Each tries again every one or two seconds. */
static void refuse(struct kernel_port *k)
{
	for (uint64_t i = k->used; i < k->demand && i < k->used + 20; i++) {
		if (lot() % 16)
			continue;
		k->exists = true;
		k->asked++;
		cluster.refused++;
	}
}

static void clients_step(struct node *node, int port)
{
	struct kernel_port *k = &node->kernel[port];

	if (!in_force(node, port))
		k->used =
			0; /* refused, segment by segment; the agent ends them in its next round */
	if (k->used > k->demand && lot() % 4 == 0)
		k->used--;
	if (k->used >= k->demand || !node->rule)
		return;
	if (in_force(node, port) && k->used < cap(node, port)) {
		k->used++;
		check(port);
	} else {
		refuse(k);
	}
}

static void kernel_write(struct node *node)
{
	for (int i = 0; i < PORTS; i++) {
		struct kernel_port *k = &node->kernel[i];

		if (!node->write[i])
			continue;
		k->exists = true;
		k->seats = node->write_seats[i];
		k->until_ns = node->write_until[i];
		check(i);
	}
	node->writing = false;
	node->begun = true;
}

/* ---- the agent ---- */

static size_t read_kernel(const struct node *node, struct borrow_reading *readings)
{
	size_t n = 0;

	for (int i = 0; i < PORTS; i++) {
		const struct kernel_port *k = &node->kernel[i];

		if (node->rule || k->exists)
			readings[n++] =
				(struct borrow_reading){.port = numbers[i],
							.proto = IPPROTO_TCP,
							.total = node->rule ? cluster.total[i] : 0,
							.seats = k->seats,
							.until_ns = k->until_ns,
							.asked = k->asked,
							.used = k->used};
	}
	return n;
}

static void agent_round(struct node *node)
{
	struct borrow_reading readings[PORTS];
	uint64_t now = clock_of(node);

	assert_int_equal(borrow_round(&node->borrow, readings, read_kernel(node, readings),
				      &node->tenure, now),
			 0);
	for (int i = 0; i < PORTS; i++) {
		const struct borrow_port *p = borrow_find(&node->borrow, IPPROTO_TCP, numbers[i]);

		node->write[i] = p && borrow_kernel(&node->borrow, p, &node->tenure,
						    &node->write_seats[i], &node->write_until[i]);
		if (p && !node->rule && borrow_over(&node->borrow, p))
			node->kernel[i] = (struct kernel_port){0};
	}
	node->writing = true;
	node->write_t = cluster.t + lot() % (cluster.stops ? 3 * S : 300 * MS);
	node->round_t = cluster.t + 1 * S;
}

void agent_begin(struct node *node)
{
	uint64_t now = clock_of(node), until = 0;

	for (int i = 0; i < PORTS; i++)
		if (node->kernel[i].seats && node->kernel[i].until_ns > until)
			until = node->kernel[i].until_ns;
	node->dead = node->paused = node->begun = node->writing = false;
	tenure_begin(&node->tenure, node->hold_s, until, now);
	assert_int_equal(borrow_begin(&node->borrow, "iss", "lid", node->name, now, lot()), 0);
	node->round_t = cluster.t + lot() % S;
}

static void forget(struct request **request)
{
	if (*request)
		request_give_up(*request);
	*request = NULL;
}

void agent_kill(struct node *node)
{
	if (node->dead)
		return;
	writer_end(node);
	forget(&node->tenure_request);
	forget(&node->borrow_request);
	borrow_free(&node->borrow);
	node->dead = true;
}

void node_off(struct node *node)
{
	agent_kill(node);
	node->off = true;
	memset(node->kernel, 0, sizeof(node->kernel));
}

void node_boot(struct node *node)
{
	node->off = false;
	node->boot_t = cluster.t;
	node->boot_ns = 20 * S;
	agent_begin(node);
}

static void tenure_step(struct node *node)
{
	static const enum outcome words[] = {OUTCOME_DONE, OUTCOME_CONFLICT, OUTCOME_MISSING,
					     OUTCOME_FAILED};
	static const enum method methods[] = {
		[TENURE_GET] = GET, [TENURE_CREATE] = POST, [TENURE_WRITE] = PUT};
	uint64_t now = clock_of(node);
	struct request *r = node->tenure_request;
	enum tenure_step step;

	if (r && request_is_answered(r)) {
		if (r->status == OK)
			node->lease_version = r->got_version;
		tenure_answered(&node->tenure, words[r->status], now, lot());
		forget(&node->tenure_request);
	}
	step = tenure_next(&node->tenure, borrow_wants_tenure(&node->borrow, now), now);
	if (step == TENURE_WAIT)
		return;
	tenure_sent(&node->tenure, step, now);
	r = request_send(node, methods[step], (int)(node - cluster.nodes), node->lease_version);
	r->hold_s = node->tenure.hold_s;
	node->tenure_request = r;
}

static void borrow_answer(struct node *node, struct request *r)
{
	static const enum outcome words[] = {OUTCOME_DONE, OUTCOME_CONFLICT, OUTCOME_MISSING,
					     OUTCOME_FAILED};
	uint64_t now = clock_of(node);

	if (r->status == OK && r->method == GET) {
		node->pool_version = r->got_version;
		assert_int_equal(borrow_got(&node->borrow, &r->pool, now, lot()), 0);
	} else {
		borrow_answered(&node->borrow, words[r->status], now, lot());
	}
	/* An answer brings a round forward. */
	node->round_t = cluster.t;
}

static void borrow_step(struct node *node)
{
	static const enum method methods[] = {
		[BORROW_GET] = GET, [BORROW_CREATE] = POST, [BORROW_PUT] = PUT};
	uint64_t now = clock_of(node);
	struct request *r = node->borrow_request;
	enum borrow_step step;

	if (r && request_is_answered(r)) {
		borrow_answer(node, r);
		forget(&node->borrow_request);
	}
	step = borrow_next(&node->borrow, &node->tenure, now);
	if (step == BORROW_WAIT)
		return;
	if (step != BORROW_GET)
		assert_int_equal(borrow_enter(&node->borrow, now), 0);
	r = request_send(node, methods[step], OBJECT_POOL, node->pool_version);
	if (step != BORROW_GET)
		assert_int_equal(seatpool_copy(&node->borrow.pool, &r->pool), 0);
	borrow_sent(&node->borrow, step, now);
	node->borrow_request = r;
}

/* ---- the writer ---- */

void writer_begin(struct node *node)
{
	if (node->dead || node->reclaim)
		return;
	assert_int_equal(reclaim_new(&node->reclaim), 0);
	memset(node->heard, 0, sizeof(node->heard));
	node->watching = false;
}

void writer_end(struct node *node)
{
	forget(&node->reclaim_request);
	reclaim_free(node->reclaim);
	node->reclaim = NULL;
}

static const char *text_of(uint64_t version, char text[24])
{
	snprintf(text, 24, "%llu", (unsigned long long)version);
	return text;
}

static void hear(struct node *node, int of)
{
	uint64_t version = cluster.lease_version[of];
	const char *name = cluster.nodes[of].name;
	char text[24];

	if (version)
		assert_int_equal(reclaim_saw(node->reclaim, name, text_of(version, text),
					     cluster.lease_hold[of], clock_of(node)),
				 0);
	else
		reclaim_gone(node->reclaim, name, clock_of(node));
	node->heard[of] = version;
}

/* It tells late, and of several changes in a row the last one only. */
static void watch_step(struct node *node)
{
	bool first = !node->watching;

	if (node->cut || cluster.down || (first && lot() % 8))
		return;
	node->watching = true;
	if (first)
		reclaim_begin(node->reclaim);
	for (int i = 0; i < cluster.n; i++)
		if (first || (node->heard[i] != cluster.lease_version[i] && lot() % 8 == 0))
			hear(node, i);
	if (first)
		reclaim_end(node->reclaim, clock_of(node));
}

static bool take_pool(struct node *node, struct request *r)
{
	uint64_t now = clock_of(node);
	char text[24];

	text_of(r->got_version, text);
	if (r->object == OBJECT_POOL)
		return !reclaim_got_pool(node->reclaim, "pool", text, &r->pool, now);
	return !r->got_version || !reclaim_listed(node->reclaim, "pool", text, &r->pool, now);
}

static void reclaim_answer(struct node *node, struct request *r)
{
	static const enum outcome words[] = {OUTCOME_DONE, OUTCOME_CONFLICT, OUTCOME_MISSING,
					     OUTCOME_FAILED};
	char text[24];

	if (r->status == OK && r->method == GET && r->object >= 0)
		assert_int_equal(reclaim_got_lease(node->reclaim, text_of(r->got_version, text),
						   r->hold_s, clock_of(node)),
				 0);
	else if (r->status == OK && r->method == GET)
		assert_true(take_pool(node, r));
	reclaim_answered(node->reclaim, words[r->status], clock_of(node), lot());
}

static int object_of(const struct reclaim_request *request)
{
	if (request->step == RECLAIM_LIST)
		return OBJECT_POOLS;
	return request->node ? atoi(request->node + strlen("node-")) : OBJECT_POOL;
}

static void reclaim_step(struct node *node)
{
	static const enum method methods[] = {
		[RECLAIM_LIST] = GET,		[RECLAIM_POOL] = GET,
		[RECLAIM_LEASE] = GET,		[RECLAIM_PUT] = PUT,
		[RECLAIM_DELETE_POOL] = DELETE, [RECLAIM_DELETE_LEASE] = DELETE};
	struct reclaim_request request;
	struct request *r = node->reclaim_request;

	if (r && request_is_answered(r)) {
		reclaim_answer(node, r);
		forget(&node->reclaim_request);
	}
	request = reclaim_next(node->reclaim, clock_of(node));
	if (request.step == RECLAIM_WAIT)
		return;
	r = request_send(node, methods[request.step], object_of(&request),
			 request.version ? strtoull(request.version, NULL, 10) : 0);
	if (request.write)
		assert_int_equal(seatpool_copy(request.write, &r->pool), 0);
	reclaim_sent(node->reclaim, &request, clock_of(node));
	node->reclaim_request = r;
}

/* ---- the cluster ---- */

/* Whatever an agent is at, it may be stopped then; what has come meanwhile it finds in any order. */
static bool stands_still(struct node *node)
{
	if (cluster.stops && lot() % cluster.stops == 0)
		node->stops_t = cluster.t + lot() % (150 * S);
	return node->dead || node->paused || cluster.t < node->stops_t;
}

static void node_step(struct node *node)
{
	for (int i = 0; i < PORTS && !node->off; i++)
		clients_step(node, i);
	if (stands_still(node))
		return;
	if (node->writing && cluster.t >= node->write_t)
		kernel_write(node);
	if (!node->writing && cluster.t >= node->round_t)
		agent_round(node);
	if (!node->begun)
		return;
	if (!cluster.stops || lot() % 2)
		tenure_step(node);
	if (!cluster.stops || lot() % 2)
		borrow_step(node);
	if (!node->reclaim)
		return;
	watch_step(node);
	reclaim_step(node);
}

void run(uint64_t ns)
{
	uint64_t end = cluster.t + ns;

	for (; cluster.t < end; cluster.t += STEP) {
		requests_step();
		for (int i = 0; i < cluster.n; i++)
			node_step(&cluster.nodes[i]);
	}
}

void cluster_begin(int n, uint32_t seed, uint32_t total0, uint32_t total1, uint32_t hold_s)
{
	memset(&cluster, 0, sizeof(cluster));
	cluster.nodes = calloc((size_t)n, sizeof(*cluster.nodes));
	assert_non_null(cluster.nodes);
	cluster.n = n;
	cluster.seed = seed;
	cluster.total[0] = total0;
	cluster.total[1] = total1;
	cluster.most_delay = 60 * MS;
	cluster.creates = lot() % 2;
	cluster.t = 1000 * S;
	for (int i = 0; i < n; i++) {
		struct node *node = &cluster.nodes[i];

		snprintf(node->name, sizeof(node->name), "node-%d", i);
		node->rule = true;
		node->hold_s = hold_s;
		node->drift = (int)(lot() % 41) - 20;
		node->boot_t = lot() % cluster.t;
		agent_begin(node);
	}
}

void cluster_end(void)
{
	for (int i = 0; i < cluster.n; i++)
		agent_kill(&cluster.nodes[i]);
	while (cluster.requests) {
		cluster.t += 1000 * S;
		requests_step();
	}
	seatpool_free(&cluster.pool);
	free(cluster.nodes);
	cluster.nodes = NULL;
}
