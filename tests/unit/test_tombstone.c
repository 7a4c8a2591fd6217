/* SPDX-License-Identifier: MIT */
/* test_tombstone.c - ports that left a set: how long they drain, and what a new set owes an old one. */
#include "world.h"

static void test_tombstones(void **state)
{
	struct tombstone stones[] = {
		{80, 90, IPPROTO_TCP, PLIC_REASON_WITHDRAWN, AT(100), 0},
		{85, 85, IPPROTO_TCP, PLIC_REASON_REVOKED, AT(200), 0},
	};
	struct world w = new_world();
	size_t live = license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW);
	size_t dead = license(&w, STATE_LAPSED, -60, PLIC_BLOCK);
	size_t ahead = license(&w, STATE_PENDING, 60, PLIC_BLOCK);

	w.views[ahead].deadlines.from = WALL + 30;
	port(&w, live, 70, 81, "");
	port(&w, dead, 88, 88, "");
	port(&w, ahead, 89, 89, "");
	w.in.tombstones = stones;
	w.in.n_tombstones = 2;
	struct compiled c = compile(&w);

	is_piece(&c, 0, 70, 81, 1); /* not cut at 80: the tombstone is idle there */
	assert_int_equal(look(&c, 81)->n_grants, 1);
	is_grant(look(&c, 82), 0, 0, 0, AT(100), 0);
	assert_int_equal(look(&c, 82)->grants[0].ended_reason, PLIC_REASON_WITHDRAWN);
	is_grant(look(&c, 85), 0, 0, 0, AT(200), 0);
	assert_int_equal(look(&c, 85)->grants[0].ended_reason, PLIC_REASON_REVOKED);
	is_grant(look(&c, 88), 0, 0, AT(-60), AT(-60), 2);
	is_grant(look(&c, 88), 1, 0, 0, AT(100), 0);
	is_grant(look(&c, 89), 0, AT(30), AT(60), AT(60), 3);
	is_grant(look(&c, 89), 1, 0, 0, AT(100), 0);
	compiled_free(&c);
}

static struct tombstone *diff(struct compiled *before, struct compiled *after, size_t want)
{
	struct tombstone *stones = NULL;
	size_t n = 99;

	assert_int_equal(compile_diff_tombstones(before, after, BOOT, TOMBSTONE_DRAIN_NS,
						 PLIC_REASON_WITHDRAWN, &stones, &n),
			 0);
	if (n != want) {
		for (size_t i = 0; i < n; i++)
			print_message("%u-%u until %lld\n", stones[i].port, stones[i].end_port,
				      (long long)stones[i].cut_at_ns);
		fail_msg("%zu tombstones, wanted %zu", n, want);
	}
	return stones;
}

static void is_stone(const struct tombstone *t, __u16 first, __u16 last, __u8 reason, __u64 cut)
{
	assert_int_equal(t->port, first);
	assert_int_equal(t->end_port, last);
	assert_int_equal(t->ip_proto, IPPROTO_TCP);
	assert_int_equal(t->reason, reason);
	assert_int_equal(t->cut_at_ns, cut);
}

static void test_diff_withdrawn(void **state)
{
	struct world w = new_world();

	port(&w, license(&w, STATE_ACTIVE, 1000, PLIC_BLOCK_NEW), 10, 19, "");
	port(&w, license(&w, STATE_ACTIVE, 1000, PLIC_BLOCK), 20, 20, "");
	port(&w, license(&w, STATE_LAPSED, -100, PLIC_BLOCK_NEW), 30, 30, "");
	port(&w, license(&w, STATE_LAPSED, -400, PLIC_BLOCK_NEW), 40, 40, "");
	port(&w, license(&w, STATE_LAPSED, -400, PLIC_REPORT), 50, 50, "");
	port(&w, license(&w, STATE_PENDING, 900, PLIC_BLOCK_NEW), 60, 60, "");
	w.views[5].deadlines.from = WALL + 10;
	port(&w, license(&w, STATE_REVOKED, -100, PLIC_BLOCK_NEW), 70, 70, "");
	struct compiled before = compile(&w);

	struct world v = new_world();
	port(&v, license(&v, STATE_ACTIVE, 5, PLIC_BLOCK_NEW), 12, 14, "");
	struct compiled after = compile(&v);

	struct tombstone *t = diff(&before, &after, 7);
	is_stone(&t[0], 10, 11, PLIC_REASON_WITHDRAWN, AT(300));
	is_stone(&t[1], 15, 19, PLIC_REASON_WITHDRAWN, AT(300));
	is_stone(&t[2], 20, 20, PLIC_REASON_WITHDRAWN, AT(0));
	is_stone(&t[3], 30, 30, PLIC_REASON_LAPSED, AT(200));
	is_stone(&t[4], 40, 40, PLIC_REASON_LAPSED, AT(-100)); /* past its cut: still to be named */
	is_stone(&t[5], 50, 50, PLIC_REASON_LAPSED, AT(300));
	is_stone(&t[6], 70, 70, PLIC_REASON_REVOKED, AT(200));

	/* with them compiled in nothing is left to tell */
	v.in.tombstones = t;
	v.in.n_tombstones = 7;
	struct compiled then = compile(&v);
	free(diff(&before, &then, 0));
	free(diff(&then, &then, 0));
	free(diff(&after, &then, 0));
	free(t);
	compiled_free(&before);
	compiled_free(&after);
	compiled_free(&then);
}

