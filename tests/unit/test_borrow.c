/* SPDX-License-Identifier: MIT */
/* test_borrow.c - one node's dealings with a pool, step by step (test_seats_cluster.c has many at once). */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "borrow.h"
#include "cleanup.h"

#define S 1000000000ULL
#define HOLD_S 3600

static struct borrow b;
static struct tenure t;
static uint64_t now;

/* The kernel's entry of 80/tcp, and what the license gives. */
static struct borrow_reading kernel;

static int setup(void **state)
{
	now = 1000 * S;
	kernel = (struct borrow_reading){.port = 80, .proto = IPPROTO_TCP, .total = 100};
	tenure_begin(&t, HOLD_S, 0, now);
	t.known = true;
	tenure_sent(&t, TENURE_WRITE, now);
	tenure_answered(&t, OUTCOME_DONE, now, 0);
	return borrow_begin(&b, "i", "l", "me", now, 0);
}

static int teardown(void **state)
{
	borrow_free(&b);
	return 0;
}

/* A round, and its writes. */
static void round_once(void)
{
	uint32_t seats;
	uint64_t until;

	now += S;
	assert_int_equal(borrow_round(&b, &kernel, 1, &t, now), 0);
	if (borrow_kernel(&b, &b.ports[0], &t, &seats, &until)) {
		kernel.seats = seats;
		kernel.until_ns = until;
	}
}

static void asks(enum borrow_step step)
{
	assert_int_equal(borrow_next(&b, &t, now), step);
}

/* A look, at a pool where node "you" has so many, and "me"; and somebody may wait. */
static void sees(uint32_t mine, uint32_t yours, bool waits)
{
	struct seatpool pool = {0};
	struct fault f = {""};
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"iss\":\"i\",\"lid\":\"l\",\"ports\":[\"80/"
		 "tcp\"],\"nodes\":{\"me\":[%u],\"you\":["
		 "%u]},\"waiting\":{%s}}",
		 mine, yours, waits ? "\"80/tcp\":[\"you\"]" : "");
	assert_int_equal(seatpool_read(text, strlen(text), &pool, &f), 0);
	asks(BORROW_GET);
	borrow_sent(&b, BORROW_GET, now);
	asks(BORROW_WAIT);
	assert_int_equal(borrow_got(&b, &pool, now, 0), 0);
}

static void writes(enum borrow_step step, const char *text)
{
	_free_ char *is = NULL;
	struct fault f = {""};

	asks(step);
	assert_int_equal(borrow_enter(&b, now), 0);
	assert_int_equal(seatpool_text(&b.pool, &is, &f), 0);
	assert_string_equal(is, text);
	borrow_sent(&b, step, now);
}

#define POOL(nodes, waiting)                                                                       \
	"{\"iss\":\"i\",\"lid\":\"l\",\"ports\":[\"80/tcp\"],\"nodes\":{" nodes                    \
	"},\"waiting\":{" waiting "}}"

static void answers(enum outcome answer)
{
	borrow_answered(&b, answer, now, 0);
}

static void test_first(void **state)
{
	asks(BORROW_WAIT); /* before a round nothing is known */
	round_once();
	asks(BORROW_GET);
	borrow_sent(&b, BORROW_GET, now);
	answers(OUTCOME_MISSING);
	assert_true(borrow_wants_tenure(&b, now));
	writes(BORROW_CREATE, POOL("\"me\":[3]", ""));
	round_once();
	assert_int_equal(kernel.seats, 0); /* not before it was answered */
	answers(OUTCOME_DONE);
	round_once();
	assert_int_equal(kernel.seats, 3);
	assert_int_equal(kernel.until_ns, t.until_ns);
	asks(BORROW_WAIT);
	/* A renewal moves the end on, in the next round. */
	now += 60 * S;
	tenure_sent(&t, TENURE_WRITE, now);
	tenure_answered(&t, OUTCOME_DONE, now, 0);
	round_once();
	assert_int_equal(kernel.until_ns, now - S + HOLD_S * S);
}

/* A block of 3, in force. */
static void borrow_block(void)
{
	round_once();
	sees(0, 0, false);
	writes(BORROW_PUT, POOL("\"me\":[3]", ""));
	answers(OUTCOME_DONE);
	round_once();
	assert_int_equal(kernel.seats, 3);
}

