/* SPDX-License-Identifier: MIT */
/* test_seats_cluster.c - many nodes, one pool of seats: never more in force than there are, and none lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seatworld.h"

#define HOLD_S 60
#define MARGIN_S (HOLD_S / RECLAIM_DRIFT + RECLAIM_MARGIN_S)

static void demand(int node, int port, uint64_t clients)
{
	cluster.nodes[node].kernel[port].demand = clients;
}

static void report(const char *what)
{
	print_message("%s: %lu GET, %lu PUT, %lu conflicts, %lu renewals, %lu others; %lu refused; "
		      "pool <= %lu bytes\n",
		      what, cluster.gets, cluster.puts, cluster.conflicts, cluster.renewals,
		      cluster.others, cluster.refused, cluster.bytes);
	cluster.gets = cluster.puts = cluster.conflicts = cluster.renewals = cluster.others =
		cluster.refused = 0;
}

/* Runs until so many sit, at most for so long. */
static uint64_t until_used(int port, uint64_t used, uint64_t most_s)
{
	uint64_t from = cluster.t;

	while (sum_used(port) != used && cluster.t < from + most_s * S)
		run(STEP);
	assert_int_equal(sum_used(port), used);
	return (cluster.t - from) / MS;
}

/* Three seats, two nodes: the fourth is refused, wherever; one leaves, another gets in. */
static void test_few(void **state)
{
	cluster_begin(2, 1, 3, 5, 3600);
	demand(0, 0, 2);
	run(20 * S);
	demand(1, 0, 2);
	until_used(0, 3, 60);
	run(60 * S);
	assert_int_equal(sum_used(0), 3);
	demand(0, 0, 1);
	print_message("a seat moves in %lu ms\n", until_used(0, 2, 5));
	print_message("... taken after %lu ms\n", until_used(0, 3, 60));
	assert_int_equal(cluster.nodes[1].kernel[0].used, 2);
	report("two nodes, three seats");
	cluster_end();
}

/* Nobody was there yet, and the first client isn't refused. */
static void test_first_client(void **state)
{
	cluster_begin(3, 2, 50, 50, 3600);
	run(30 * S);
	report("three idle nodes");
	demand(1, 0, 1);
	until_used(0, 1, 1);
	assert_int_equal(cluster.refused, 0);
	cluster_end();
}

/* All seats on one node, one by one: it is never refused, for it asks before it runs out. */
static void test_growth(void **state)
{
	cluster_begin(3, 3, 640, 5, 3600);
	run(30 * S);
	for (int i = 0; i < 640; i += 4) {
		demand(2, 0, (uint64_t)i);
		run(2 * S);
	}
	demand(2, 0, 640);
	until_used(0, 640, 120);
	report("640 seats on one node");
	cluster_end();
}

/* The API server is away: within hold nothing changes; then all is over; when it is back all comes again. */
static void test_outage(void **state)
{
	cluster_begin(3, 4, 9, 5, HOLD_S);
	for (int i = 0; i < 3; i++)
		demand(i, 0, 3);
	until_used(0, 9, 120);
	run(20 * S);
	cluster.down = true;
	run((HOLD_S - 15) * S);
	assert_int_equal(sum_used(0), 9);
	run(20 * S);
	assert_int_equal(sum_used(0), 0);
	cluster.down = false;
	print_message("back after %lu ms\n", until_used(0, 9, 120));
	cluster_end();
}

/* A node dies: its seats come back, not before its time and not much later. */
static void test_death(void **state)
{
	uint64_t ms;

	cluster_begin(3, 5, 9, 5, HOLD_S);
	writer_begin(&cluster.nodes[0]);
	demand(2, 0, 9);
	until_used(0, 9, 120);
	run(20 * S);
	node_off(&cluster.nodes[2]);
	demand(1, 0, 9);
	ms = until_used(0, 9, 300);
	print_message("a dead node's seats came back after %lu ms\n", ms);
	assert_in_range(ms, HOLD_S * 1000ULL, (HOLD_S + MARGIN_S + 30) * 1000ULL);
	cluster_end();
}

/* The agent is away, and comes again within hold: nobody notices. It comes again later: who sat begins anew. */
static void test_restart(void **state)
{
	cluster_begin(2, 6, 9, 5, HOLD_S);
	writer_begin(&cluster.nodes[0]);
	demand(1, 0, 9);
	until_used(0, 9, 120);
	agent_kill(&cluster.nodes[1]);
	run(30 * S);
	assert_int_equal(sum_used(0), 9);
	agent_begin(&cluster.nodes[1]);
	run(200 * S);
	assert_int_equal(sum_used(0), 9);
	agent_kill(&cluster.nodes[1]);
	run(200 * S);
	assert_int_equal(sum_used(0), 0);
	assert_in_range(sum_lent(0), 0, 1); /* the other node's, in advance */
	agent_begin(&cluster.nodes[1]);
	until_used(0, 9, 60);
	cluster_end();
}

/*
 * A node comes back while it is being reclaimed: its Lease was read already, the write that takes it out is on its
 * way. That write comes too late, for the node has written the pool itself.
 */
