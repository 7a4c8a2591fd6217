/* SPDX-License-Identifier: MIT */
/* test_election.c - many agents, one Lease, an API server that loses, delays and refuses: never two that lead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "election.h"
#include "lease.h"

#define S 1000000000ULL
#define MS 1000000ULL
#define STEP (50 * MS)
#define MAX_AGENTS 1000

/* The server's one object: who holds which version. holder -1: nobody, version 0: there is none. */
static struct {
	int holder;
	uint64_t version;
	unsigned int writes, conflicts;
} server;

struct agent {
	struct election e;
	uint64_t version;    /* in sight */
	uint64_t write;	     /* version of the request that runs */
	uint64_t arrives_ns; /* when it reaches the server, 0: it has */
	uint64_t answers_ns; /* when its answer is back, 0: none is under way */
	enum outcome answer;
	uint64_t new_version;
	int new_holder;
	uint64_t watch_ns; /* when it hears of `heard` by its watch */
	uint64_t heard;
	bool cut, dead;
};

static struct agent agents[MAX_AGENTS];
static int n_agents;
static uint64_t now;
static uint32_t seed;

static uint32_t lot(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8 << 8 | (seed * 69069u) >> 24;
}

static void see(struct agent *a, int holder, uint64_t version)
{
	bool changed = version != a->version;

	a->version = version;
	election_saw(&a->e, holder == (int)(a - agents), holder < 0, changed, now, lot());
}

static void serve(struct agent *a)
{
	bool write = a->e.asked != ELECTION_GET;

	if (a->cut) {
		a->answer = OUTCOME_FAILED;
	} else if (write && server.version != a->write) {
		server.conflicts++;
		a->answer = server.version || a->e.asked == ELECTION_CREATE ? OUTCOME_CONFLICT
									    : OUTCOME_MISSING;
	} else {
		if (write) {
			server.holder = (int)(a - agents);
			server.version++;
			server.writes++;
		}
		a->answer = OUTCOME_DONE;
	}
	a->new_version = server.version;
	a->new_holder = server.holder;
	a->arrives_ns = 0;
}

static void step_agent(struct agent *a, uint64_t most_delay)
{
	enum election_step step;

	if (a->dead)
		return;
	if (a->arrives_ns && now >= a->arrives_ns)
		serve(a);
	if (!a->arrives_ns && a->answers_ns && now >= a->answers_ns) {
		a->answers_ns = 0;
		if (a->cut || lot() % 16 == 0) /* the answer is lost, the write isn't */
			a->answer = OUTCOME_FAILED;
		election_answered(&a->e, a->answer, now, lot());
		if (a->answer == OUTCOME_DONE)
			see(a, a->new_holder, a->new_version);
	}
	if (!a->cut && a->heard != server.version && now >= a->watch_ns) {
		a->heard = server.version;
		a->watch_ns = now + lot() % (1000 * MS);
		if (!a->answers_ns)
			see(a, server.holder, server.version);
	}
	step = election_next(&a->e, now);
	if (step == ELECTION_WAIT)
		return;
	election_sent(&a->e, step, now);
	a->write = step == ELECTION_CREATE ? 0 : a->version;
	a->arrives_ns = now + STEP + lot() % most_delay;
	a->answers_ns = a->arrives_ns + lot() % most_delay;
}

static int leaders(int *who)
{
	int n = 0;

	for (int i = 0; i < n_agents; i++)
		if (!agents[i].dead && election_leads(&agents[i].e, now)) {
			*who = i;
			n++;
		}
	return n;
}

/* Runs for so long; never two. Returns for how long there was none, ns. */
static uint64_t run(uint64_t ns, uint64_t most_delay)
{
	uint64_t end = now + ns, without = 0;
	int who;

	for (; now < end; now += STEP) {
		int n;

		for (int i = 0; i < n_agents; i++)
			step_agent(&agents[i], most_delay);
		n = leaders(&who);
		assert_in_range(n, 0, 1);
		without += n ? 0 : STEP;
	}
	return without;
}

static void begin(int n, uint32_t with_seed)
{
	memset(agents, 0, sizeof(agents));
	memset(&server, 0, sizeof(server));
	server.holder = -1;
	n_agents = n;
	seed = with_seed;
	now = 5 * S;
	for (int i = 0; i < n; i++)
		election_absent(&agents[i].e, now, lot());
}

static void test_one_leads(void **state)
{
	int who = -1, again = -1;

	begin(3, 1);
	assert_in_range(run(60 * S, 100 * MS), 0, 5 * S);
	assert_int_equal(leaders(&who), 1);
	assert_in_range(server.writes, 10, 20); /* a renewal each 5 s, and no more */
	run(600 * S, 100 * MS);
	assert_int_equal(leaders(&again), 1);
	assert_int_equal(who, again);
}

static void test_killed(void **state)
{
	int who = -1, next = -1;

	begin(3, 2);
	run(30 * S, 100 * MS);
	assert_int_equal(leaders(&who), 1);
	agents[who].dead = true;
	assert_in_range(run(60 * S, 100 * MS), 8 * S, 22 * S);
	assert_int_equal(leaders(&next), 1);
	assert_int_not_equal(who, next);
}

/* Who is cut off stops by itself before anybody else begins. */
static void test_cut_off(void **state)
{
	int who = -1, next = -1;

	begin(3, 3);
	run(30 * S, 100 * MS);
	assert_int_equal(leaders(&who), 1);
	agents[who].cut = true;
	run(9 * S, 100 * MS);
	run(3 * S, 100 * MS);
	assert_false(election_leads(&agents[who].e, now));
	run(30 * S, 100 * MS);
	assert_int_equal(leaders(&next), 1);
	assert_int_not_equal(who, next);
	agents[who].cut = false;
	run(60 * S, 100 * MS);
	assert_int_equal(leaders(&who), 1);
	assert_int_equal(who, next);
}