static void test_prefetch(void **state)
{
	round_once();
	sees(0, 48, false);
	asks(BORROW_WAIT); /* less than half would be left */
	now += 20 * S;
	asks(BORROW_WAIT); /* and with nothing it doesn't look again */
	assert_false(borrow_wants_tenure(&b, now));
	kernel.asked = 1; /* somebody came */
	round_once();
	assert_true(borrow_wants_tenure(&b, now));
	sees(0, 48, false);
	writes(BORROW_PUT, POOL("\"me\":[3],\"you\":[48]", ""));
}

static void test_all_taken(void **state)
{
	kernel.asked = 1;
	round_once();
	sees(0, 100, false);
	assert_true(borrow_short(&b, &b.ports[0], now));
	writes(BORROW_PUT, POOL("\"me\":[],\"you\":[100]", "\"80/tcp\":[\"me\"]"));
	answers(OUTCOME_DONE);
	round_once();
	asks(BORROW_WAIT);
	now += 4 * S;
	kernel.asked++;
	round_once();
	sees(0, 99, false); /* it isn't marked any more: somebody has taken us out */
	writes(BORROW_PUT, POOL("\"me\":[1],\"you\":[99]", ""));
	answers(OUTCOME_DONE);
	/* The mark goes when nobody asks any more. */
	now += 11 * S;
	round_once();
	assert_int_equal(kernel.seats, 1);
}

/* The kernel first; and who took a seat meanwhile keeps it. */
static void test_give_back(void **state)
{
	borrow_block();
	now += 15 * S;
	kernel.used = 1;
	round_once();
	sees(3, 0, true);
	asks(BORROW_WAIT);
	assert_int_equal(kernel.seats, 3);
	round_once();
	assert_int_equal(kernel.seats, 1);
	asks(BORROW_WAIT); /* it isn't seen to be so */
	kernel.used = 2;
	round_once();
	assert_int_equal(kernel.seats, 2);
	now += S;
	round_once();
	sees(3, 0, true);
	writes(BORROW_PUT, POOL("\"me\":[2],\"you\":[]", "\"80/tcp\":[\"you\"]"));
	/* Whatever becomes of it, it is given. */
	assert_int_equal(b.ports[0].lent, 2);
	answers(OUTCOME_FAILED);
	round_once();
	assert_int_equal(kernel.seats, 2);
}

static void test_sees_more_or_less(void **state)
{
	borrow_block();
	kernel.used = 2;
	now += 20 * S;
	round_once();
	/* What a look finds isn't in force by that. */
	sees(5, 0, false);
	assert_int_equal(b.ports[0].lent, 3);
	writes(BORROW_PUT, POOL("\"me\":[5]", ""));
	answers(OUTCOME_DONE);
	round_once();
	assert_int_equal(kernel.seats, 5);
	/* What it doesn't find isn't any more: the clock stood still, or somebody has written the pool. */
	now += 20 * S;
	round_once();
	sees(1, 97, false);
	round_once();
	assert_int_equal(kernel.seats, 1);
	asks(BORROW_WAIT); /* nor is it written before the kernel has no more */
	round_once();
	writes(BORROW_PUT, POOL("\"me\":[2],\"you\":[97]", ""));
	answers(OUTCOME_DONE);
	round_once();
	assert_int_equal(kernel.seats, 2);
}

static void test_epochs(void **state)
{
	borrow_block();
	kernel.used = 3;
	now += 20 * S;
	round_once();
	sees(3, 0, false);
	writes(BORROW_PUT, POOL("\"me\":[6]", ""));
	now += HOLD_S * S;
	kernel.used = 0;
	tenure_sent(&t, TENURE_WRITE, now);
	tenure_answered(&t, OUTCOME_DONE, now, 0);
	assert_int_equal(t.epoch, 2);
	round_once();
	assert_true(kernel.until_ns < now); /* nobody sits by it */
	answers(OUTCOME_DONE);
	round_once();
	assert_int_equal(b.ports[0].lent, 0);
	assert_true(kernel.until_ns < now);
	now += 2 * S;
	sees(6, 0, false);
	writes(BORROW_PUT, POOL("\"me\":[3]", ""));
	answers(OUTCOME_DONE);
	round_once();
	assert_int_equal(kernel.seats, 3);
	assert_int_equal(kernel.until_ns, t.until_ns);
}

static void test_no_tenure(void **state)
{
	tenure_begin(&t, HOLD_S, 0, now);
	round_once();
	sees(0, 0, false);
	asks(BORROW_WAIT);
	assert_true(borrow_wants_tenure(&b, now));
	now += 30 * S;
	asks(BORROW_WAIT); /* nor does it look again and again */
}