static void test_back_in_time(void **state)
{
	cluster_begin(3, 12, 9, 5, HOLD_S);
	demand(1, 0, 9);
	until_used(0, 9, 120);
	agent_kill(&cluster.nodes[1]);
	run(2 * HOLD_S * S);
	writer_begin(&cluster.nodes[0]);
	while (!cluster.nodes[0].reclaim_request || cluster.nodes[0].reclaim_request->method != PUT)
		run(STEP);
	cluster.nodes[0].reclaim_request->arrives_t = cluster.t + 30 * S;
	agent_begin(&cluster.nodes[1]);
	until_used(0, 9, 29);
	run(30 * S);
	demand(2, 0, 9);
	run(60 * S);
	assert_in_range(cluster.nodes[1].kernel[0].used, 8, 9);
	cluster_end();
}

static bool renews(const struct node *node)
{
	return node->tenure_request && node->tenure_request->method == PUT;
}

/* Its agent is gone for good; its seats are all taken elsewhere as soon as that may be. */
static void taken_over(struct node *node)
{
	uint64_t from = cluster.t;

	agent_kill(node);
	demand(2, 0, 9);
	while (cluster.nodes[2].kernel[0].used < 9 && cluster.t < from + 300 * S)
		run(STEP);
	assert_int_equal(cluster.nodes[2].kernel[0].used, 9);
}

/* The answer to a renewal is taken late: it holds from when it was sent, for so the writer counts. */
static void test_late_answer(void **state)
{
	for (uint32_t seed = 20; seed < 28; seed++) {
		struct node *node;

		cluster_begin(3, seed, 9, 5, HOLD_S);
		node = &cluster.nodes[1];
		writer_begin(&cluster.nodes[0]);
		demand(1, 0, 9);
		until_used(0, 9, 120);
		while (!renews(node))
			run(STEP);
		node->stops_t = cluster.t + (HOLD_S - 10) * S;
		run((HOLD_S - 10) * S + STEP);
		node->cut = true; /* it takes the answer, and nothing more gets through */
		run(2 * S);
		taken_over(node);
		cluster_end();
	}
}

/* The hold is shorter in the next life, which ends as soon as it has said so. */
static void test_shorter_hold(void **state)
{
	struct node *node;

	cluster_begin(3, 30, 9, 5, 600);
	writer_begin(&cluster.nodes[0]);
	node = &cluster.nodes[1];
	demand(1, 0, 9);
	until_used(0, 9, 120);
	agent_kill(node);
	node->hold_s = TENURE_HOLD_MIN_S;
	agent_begin(node);
	while (cluster.lease_hold[1] != TENURE_HOLD_MIN_S)
		run(STEP);
	taken_over(node);
	cluster_end();
}

/* The license isn't in force on a node any more, which has rebooted: what it had is given back. */
static void test_rule_gone(void **state)
{
	cluster_begin(3, 7, 9, 5, 3600);
	demand(1, 0, 9);
	until_used(0, 9, 120);
	cluster.nodes[1].rule = false;
	run(30 * S);
	assert_int_equal(sum_lent(0), sum_in_force(0));
	demand(2, 0, 9);
	until_used(0, 9, 120);
	node_off(&cluster.nodes[2]);
	node_boot(&cluster.nodes[2]);
	cluster.nodes[2].rule = false;
	run(60 * S);
	demand(0, 0, 9);
	until_used(0, 9, 120);
	cluster_end();
}

/* A renewal with fewer seats: each gives up its part. And somebody deletes the pool: the nodes agree again. */
static void test_shrunk_and_deleted(void **state)
{
	cluster_begin(5, 8, 100, 5, 3600);
	for (int i = 0; i < 5; i++)
		demand(i, 0, 20);
	until_used(0, 100, 200);
	cluster.unchecked = true;
	cluster.total[0] = 50;
	for (int i = 0; i < 5; i++)
		demand(i, 0, 5);
	run(60 * S);
	assert_in_range(sum_lent(0), 25, 50);
	cluster.unchecked = false;
	run(60 * S);
	for (int i = 0; i < 5; i++)
		demand(i, 0, 10);
	until_used(0, 50, 200);
	cluster.unchecked = true;
	cluster.pool_version = 0;
	seatpool_free(&cluster.pool);
	run(150 * S);
	cluster.unchecked = false;
	run(60 * S);
	until_used(0, 50, 200);
	cluster_end();
}

/* ---- everything at once ---- */

static void mischief(struct node *node)
{
	static const uint32_t holds[] = {30, 60, 120, 120};

	switch (lot() % 13) {
	case 0:
		agent_kill(node);
		break;
	case 1:
		if (!node->off)
			node_off(node);
		break;
	case 2:
	case 3:
	case 4:
		node->hold_s = holds[lot() % 4];
		if (node->off)
			node_boot(node);
		else if (node->dead)
			agent_begin(node);
		break;
	case 5:
		node->paused = !node->paused;
		break;
	case 6:
		node->paused = false;
		break;
	case 7:
		node->cut = !node->cut;
		break;
	case 8:
		node->cut = false;
		break;
	case 9:
		writer_begin(node);
		break;
	case 10:
		writer_end(node);
		break;
	case 11: /* kubectl delete lease */
		if (lot() % 4 == 0)
			cluster.lease_version[node - cluster.nodes] = 0;
		break;
	default:
		node->kernel[0].demand = lot() % 30;
		node->kernel[1].demand = lot() % 3;
	}
}