/* An agent that comes again under its name needs no hand-over. */
static void test_restarted(void **state)
{
	int who = -1;

	begin(3, 4);
	run(30 * S, 100 * MS);
	assert_int_equal(leaders(&who), 1);
	memset(&agents[who], 0, sizeof(agents[who]));
	assert_in_range(run(5 * S, 100 * MS), 0, 2 * S);
	assert_true(election_leads(&agents[who].e, now));
}

static void test_deleted(void **state)
{
	begin(2, 5);
	run(20 * S, 100 * MS);
	server.version = 0; /* kubectl delete lease; the next one counts from elsewhere */
	server.holder = -1;
	for (int i = 0; i < n_agents; i++)
		election_absent(&agents[i].e, now, lot());
	assert_in_range(run(30 * S, 100 * MS), 0, 8 * S);
}

/* Slow, lossy, cut at random: never two (run asserts it), and mostly one. */
static void test_hostile(void **state)
{
	uint64_t without = 0;

	for (uint32_t with_seed = 10; with_seed < 30; with_seed++) {
		begin(5, with_seed);
		for (int round = 0; round < 40; round++) {
			agents[lot() % 5].cut = lot() % 2;
			without += run(10 * S, 4 * S);
		}
	}
	assert_in_range(without / (20 * 400 * S / 100), 0, 50); /* percent */
}

/* A thousand that wait: no storm when the holder dies. */
static void test_thousand(void **state)
{
	unsigned int before;
	int who = -1;

	begin(1000, 40);
	run(30 * S, 100 * MS);
	assert_int_equal(leaders(&who), 1);
	agents[who].dead = true;
	before = server.writes + server.conflicts;
	assert_in_range(run(40 * S, 100 * MS), 8 * S, 22 * S);
	assert_in_range(server.writes + server.conflicts - before, 1, 700);
	before = server.writes + server.conflicts;
	run(100 * S, 100 * MS);
	assert_in_range(server.writes + server.conflicts - before, 15, 30);
}

static void test_lease_text(void **state)
{
	const struct lease_write first = {.namespace = "portlic",
					  .name = "portlic-writer",
					  .label = "writer",
					  .holder = "n1",
					  .duration_s = 15,
					  .now_us = 1800000000000001LL};
	_json_ cJSON *tree = NULL, *again = NULL;
	_free_ char *text = lease_text(&first, NULL), *next = NULL;
	struct lease lease = {0};
	struct lease_write take = first;
	struct fault f = {0};

	assert_int_equal(json_parse_object("x", text, strlen(text), &tree, &f), 0);
	assert_int_equal(lease_read(tree, &lease, &f),
			 -EINVAL); /* the server gives uid and version */
	cJSON_AddStringToObject(json_get(tree, "metadata"), "uid", "u");
	cJSON_AddStringToObject(json_get(tree, "metadata"), "resourceVersion", "77");
	assert_int_equal(lease_read(tree, &lease, &f), 0);
	assert_string_equal(lease.holder, "n1");
	assert_string_equal(lease.renewed, "2027-01-15T08:00:00.000001Z");
	assert_int_equal(lease.transitions, 0);
	assert_null(lease.report);
	take.holder = "n2";
	take.report = "{}";
	take.nodes = 1000;
	take.now_us += 5000000;
	next = lease_text(&take, &lease);
	assert_int_equal(json_parse_object("x", next, strlen(next), &again, &f), 0);
	assert_string_equal(json_get(json_get(again, "metadata"), "resourceVersion")->valuestring,
			    "77");
	cJSON_AddStringToObject(json_get(again, "metadata"), "uid", "u");
	lease_free(&lease);
	assert_int_equal(lease_read(again, &lease, &f), 0);
	assert_int_equal(lease.transitions, 1);
	assert_string_equal(lease.acquired, "2027-01-15T08:00:05.000001Z");
	assert_string_equal(lease.report, "{}");
	assert_int_equal(lease.nodes, 1000);
	lease_free(&lease);
}

static void test_lease_bad(void **state)
{
	static const char meta[] =
		"\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"resourceVersion\":\"1\"}";
	static const struct {
		const char *spec;
		int err;
	} cases[] = {
		{"{}", 0},
		{"{\"holderIdentity\":null,\"renewTime\":null}", 0},
		{"{\"holderIdentity\":7}", -EINVAL},
		{"{\"leaseDurationSeconds\":-1}", -EINVAL},
		{"{\"leaseTransitions\":1.5}", -EINVAL},
	};
	char text[300];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ cJSON *tree = NULL;
		struct lease lease = {0};
		struct fault f = {0};

		snprintf(text, sizeof(text), "{%s,\"spec\":%s}", meta, cases[i].spec);
		assert_int_equal(json_parse_object("x", text, strlen(text), &tree, &f), 0);
		assert_int_equal(lease_read(tree, &lease, &f), cases[i].err);
		if (!cases[i].err)
			assert_string_equal(lease.holder, "");
		lease_free(&lease);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_leads), cmocka_unit_test(test_killed),
		cmocka_unit_test(test_cut_off),	  cmocka_unit_test(test_restarted),
		cmocka_unit_test(test_deleted),	  cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_thousand),  cmocka_unit_test(test_lease_text),
		cmocka_unit_test(test_lease_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