/* To give back it needs none. */
static void test_gives_without_tenure(void **state)
{
	tenure_begin(&t, HOLD_S, 0, now);
	kernel.total = 0;
	round_once();
	sees(4, 1, false);
	writes(BORROW_PUT,
	       "{\"iss\":\"i\",\"lid\":\"l\",\"ports\":[\"80/tcp\"],\"nodes\":{\"you\":[1]},"
	       "\"waiting\":{}}");
	answers(OUTCOME_DONE);
	assert_true(borrow_over(&b, &b.ports[0]));
	assert_false(borrow_wants_tenure(&b, now));
}

static void test_restart(void **state)
{
	kernel.seats = 7;
	kernel.until_ns = now + 100 * S;
	kernel.used = 5;
	round_once();
	/* It goes on, and needs no write. */
	assert_int_equal(kernel.seats, 7);
	assert_int_equal(kernel.until_ns, t.until_ns);
	sees(7, 0, false);
	asks(BORROW_WAIT);
}

/* A line that no license names: its pool says which it is, and what we have of it goes back. */
static void test_unknown_line(void **state)
{
	borrow_free(&b);
	assert_int_equal(borrow_begin(&b, NULL, NULL, "me", now, 0), 0);
	now += S;
	assert_int_equal(borrow_round(&b, NULL, 0, &t, now), 0);
	sees(4, 1, false);
	assert_false(borrow_done(&b));
	writes(BORROW_PUT, POOL("\"you\":[1]", ""));
	answers(OUTCOME_DONE);
	assert_true(borrow_done(&b));
	now += S;
	assert_int_equal(borrow_round(&b, NULL, 0, &t, now), 0);
	assert_int_equal(b.n_ports, 0);
}

static void test_foreign_pool(void **state)
{
	struct seatpool pool = {0};

	assert_int_equal(seatpool_new(&pool, "i", "other"), 0);
	round_once();
	asks(BORROW_GET);
	borrow_sent(&b, BORROW_GET, now);
	assert_int_equal(borrow_got(&b, &pool, now, 0), -EINVAL);
	asks(BORROW_WAIT);
}

static void test_full_pool(void **state)
{
	struct seatpool pool = {0};
	struct seatpool_node *node;

	assert_int_equal(seatpool_new(&pool, "i", "l"), 0);
	node = seatpool_add_node(&pool, "you");
	for (uint16_t i = 0; i < SEATPOOL_PORTS; i++)
		node->seats[seatpool_add_port(&pool, IPPROTO_UDP, (uint16_t)(i + 1))] = 1;
	kernel.asked = 1;
	round_once();
	asks(BORROW_GET);
	borrow_sent(&b, BORROW_GET, now);
	assert_int_equal(borrow_got(&b, &pool, now, 0), 0);
	asks(BORROW_WAIT);
	assert_true(b.ports[0].full);
	assert_true(borrow_short(&b, &b.ports[0], now));
}

/* A race that was lost is run again after a pause that grows, to 16 s; a server that fails has more peace. */
static void test_pauses(void **state)
{
	kernel.asked = 1;
	round_once();
	for (int i = 0; i < 10; i++) {
		uint64_t from = now;

		while (borrow_next(&b, &t, now) == BORROW_WAIT)
			now += S / 10;
		assert_in_range(now - from, 0, BORROW_CONFLICT_MAX_S * S);
		sees(0, 0, false);
		assert_int_equal(borrow_enter(&b, now), 0);
		borrow_sent(&b, BORROW_PUT, now);
		answers(OUTCOME_CONFLICT);
	}
	borrow_sent(&b, BORROW_GET, now);
	answers(OUTCOME_FAILED);
	now += 29 * S;
	asks(BORROW_WAIT);
}

/* The license has fewer seats than are lent: each gives up the same part, once for each look. */
static void test_shrunk(void **state)
{
	kernel.seats = 40;
	kernel.used = 30;
	kernel.until_ns = t.until_ns;
	kernel.total = 50;
	round_once();
	sees(40, 60, false);
	round_once();
	assert_int_equal(kernel.seats, 20);
	round_once();
	assert_int_equal(kernel.seats, 20);
}