static void test_diff_of_ended_licenses(void **state)
{
	struct world w = new_world();

	port(&w, license(&w, STATE_ACTIVE, 1000, PLIC_BLOCK_NEW), 1, 3, "");
	struct compiled before = compile(&w);

	/* the license is revoked since long ago: its own cut holds, no new drain */
	struct world v = new_world();
	port(&v, license(&v, STATE_REVOKED, -1000, PLIC_BLOCK_NEW), 1, 1, "");
	/* another one that is long dead doesn't keep port 2 from being drained */
	port(&v, license(&v, STATE_LAPSED, -1000, PLIC_BLOCK_NEW), 2, 2, "");
	/* one to come doesn't either */
	port(&v, license(&v, STATE_PENDING, 1000, PLIC_BLOCK_NEW), 3, 3, "");
	v.views[2].deadlines.from = WALL + 1;
	struct compiled after = compile(&v);

	struct tombstone *t = diff(&before, &after, 1);
	is_stone(&t[0], 2, 3, PLIC_REASON_WITHDRAWN, AT(300));
	free(t);
	compiled_free(&before);
	compiled_free(&after);
}

/* An older tombstone on the port is no reason to drain for a shorter time. */
static void test_diff_over_an_older_tombstone(void **state)
{
	struct tombstone old = {1, 1, IPPROTO_TCP, PLIC_REASON_WITHDRAWN, AT(20), 0};
	struct world w = new_world(), v = new_world();

	port(&w, license(&w, STATE_ACTIVE, 1000, PLIC_BLOCK_NEW), 1, 1, "");
	w.in.tombstones = v.in.tombstones = &old;
	w.in.n_tombstones = v.in.n_tombstones = 1;
	struct compiled before = compile(&w), after = compile(&v);
	struct tombstone *t = diff(&before, &after, 1);

	is_stone(&t[0], 1, 1, PLIC_REASON_WITHDRAWN, AT(300));
	free(t);
	compiled_free(&before);
	compiled_free(&after);
}

/* What ended long ago is named for as long as another one names it, and then gets a tombstone. */
static void test_diff_past_the_cut(void **state)
{
	struct world both = new_world(), one = new_world(), none = new_world();
	size_t block = license(&both, STATE_LAPSED, -50, PLIC_BLOCK);

	port(&both, block, 7, 7, "");
	port(&both, block, 8, 8, "");
	port(&both, license(&both, STATE_LAPSED, -900, PLIC_BLOCK_NEW), 8, 8, "");
	port(&one, license(&one, STATE_LAPSED, -900, PLIC_BLOCK_NEW), 8, 8, "");
	struct compiled before = compile(&both), between = compile(&one), after = compile(&none);
	struct tombstone *t = diff(&before, &between, 1);

	is_stone(&t[0], 7, 7, PLIC_REASON_LAPSED, AT(-50));
	free(t);
	t = diff(&between, &after, 1);
	is_stone(&t[0], 8, 8, PLIC_REASON_LAPSED, AT(-600));

	/* a tombstone past its cut may go: it doesn't rise again */
	none.in.tombstones = t;
	none.in.n_tombstones = 1;
	struct compiled buried = compile(&none);
	assert_int_equal(look(&buried, 8)->n_grants, 1);
	free(diff(&buried, &after, 0));
	free(t);
	compiled_free(&before);
	compiled_free(&between);
	compiled_free(&after);
	compiled_free(&buried);
}

/* A set that was read back from the kernel is in the order of its slots. */
static void test_diff_in_any_order(void **state)
{
	struct world w = new_world();
	size_t a = license(&w, STATE_ACTIVE, 1000, PLIC_BLOCK_NEW);

	port(&w, a, 10, 10, "");
	port(&w, a, 20, 20, "");
	port(&w, a, 30, 30, "");
	struct compiled before = compile(&w), after = compile(&w);
	struct compiled_port first = before.ports[0];

	before.ports[0] = before.ports[2];
	before.ports[2] = first;
	free(diff(&before, &after, 0));
	compiled_free(&before);
	compiled_free(&after);
}

static void test_diff_of_protocols(void **state)
{
	struct policy_open udp[] = {{.port = 53, .end_port = 53, .ip_proto = IPPROTO_UDP}};
	struct policy_open tcp[] = {{.port = 53, .end_port = 53, .ip_proto = IPPROTO_TCP}};
	struct world w = new_world(), v = new_world();

	w.policy = (struct policy){.open = udp, .n_open = 1};
	v.policy = (struct policy){.open = tcp, .n_open = 1};
	w.in.policy = &w.policy;
	v.in.policy = &v.policy;
	struct compiled before = compile(&w), after = compile(&v);
	struct tombstone *t = diff(&before, &after, 1);

	assert_int_equal(t[0].ip_proto, IPPROTO_UDP);
	free(t);
	t = diff(&after, &before, 1);
	is_stone(&t[0], 53, 53, PLIC_REASON_WITHDRAWN, AT(300));
	free(t);

	struct policy_open both[] = {{.port = 53, .end_port = 53, .ip_proto = IPPROTO_TCP},
				     {.port = 53, .end_port = 53, .ip_proto = IPPROTO_UDP}};
	v.policy = (struct policy){.open = both, .n_open = 2};
	struct compiled then = compile(&v);
	free(diff(&before, &then, 0));
	compiled_free(&then);
	compiled_free(&before);
	compiled_free(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tombstones),
		cmocka_unit_test(test_diff_withdrawn),
		cmocka_unit_test(test_diff_of_ended_licenses),
		cmocka_unit_test(test_diff_over_an_older_tombstone),
		cmocka_unit_test(test_diff_past_the_cut),
		cmocka_unit_test(test_diff_in_any_order),
		cmocka_unit_test(test_diff_of_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
