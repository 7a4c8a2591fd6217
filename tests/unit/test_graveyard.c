/* SPDX-License-Identifier: MIT */
/* test_graveyard.c - how long tombstones are kept, and that they don't pile up. */
#include "world.h"

#include "graveyard.h"

#define KEPT(seconds) (AT(seconds) + GRAVEYARD_KEEP_NS)

static void bury(struct graveyard *g, __u16 first, __u16 last, __u8 ip_proto, __s64 cut, __s64 now)
{
	struct tombstone t = {first, last, ip_proto, PLIC_REASON_WITHDRAWN, AT(cut), 0};

	assert_int_equal(graveyard_bury(g, &t, AT(now)), 0);
}

static bool on_port(const void *arg, const struct tombstone *t)
{
	const __u16 *port = arg;

	return t->port <= *port && *port <= t->end_port;
}

static bool nowhere(const void *arg, const struct tombstone *t)
{
	return false;
}

static void is_stone(const struct graveyard *g, size_t i, __u16 first, __u16 last, __u64 cut,
		     __u64 kept)
{
	assert_in_range(i, 0, g->n - 1);
	assert_int_equal(g->stones[i].port, first);
	assert_int_equal(g->stones[i].end_port, last);
	assert_int_equal(g->stones[i].cut_at_ns, cut);
	assert_int_equal(g->stones[i].kept_until_ns, kept);
}

static void test_kept_from_its_cut(void **state)
{
	struct graveyard g = {0};

	bury(&g, 80, 80, IPPROTO_TCP, 300, 0);
	graveyard_clear(&g, KEPT(300) - 1, nowhere, NULL);
	is_stone(&g, 0, 80, 80, AT(300), KEPT(300));
	graveyard_clear(&g, KEPT(300), nowhere, NULL);
	assert_int_equal(g.n, 0);
	graveyard_free(&g);
}

/* Of a license that ended long ago: from its burial. */
static void test_kept_from_its_burial(void **state)
{
	struct graveyard g = {0};

	bury(&g, 80, 80, IPPROTO_TCP, -900, 10);
	graveyard_clear(&g, KEPT(10) - 1, nowhere, NULL);
	is_stone(&g, 0, 80, 80, AT(-900), KEPT(10));
	graveyard_clear(&g, KEPT(10), nowhere, NULL);
	assert_int_equal(g.n, 0);
	graveyard_free(&g);
}

static void test_kept_while_something_stands(void **state)
{
	struct graveyard g = {0};
	__u16 port = 85;

	bury(&g, 80, 90, IPPROTO_TCP, 0, 0);
	bury(&g, 91, 99, IPPROTO_TCP, 0, 0);
	graveyard_clear(&g, KEPT(1000000), on_port, &port);
	assert_int_equal(g.n, 1);
	is_stone(&g, 0, 80, 90, AT(0), KEPT(0));
	port = 95;
	graveyard_clear(&g, KEPT(1000000), on_port, &port);
	assert_int_equal(g.n, 0);
	graveyard_free(&g);
}

static void test_one_takes_the_place_of_others(void **state)
{
	struct graveyard g = {0};

	bury(&g, 80, 85, IPPROTO_TCP, 100, 0);
	bury(&g, 80, 85, IPPROTO_TCP, 300, 0); /* a later cut */
	assert_int_equal(g.n, 1);
	is_stone(&g, 0, 80, 85, AT(300), KEPT(300));
	bury(&g, 82, 83, IPPROTO_TCP, -20, 900); /* within it, cut before: only kept for longer */
	assert_int_equal(g.n, 1);
	is_stone(&g, 0, 80, 85, AT(300), KEPT(900));
	bury(&g, 84, 88, IPPROTO_TCP, 300, 0); /* reaches out of it */
	bury(&g, 84, 88, IPPROTO_UDP, 300, 0);
	assert_int_equal(g.n, 3);
	bury(&g, 70, 90, IPPROTO_TCP, 301, 0); /* over both */
	assert_int_equal(g.n, 2);
	is_stone(&g, 0, 84, 88, AT(300), KEPT(300));
	is_stone(&g, 1, 70, 90, AT(301), KEPT(900));
	bury(&g, 70, 90, IPPROTO_TCP, 200, 0);
	assert_int_equal(g.n, 2);
	graveyard_free(&g);
}

/* Too many: those that are cut and where nothing stands go first, and only as many as have to. */
static void test_makes_room(void **state)
{
	struct graveyard g = {0};
	__u16 port = 1;

	for (__u16 i = 1; i <= GRAVEYARD_MAX + 10; i++)
		bury(&g, 2 * i, 2 * i, IPPROTO_TCP, i <= 20 ? 300 : 0, 0);
	port = 2 * 21;
	graveyard_clear(&g, AT(1), on_port, &port);
	assert_int_equal(g.n, GRAVEYARD_MAX);
	is_stone(&g, 0, 2, 2, AT(300), KEPT(300));
	is_stone(&g, 20, 2 * 21, 2 * 21, AT(0), KEPT(0));
	is_stone(&g, 21, 2 * 32, 2 * 32, AT(0), KEPT(0));
	graveyard_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_from_its_cut),
		cmocka_unit_test(test_kept_from_its_burial),
		cmocka_unit_test(test_kept_while_something_stands),
		cmocka_unit_test(test_one_takes_the_place_of_others),
		cmocka_unit_test(test_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