/* Who sits beyond such a limit may stay for long: the line's other ports go on meanwhile. */
static void test_shrunk_below_who_sits(void **state)
{
	struct borrow_reading ports[] = {
		{.port = 80, .proto = IPPROTO_TCP, .total = 50, .seats = 40, .used = 40},
		{.port = 81, .proto = IPPROTO_TCP, .total = 50, .asked = 1},
	};
	uint32_t seats;
	uint64_t until;

	ports[0].until_ns = t.until_ns;
	for (int i = 0; i < 3; i++) {
		now += S;
		assert_int_equal(borrow_round(&b, ports, 2, &t, now), 0);
		if (!i)
			sees(40, 60, false);
	}
	assert_true(borrow_kernel(&b, &b.ports[0], &t, &seats, &until));
	assert_int_equal(seats, 20); /* though the kernel keeps 40 */
	asks(BORROW_PUT);
	assert_int_equal(borrow_enter(&b, now), 0);
	borrow_sent(&b, BORROW_PUT, now);
	answers(OUTCOME_DONE);
	assert_int_equal(b.ports[0].entry, 40); /* as many as sit there */
	assert_in_range(b.ports[1].entry, 1, 50);
	now += BORROW_PAUSE_S * S;
	asks(BORROW_WAIT); /* and that isn't written again and again */
}

/*
 * A range, and a pool that has no room for another port: those where nobody has come for long make room, though a
 * seat more or less is kept otherwise.
 */
static void test_crowded_pool(void **state)
{
	struct seatpool pool = {0};
	struct seatpool_node *you;

	kernel.asked = 1;
	borrow_block();
	now += BORROW_DEMAND_S * S;
	round_once();
	assert_int_equal(kernel.seats, 3);
	assert_int_equal(seatpool_new(&pool, "i", "l"), 0);
	you = seatpool_add_node(&pool, "you");
	seatpool_add_node(&pool, "me")->seats[seatpool_add_port(&pool, IPPROTO_TCP, 80)] = 3;
	you = seatpool_node(&pool, "you");
	for (uint16_t i = 1; i < SEATPOOL_PORTS; i++)
		you->seats[seatpool_add_port(&pool, IPPROTO_UDP, i)] = 1;
	while (borrow_next(&b, &t, now) == BORROW_WAIT)
		round_once();
	asks(BORROW_GET);
	borrow_sent(&b, BORROW_GET, now);
	assert_int_equal(borrow_got(&b, &pool, now, 0), 0);
	round_once();
	assert_int_equal(kernel.seats, 0);
	assert_false(borrow_idle(&b, &b.ports[0], now)); /* it is to be given back first */
	round_once();
	asks(BORROW_PUT);
	assert_int_equal(borrow_enter(&b, now), 0);
	borrow_sent(&b, BORROW_PUT, now);
	answers(OUTCOME_DONE);
	assert_true(borrow_idle(&b, &b.ports[0], now));
}

/* While the server is away, ports at which somebody only knocked are forgotten with their entries. */
static void test_ports_come_and_go(void **state)
{
	kernel.asked = 1;
	for (uint16_t port = 1; port < 100; port++) {
		kernel.port = port;
		now += S;
		assert_int_equal(borrow_round(&b, &kernel, 1, &t, now), 0);
		assert_int_equal(b.n_ports, 1);
		asks(BORROW_GET);
	}
	assert_false(borrow_done(&b)); /* what the pool says of us isn't known */
}

/* The kernel's entry of a port that is idle goes, and comes again with the next client that is refused. */
static void test_entry_begins_anew(void **state)
{
	kernel.asked = 7;
	round_once();
	assert_true(b.ports[0].refused_ns);
	b.ports[0].refused_ns = b.ports[0].demand_ns = b.ports[0].refused = 0;
	kernel.asked = 0;
	round_once();
	assert_false(b.ports[0].refused_ns);
	kernel.asked = 1;
	round_once();
	assert_true(b.ports[0].refused_ns);
	assert_int_equal(b.ports[0].refused, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_first),
		TEST(test_prefetch),
		TEST(test_all_taken),
		TEST(test_give_back),
		TEST(test_sees_more_or_less),
		TEST(test_epochs),
		TEST(test_no_tenure),
		TEST(test_gives_without_tenure),
		TEST(test_restart),
		TEST(test_unknown_line),
		TEST(test_foreign_pool),
		TEST(test_full_pool),
		TEST(test_pauses),
		TEST(test_shrunk),
		TEST(test_shrunk_below_who_sits),
		TEST(test_crowded_pool),
		TEST(test_entry_begins_anew),
		TEST(test_ports_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
