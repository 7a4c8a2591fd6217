/* SPDX-License-Identifier: MIT */
/* test_reclaim.c - the writer's book, step by step (test_seats_cluster.c has it at work). */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "reclaim.h"

#define S 1000000000ULL
#define HOLD_S 100
#define DUE_S (HOLD_S + HOLD_S / RECLAIM_DRIFT + RECLAIM_MARGIN_S)
#define ABSENT_S (TENURE_HOLD_MAX_S + TENURE_HOLD_MAX_S / RECLAIM_DRIFT + RECLAIM_MARGIN_S)

static struct reclaim *book;
static uint64_t now;

static int setup(void **state)
{
	now = 1000 * S;
	return reclaim_new(&book);
}

static int teardown(void **state)
{
	reclaim_free(book);
	return 0;
}

static struct reclaim_request asks(enum reclaim_step step)
{
	struct reclaim_request request = reclaim_next(book, now);

	assert_int_equal(request.step, step);
	if (step != RECLAIM_WAIT)
		reclaim_sent(book, &request, now);
	return request;
}

static size_t answers(enum outcome answer)
{
	return reclaim_answered(book, answer, now, 0);
}

/* A pool where these have a seat each; ends with NULL. */
static struct seatpool pool_of(const char *const *nodes)
{
	struct seatpool pool = {0};

	assert_int_equal(seatpool_new(&pool, "i", "l"), 0);
	pool.ports[pool.n_ports++] = (struct seatpool_port){.port = 80, .proto = IPPROTO_TCP};
	for (; *nodes; nodes++)
		seatpool_add_node(&pool, *nodes)->seats[0] = 1;
	return pool;
}

static void lists(const char *version, const char *const *nodes)
{
	struct seatpool pool = pool_of(nodes);

	asks(RECLAIM_LIST);
	assert_int_equal(reclaim_listed(book, "p", version, &pool, now), 0);
	seatpool_free(&pool);
	answers(OUTCOME_DONE);
}

static void gets_pool(const char *version, const char *const *nodes)
{
	struct seatpool pool = pool_of(nodes);

	assert_string_equal(asks(RECLAIM_POOL).pool, "p");
	assert_int_equal(reclaim_got_pool(book, "p", version, &pool, now), 0);
	answers(OUTCOME_DONE);
}

static void gets_lease(const char *node, const char *version)
{
	assert_string_equal(asks(RECLAIM_LEASE).node, node);
	assert_int_equal(reclaim_got_lease(book, version, HOLD_S, now), 0);
	answers(OUTCOME_DONE);
}

static void saw(const char *node, const char *version)
{
	assert_int_equal(reclaim_saw(book, node, version, HOLD_S, now), 0);
}

#define NODES(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
static const char *const nobody[] = {NULL};

static void begins(void)
{
	asks(RECLAIM_WAIT); /* before a whole list of Leases has come nothing is known */
	reclaim_begin(book);
	saw("a", "1");
	saw("b", "2");
	asks(RECLAIM_WAIT);
	reclaim_end(book, now);
}

static void test_takes_back(void **state)
{
	struct reclaim_request put;

	begins();
	lists("5", NODES("a", "b"));
	now += 60 * S;
	saw("a", "3");
	now += (DUE_S - 60) * S - 1;
	asks(RECLAIM_WAIT);
	now += 1;
	lists("6", NODES("a", "b"));
	gets_pool("7", NODES("a", "b"));
	gets_lease("b", "2");
	put = asks(RECLAIM_PUT);
	assert_string_equal(put.pool, "p");
	assert_string_equal(put.version, "7");
	assert_non_null(seatpool_node(put.write, "a"));
	assert_null(seatpool_node(put.write, "b"));
	assert_int_equal(answers(OUTCOME_DONE), 1);
	/* Is there more to be taken out? No. Its Lease goes when a list says that it is in no pool. */
	gets_pool("8", NODES("a"));
	asks(RECLAIM_WAIT);
	saw("a", "4");
	now += (DUE_S - 1) * S;
	saw("a", "4b");
	now += (RECLAIM_LIST_S - DUE_S + 1) * S;
	saw("a", "4c");
	lists("8", NODES("a"));
	put = asks(RECLAIM_DELETE_LEASE);
	assert_string_equal(put.node, "b");
	assert_string_equal(put.version, "2");
	answers(OUTCOME_DONE);
	asks(RECLAIM_WAIT);
}

/* b has said nothing for too long, and the pool that it is in was read. */
static void is_due(void)
{
	begins();
	lists("5", NODES("b"));
	now += DUE_S * S;
	saw("a", "3");
	lists("5", NODES("b"));
	gets_pool("5", NODES("b"));
}

/* It came back: the second step sees it. */
static void test_came_back(void **state)
{
	is_due();
	gets_lease("b", "9");
	gets_pool("5", NODES("b")); /* due by the list; now it isn't */
	asks(RECLAIM_WAIT);
	now += (DUE_S - 1) * S;
	saw("a", "4");
	asks(RECLAIM_WAIT);
}