static void heal(void)
{
	cluster.down = false;
	cluster.lossy = cluster.stops = 0;
	cluster.most_delay = 100 * MS;
	for (int i = 0; i < cluster.n; i++) {
		struct node *node = &cluster.nodes[i];

		writer_end(node);
		node->cut = node->paused = false;
		node->stops_t = 0;
		demand(i, 0, 0);
		demand(i, 1, 0);
		/* One without a Lease would be missed for a day. */
		if (cluster.lease_version[i] && lot() % 4 == 0)
			node_off(node);
		else if (node->off)
			node_boot(node);
		else if (node->dead)
			agent_begin(node);
	}
}

/* Every seat can be had again, in one place, once the dead are over. */
static void all_are_there(void)
{
	int who = 0;

	while (cluster.nodes[who].off)
		who++;
	writer_begin(&cluster.nodes[who]);
	run((120 + 120 / RECLAIM_DRIFT + RECLAIM_MARGIN_S + 60) * S);
	demand(who, 0, cluster.total[0]);
	demand(who, 1, cluster.total[1]);
	until_used(0, cluster.total[0], 300);
	until_used(1, cluster.total[1], 300);
}

static void hostile(uint32_t seed, int n, int rounds)
{
	cluster_begin(n, seed, 50, 7, HOLD_S);
	writer_begin(&cluster.nodes[0]);
	for (int i = 0; i < rounds; i++) {
		cluster.down = lot() % 8 == 0;
		cluster.lossy = lot() % 2 ? 8 : 0;
		cluster.stops = lot() % 2 ? 500 : 0;
		cluster.most_delay = lot() % 3 ? 200 * MS : lot() % 3 ? 5 * S : 60 * S;
		for (int k = 0; k < n / 2; k++)
			mischief(&cluster.nodes[lot() % (uint32_t)n]);
		run((5 + lot() % 60) * S);
	}
	heal();
	all_are_there();
	cluster_end();
}

static void test_hostile(void **state)
{
	const char *seeds = getenv("SEATS_SEEDS"); /* more of them, by hand */
	uint32_t n = seeds ? (uint32_t)atoi(seeds) : 12;

	for (uint32_t seed = 100; seed < 100 + n; seed++)
		hostile(seed, seed % 2 ? 5 : 20, 60);
}

/* ---- a thousand ---- */

#ifdef __SANITIZE_ADDRESS__
#define MANY 200
#else
#define MANY 1000
#endif

static unsigned long requests(void)
{
	return cluster.gets + cluster.puts + cluster.renewals + cluster.others;
}

/* All start at once, and clients come to each at once. */
static void test_herd(void **state)
{
	cluster_begin(MANY, 9, 5 * MANY, 5 * MANY, 3600);
	for (int i = 0; i < MANY; i++)
		demand(i, 0, 3);
	print_message("many with demand are served in %lu ms\n", until_used(0, 3 * MANY, 900));
	assert_in_range(requests(), MANY, 60 * MANY);
	report("many with demand");
	run(600 * S);
	/* A renewal each minute; looks, of all together ten a second. */
	assert_in_range(requests(), 1, 12 * MANY + 600 * 14);
	report("... in the 10 minutes after");
	cluster_end();
}

static void test_herd_idle(void **state)
{
	cluster_begin(MANY, 10, 5 * MANY, MANY / 10, 3600);
	run(300 * S);
	assert_in_range(requests(), 1, 10 * MANY);
	report("many idle: the first 5 minutes");
	run(600 * S);
	assert_in_range(requests(), 1, 8 * MANY);
	assert_int_equal(cluster.puts, 0);
	report("... the next 10 minutes");
	cluster_end();
}

/* Too few seats for all: most of the thousand wait. */
static void test_scarce(void **state)
{
	cluster_begin(MANY, 11, MANY / 20, MANY / 20, 3600);
	for (int i = 0; i < MANY; i++)
		demand(i, 0, 1);
	print_message("a twentieth sits after %lu ms\n", until_used(0, MANY / 20, 300));
	report("many for few seats");
	run(600 * S);
	assert_in_range(requests(), 1, 30 * MANY);
	report("... in the 10 minutes after");
	/* All who sit leave: others come. */
	for (int i = 0; i < MANY; i++)
		if (cluster.nodes[i].kernel[0].used)
			demand(i, 0, 0);
	run(10 * S);
	print_message("... all others after %lu ms\n", until_used(0, MANY / 20, 600));
	cluster_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_first_client),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_death),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_back_in_time),
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_shorter_hold),
		cmocka_unit_test(test_rule_gone),
		cmocka_unit_test(test_shrunk_and_deleted),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_herd),
		cmocka_unit_test(test_herd_idle),
		cmocka_unit_test(test_scarce),
	};
	const char *only = getenv("SEATS_ONLY");

	if (only)
		cmocka_set_test_filter(only);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