/* The third step conflicts: all three are done again. */
static void test_conflict(void **state)
{
	is_due();
	gets_lease("b", "2");
	asks(RECLAIM_PUT);
	assert_int_equal(answers(OUTCOME_CONFLICT), 0);
	asks(RECLAIM_WAIT);
	now += 10 * S;
	gets_pool("6", NODES("b"));
	gets_lease("b", "2");
	asks(RECLAIM_PUT);
	assert_int_equal(answers(OUTCOME_FAILED), 0);
	now += 10 * S;
	gets_pool("7", NODES("b"));
}

/* A Lease that is gone: nobody knows for how long its node holds. Also when only the second step finds it so. */
static void test_absent(void **state)
{
	begins();
	lists("5", NODES("b", "c"));
	now += DUE_S * S;
	saw("a", "3");
	lists("5", NODES("b", "c"));
	gets_pool("5", NODES("b", "c"));
	assert_string_equal(asks(RECLAIM_LEASE).node, "b");
	answers(OUTCOME_MISSING);
	gets_pool("5", NODES("b", "c"));
	asks(RECLAIM_WAIT);
	/* c never had one: it was seen DUE_S earlier. */
	for (uint64_t s = DUE_S + 300; s < ABSENT_S - 300; s += 300) {
		now += 300 * S;
		saw("a", s / 300 % 2 ? "x" : "y");
		if (reclaim_next(book, now).step == RECLAIM_LIST)
			lists("5", NODES("b", "c"));
		asks(RECLAIM_WAIT);
	}
	now += 600 * S;
	saw("a", "z");
	lists("5", NODES("b", "c"));
	gets_pool("5", NODES("b", "c"));
	assert_string_equal(asks(RECLAIM_LEASE).node, "b");
	answers(OUTCOME_MISSING);
	assert_string_equal(asks(RECLAIM_LEASE).node, "c");
	answers(OUTCOME_MISSING);
	asks(RECLAIM_PUT);
	assert_int_equal(answers(OUTCOME_DONE), 2);
}

/* Durations that no node writes count as the longest. */
static void test_durations(void **state)
{
	reclaim_begin(book);
	assert_int_equal(reclaim_saw(book, "a", "1", 0, now), 0);
	assert_int_equal(reclaim_saw(book, "b", "1", TENURE_HOLD_MIN_S - 1, now), 0);
	assert_int_equal(reclaim_saw(book, "c", "1", INT64_MAX, now), 0);
	reclaim_end(book, now);
	lists("5", NODES("a", "b", "c"));
	now += (RECLAIM_LIST_S - 1) * S;
	asks(RECLAIM_WAIT);
	now += 1 * S;
	lists("5", NODES("a", "b", "c"));
	asks(RECLAIM_WAIT);
}

/* A list of Leases that doesn't name one any more. */
static void test_relist(void **state)
{
	begins();
	now += (DUE_S - 1) * S;
	reclaim_begin(book);
	saw("a", "3");
	reclaim_end(book, now);
	lists("5", NODES("b"));
	now += 2 * S;
	asks(RECLAIM_WAIT);
	/* The same version again says that nothing was renewed. */
	saw("a", "3");
	now += (DUE_S - 2) * S;
	lists("5", NODES("a"));
	gets_pool("5", NODES("a"));
	gets_lease("a", "3");
	asks(RECLAIM_PUT);
}

static void test_many(void **state)
{
	const char *nodes[21] = {0};
	char names[20][8];
	size_t taken = 0;

	reclaim_begin(book);
	for (int i = 0; i < 20; i++) {
		snprintf(names[i], sizeof(names[i]), "n%02d", i);
		nodes[i] = names[i];
		saw(names[i], "1");
	}
	reclaim_end(book, now);
	now += DUE_S * S;
	lists("5", nodes);
	while (taken < 20) {
		size_t n;

		gets_pool("5", nodes + taken);
		for (n = 0; n < RECLAIM_AT_ONCE && taken + n < 20; n++)
			gets_lease(names[taken + n], "1");
		asks(RECLAIM_PUT);
		assert_int_equal(answers(OUTCOME_DONE), n);
		taken += n;
	}
	gets_pool("8", nobody);
}

static void test_empty_pool(void **state)
{
	struct reclaim_request request;

	reclaim_begin(book);
	reclaim_end(book, now);
	lists("5", nobody);
	for (uint64_t s = 0; s < RECLAIM_EMPTY_S; s += RECLAIM_LIST_S) {
		asks(RECLAIM_WAIT);
		now += RECLAIM_LIST_S * S;
		lists("5", nobody);
	}
	request = asks(RECLAIM_DELETE_POOL);
	assert_string_equal(request.pool, "p");
	assert_string_equal(request.version, "5");
	answers(OUTCOME_CONFLICT);
	now += 10 * S;
	lists("6", nobody); /* another one than was thought */
	asks(RECLAIM_WAIT);
}

/* What can't be read is left alone. */
static void test_unreadable(void **state)
{
	begins();
	now += DUE_S * S;
	asks(RECLAIM_LIST);
	assert_int_equal(reclaim_listed(book, "p", "5", NULL, now), 0);
	answers(OUTCOME_DONE);
	asks(RECLAIM_DELETE_LEASE);
	answers(OUTCOME_FAILED);
	now += 9 * S;
	lists("5", NODES("a"));
	gets_pool("5", NODES("a"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_takes_back), TEST(test_came_back),  TEST(test_conflict),
		TEST(test_absent),     TEST(test_durations),  TEST(test_relist),
		TEST(test_many),       TEST(test_empty_pool), TEST(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
