/* SPDX-License-Identifier: MIT */
/* test_compile.c - times, pieces, grants, slots and narrowing, case by case. */
#include <errno.h>

#include "world.h"

static void test_time_base(void **state)
{
	struct time_base base = {WALL, BOOT};

	assert_int_equal(time_base_boot_ns(&base, WALL), BOOT);
	assert_int_equal(time_base_boot_ns(&base, WALL + 5), BOOT + 5 * S);
	assert_int_equal(time_base_boot_ns(&base, WALL - 1000), 0);
	assert_int_equal(time_base_boot_ns(&base, WALL - 1001), 0);
	assert_int_equal(time_base_boot_ns(&base, 1), 0);
	assert_true(time_base_boot_ns(&base, INT64_MIN) == 0);
	assert_true(time_base_boot_ns(&base, INT64_MAX) == PLIC_NEVER);
	assert_true(time_base_boot_ns(&base, LICENSE_TIME_MAX) == PLIC_NEVER);
	/* 2^64 ns are 18446744073.709551616 s */
	assert_true(time_base_boot_ns(&base, WALL - 1000 + 18446744073LL) == 18446744073 * S);
	assert_true(time_base_boot_ns(&base, WALL - 1000 + 18446744074LL) == PLIC_NEVER);
	base.boot_ns = PLIC_NEVER;
	assert_true(time_base_boot_ns(&base, WALL) == PLIC_NEVER);
	assert_true(time_base_boot_ns(&base, WALL - 1) == PLIC_NEVER - S);
}

static void test_nothing(void **state)
{
	struct world w = new_world();
	struct compiled c = compile(&w);

	assert_int_equal(c.n_ports, 0);
	assert_int_equal(c.n_slots, 1);
	assert_int_equal(look(&c, 80)->n_grants, 0);
	assert_int_equal(look(&c, 80)->mode, PLIC_ENFORCE);
	assert_int_equal(c.set.cells[0].header.generation, 3);
	compiled_free(&c);
}

static void test_one_license(void **state)
{
	struct world w = new_world();
	size_t a = license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW);

	port(&w, a, 8080, 8080, "web");
	port(&w, a, 9000, 9010, "");
	struct compiled c = compile(&w);

	assert_int_equal(c.n_ports, 2);
	is_piece(&c, 0, 8080, 8080, 1);
	is_piece(&c, 1, 9000, 9010, 2);
	assert_string_equal(c.ports[0].name, "web");
	assert_false(c.ports[0].open);
	is_grant(look(&c, 8080), 0, 0, AT(60), AT(360), 1);
	assert_int_equal(look(&c, 8080)->grants[0].ended_reason, PLIC_REASON_LAPSED);
	assert_int_equal(look(&c, 8081)->n_grants, 0);
	assert_int_equal(look(&c, 9005)->n_grants, 1);
	compiled_free(&c);
}

static void test_lapses(void **state)
{
	struct world w = new_world();
	size_t block = license(&w, STATE_ACTIVE, 60, PLIC_BLOCK);
	size_t report = license(&w, STATE_LAPSED, -60, PLIC_REPORT);

	port(&w, block, 1, 1, "");
	port(&w, report, 2, 2, "");
	struct compiled c = compile(&w);

	is_grant(look(&c, 1), 0, 0, AT(60), AT(60), 1);
	is_grant(look(&c, 2), 0, 0, AT(-60), PLIC_NEVER, 2);
	assert_int_equal(look(&c, 1)->grants[0].lapse, PLIC_BLOCK);
	assert_int_equal(look(&c, 2)->grants[0].lapse, PLIC_REPORT);
	compiled_free(&c);
}

static void test_never(void **state)
{
	struct world w = new_world();
	size_t a = license(&w, STATE_ACTIVE, LICENSE_TIME_MAX - WALL, PLIC_BLOCK_NEW);

	port(&w, a, 1, 1, "");
	struct compiled c = compile(&w);

	is_grant(look(&c, 1), 0, 0, PLIC_NEVER, PLIC_NEVER, 1);
	compiled_free(&c);
}

static void test_states(void **state)
{
	static const struct {
		enum license_state state;
		__s64 left;
		bool gives;
		enum plic_reason reason;
	} cases[] = {
		{STATE_ACTIVE, 10, true, PLIC_REASON_LAPSED},
		{STATE_GRACE, 10, true, PLIC_REASON_LAPSED},
		{STATE_STALE, 10, true, PLIC_REASON_LAPSED},
		{STATE_PENDING, 10, true, PLIC_REASON_LAPSED},
		{STATE_LAPSED, -10, true, PLIC_REASON_LAPSED},
		{STATE_REVOKED, -10, true, PLIC_REASON_REVOKED},
		{STATE_SUPERSEDED, 10, false, 0},
		{STATE_REJECTED, 10, false, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w = new_world();
		size_t a = license(&w, cases[i].state, cases[i].left, PLIC_BLOCK_NEW);

		port(&w, a, 443, 443, "");
		if (cases[i].state == STATE_PENDING)
			w.views[a].deadlines.from = WALL + 3;
		if (cases[i].state == STATE_REJECTED)
			w.views[a].lic = NULL;
		struct compiled c = compile(&w);

		assert_int_equal(look(&c, 443)->n_grants, cases[i].gives);
		if (cases[i].gives) {
			is_grant(look(&c, 443), 0, cases[i].state == STATE_PENDING ? AT(3) : 0,
				 AT(cases[i].left), AT(cases[i].left + 300), 1);
			assert_int_equal(look(&c, 443)->grants[0].ended_reason, cases[i].reason);
		}
		compiled_free(&c);
	}
}

static void test_revocation_is_at_least_block_new(void **state)
{
	struct world w = new_world();
	size_t gone = license(&w, STATE_REVOKED, -10, PLIC_REPORT);
	size_t later = license(&w, STATE_ACTIVE, 30, PLIC_REPORT);
	size_t ahead = license(&w, STATE_ACTIVE, 20, PLIC_BLOCK_NEW);
	size_t list = license(&w, STATE_ACTIVE, 20, PLIC_BLOCK_NEW);

	port(&w, gone, 1, 1, "");
	port(&w, ahead, 2, 2, "");
	port(&w, list, 3, 3, "");
	w.views[gone].lapse = w.views[later].lapse = PLIC_BLOCK_NEW; /* as lifecycle.h says */
	w.views[gone].deadlines.cut_at = WALL + 290;
	w.views[later].deadlines.cut_at = WALL + 330;
	port(&w, later, 4, 4, "");
	w.licenses[ahead].exp = WALL + 1000; /* the list says `at` = WALL + 20 */
	w.licenses[list].exp = WALL + 1000;  /* the list grows too old then */
	w.licenses[list].rl_max_age_s = 3600;
	struct compiled c = compile(&w);

	is_grant(look(&c, 1), 0, 0, AT(-10), AT(290), 1);
	assert_int_equal(look(&c, 1)->grants[0].lapse, PLIC_BLOCK_NEW);
	assert_int_equal(look(&c, 2)->grants[0].ended_reason, PLIC_REASON_REVOKED);
	assert_int_equal(look(&c, 3)->grants[0].ended_reason, PLIC_REASON_LAPSED);
	is_grant(look(&c, 4), 0, 0, AT(30), AT(330), 2);
	assert_int_equal(look(&c, 4)->grants[0].ended_reason, PLIC_REASON_REVOKED);
	assert_int_equal(look(&c, 4)->grants[0].lapse, PLIC_BLOCK_NEW);
	compiled_free(&c);
}

static void test_overlap_is_cut(void **state)
{
	struct world w = new_world();
	size_t a = license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW);
	size_t b = license(&w, STATE_ACTIVE, 90, PLIC_BLOCK_NEW);

	port(&w, a, 8000, 8100, "range");
	port(&w, b, 8050, 8050, "admin");
	struct compiled c = compile(&w);

	assert_int_equal(c.n_ports, 3);
	is_piece(&c, 0, 8000, 8049, 1);
	is_piece(&c, 1, 8050, 8050, 2);
	is_piece(&c, 2, 8051, 8100, 3);
	assert_string_equal(c.ports[0].name, "range");
	assert_string_equal(c.ports[1].name, "admin"); /* of the one that ends last */
	is_grant(look(&c, 8050), 0, 0, AT(90), AT(390), 2);
	is_grant(look(&c, 8050), 1, 0, AT(60), AT(360), 1);
	assert_int_equal(look(&c, 8100)->n_grants, 1);
	compiled_free(&c);
}

static void test_overlap_in_one_license(void **state)
{
	struct world w = new_world();
	size_t a = license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW);

	port(&w, a, 10, 20, "");
	port(&w, a, 15, 30, "b");
	port(&w, a, 31, 40, "");
	struct compiled c = compile(&w);

	assert_int_equal(c.n_ports, 4); /* 10-14, 15-20, 21-30, 31-40: sources differ */
	assert_int_equal(look(&c, 17)->n_grants, 1);
	assert_string_equal(c.ports[1].name, "b");
	compiled_free(&c);
}

static void test_edges_of_the_port_space(void **state)
{
	struct world w = new_world();
	size_t a = license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW);
	size_t b = license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW);

	port(&w, a, 1, 65535, "");
	port(&w, b, 65535, 65535, "");
	port(&w, b, 1, 1, "");
	struct compiled c = compile(&w);

	assert_int_equal(c.n_ports, 3);
	is_piece(&c, 1, 2, 65534, 2);
	assert_int_equal(look(&c, 65535)->n_grants, 2);
	assert_int_equal(look(&c, 0)->n_grants, 0);
	compiled_free(&c);
}

static void test_same_file_twice_is_one_grant(void **state)
{
	struct world w = new_world();

	for (int i = 0; i < 6; i++) {
		size_t a = license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW);

		port(&w, a, 80, 80, "");
		w.licenses[a].sha256[0] = 9;
	}
	struct compiled c = compile(&w);

	assert_int_equal(look(&c, 80)->n_grants, 1);
	compiled_free(&c);
}

static void test_more_than_four(void **state)
{
	struct world w = new_world();

	/* five in force, one of them `report`; two renewals ahead that touch; one far ahead */
	for (int i = 0; i < 5; i++)
		port(&w, license(&w, STATE_ACTIVE, 10 + i, i ? PLIC_BLOCK_NEW : PLIC_REPORT), 80,
		     80, "");
	for (int i = 0; i < 3; i++) {
		size_t a = license(&w, STATE_PENDING, 24 + 10 * i, PLIC_BLOCK_NEW);

		port(&w, a, 80, 80, "");
		w.views[a].deadlines.from = WALL + 14 + (i < 2 ? 10 * i : 1000);
		w.views[a].deadlines.new_until += i == 2 ? 2000 : 0;
		w.views[a].deadlines.cut_at += i == 2 ? 2000 : 0;
	}
	struct compiled c = compile(&w);
	const struct plic_rule *rule = look(&c, 80);

	assert_int_equal(rule->n_grants, 3);
	is_grant(rule, 0, AT(1014), AT(2044), AT(2344), 8);
	is_grant(rule, 1, 0, AT(34), AT(334), 7);
	is_grant(rule, 2, 0, AT(10), PLIC_NEVER, 1);
	compiled_free(&c);
}

/* Of ended ones that are merged the last cut holds. */
static void test_many_ended(void **state)
{
	struct tombstone stone = {80, 80, IPPROTO_TCP, PLIC_REASON_WITHDRAWN, AT(299), 0};
	struct world w = new_world();

	for (int i = 0; i < 5; i++)
		port(&w, license(&w, STATE_LAPSED, -10 - i, PLIC_BLOCK_NEW), 80, 80, "");
	w.in.tombstones = &stone;
	w.in.n_tombstones = 1;
	struct compiled c = compile(&w);

	assert_int_equal(look(&c, 80)->n_grants, 1);
	is_grant(look(&c, 80), 0, 0, AT(-10), AT(299), 1);
	compiled_free(&c);
}

/* What is in force now is never the one to go. */
static void test_many_ahead(void **state)
{
	struct world w = new_world();

	for (int i = 0; i < 8; i++) {
		size_t a = license(&w, i ? STATE_PENDING : STATE_ACTIVE, 10 + 100 * i, PLIC_BLOCK);

		port(&w, a, 80, 80, "");
		if (i)
			w.views[a].deadlines.from = WALL + 100 * i;
	}
	struct compiled c = compile(&w);
	const struct plic_rule *rule = look(&c, 80);

	assert_int_equal(rule->n_grants, 4);
	is_grant(rule, 0, AT(300), AT(310), AT(310), 4);
	is_grant(rule, 3, 0, AT(10), AT(10), 1);
	compiled_free(&c);
}

static void test_slots_stay(void **state)
{
	struct plic_slot slots[] = {
		{0, 0, 0, {0}},
		{9000, 9010, IPPROTO_TCP, {0}},
		{8080, 8080, IPPROTO_UDP, {0}},
		{8080, 8080, IPPROTO_TCP, {0}},
		{9000, 9011, IPPROTO_TCP, {0}},
	};
	struct world w = new_world();
	size_t a = license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW);

	port(&w, a, 9000, 9010, "");
	port(&w, a, 80, 80, "");
	port(&w, a, 8080, 8080, "");
	w.in.slots = slots;
	w.in.n_slots = 5;
	struct compiled c = compile(&w);

	assert_int_equal(c.n_slots, 6);
	assert_memory_equal(c.slots, slots, sizeof(slots));
	is_piece(&c, 0, 80, 80, 5);
	is_piece(&c, 1, 8080, 8080, 3);
	is_piece(&c, 2, 9000, 9010, 1);
	compiled_free(&c);
}

/* Two slots of the same ports can only come from elsewhere; the first one counts. */
static void test_slots_that_stand_twice(void **state)
{
	struct plic_slot slots[40] = {{0}};
	struct world w = new_world();

	for (int i = 7; i < 40; i++)
		slots[i] = (struct plic_slot){80, 80, IPPROTO_TCP, {0}};
	port(&w, license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW), 80, 80, "");
	w.in.slots = slots;
	w.in.n_slots = 40;
	struct compiled c = compile(&w);

	is_piece(&c, 0, 80, 80, 7);
	compiled_free(&c);
}

static void test_slots_run_out(void **state)
{
	struct plic_slot *slots = calloc(RULESET_MAX_SLOTS, sizeof(*slots));
	struct compiled c = {.n_ports = 99};
	struct world w = new_world();
	struct fault f = {0};

	assert_non_null(slots);
	port(&w, license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW), 80, 80, "");
	w.in.views = w.views;
	w.in.slots = slots;
	w.in.n_slots = RULESET_MAX_SLOTS;
	assert_int_equal(compile_gate(&w.in, &c, &f), -E2BIG);
	assert_non_null(strstr(f.text, "65537 counters"));
	assert_int_equal(c.n_ports, 99);
	w.in.n_slots = 0;
	assert_int_equal(compile_gate(&w.in, &c, &f), -EINVAL);
	free(slots);
}

static void test_open(void **state)
{
	struct policy_open open[] = {{.port = 8080, .end_port = 8081, .ip_proto = IPPROTO_TCP},
				     {.port = 0, .end_port = 0, .ip_proto = IPPROTO_GRE},
				     {.port = 0, .end_port = 0, .ip_proto = 0}};
	struct world w = new_world();
	size_t a = license(&w, STATE_LAPSED, -400, PLIC_BLOCK_NEW);

	port(&w, a, 8081, 8082, "");
	w.policy = (struct policy){.open = open, .n_open = 3};
	w.in.policy = &w.policy;
	struct compiled c = compile(&w);

	assert_int_equal(c.n_ports, 3);
	assert_true(c.ports[0].open && c.ports[1].open && !c.ports[2].open);
	is_grant(look(&c, 8081), 0, 0, PLIC_NEVER, PLIC_NEVER, 0);
	is_grant(look(&c, 8081), 1, 0, AT(-400), AT(-100), 1);
	assert_int_equal(c.set.cells[0].header.ip_open[IPPROTO_GRE / 8], 1 << IPPROTO_GRE % 8);
	assert_int_equal(c.set.cells[0].header.ip_open[0], 1);
	compiled_free(&c);
}

static void test_modes(void **state)
{
	struct policy_port ports[] = {
		{.port = 80,
		 .end_port = 80,
		 .ip_proto = IPPROTO_TCP,
		 .mode = PLIC_AUDIT_MODE,
		 .deny = -1},
		{.port = 81,
		 .end_port = 81,
		 .ip_proto = IPPROTO_TCP,
		 .mode = PLIC_ENFORCE,
		 .deny = PLIC_REFUSE},
		{.port = 82, .end_port = 82, .ip_proto = IPPROTO_TCP, .mode = -1, .deny = -1},
	};
	/* mode of the policy, set mode or -1, then wanted: the gate, ports 80, 81, 82 */
	static const int cases[][6] = {
		{PLIC_ENFORCE, -1, 0, 1, 0, 0},
		{PLIC_AUDIT_MODE, -1, 1, 1, 0, 1},
		{PLIC_OFF, -1, 2, 1, 0, 2},
		{PLIC_AUDIT_MODE, PLIC_ENFORCE, 0, 1, 0, 0},
		{PLIC_ENFORCE, PLIC_AUDIT_MODE, 1, 1, 1, 1},
		{PLIC_ENFORCE, PLIC_OFF, 2, 2, 2, 2},
	};

	/* Twice: the second time it isn't the policy's mode but what stands in its place (a pod's annotation). */
	for (size_t n = 0; n < 2 * sizeof(cases) / sizeof(cases[0]); n++) {
		const size_t i = n / 2;
		const enum plic_mode mode = cases[i][0];
		struct world w = new_world();

		w.policy =
			(struct policy){.mode = n % 2 ? (mode + 1) % 3 : mode, .deny = PLIC_DROP};
		w.in.policy_mode = n % 2 ? &mode : NULL;
		w.policy.ports = ports;
		w.policy.n_ports = 3;
		w.in.policy = &w.policy;
		w.in.mode = cases[i][1];
		struct compiled c = compile(&w);

		assert_int_equal(c.set.cells[0].header.mode, cases[i][2]);
		assert_int_equal(c.set.cells[0].header.deny, PLIC_DROP);
		assert_int_equal(look(&c, 9)->mode, cases[i][2]);
		assert_int_equal(look(&c, 9)->deny, PLIC_DROP);
		for (int p = 80; p <= 82; p++) {
			assert_int_equal(look(&c, p)->mode, cases[i][p - 77]);
			assert_int_equal(look(&c, p)->deny, p == 81 ? PLIC_REFUSE : PLIC_DROP);
			assert_int_equal(look(&c, p)->n_grants, 0);
		}
		compiled_free(&c);
	}
}

/* A narrowing that changes nothing doesn't tear a range apart; one that does does. */
static void test_narrowing_cuts_only_where_it_says_something(void **state)
{
	struct policy_port narrow = {.port = 8050,
				     .end_port = 8050,
				     .ip_proto = IPPROTO_TCP,
				     .mode = PLIC_ENFORCE,
				     .deny = -1};
	struct world w = new_world();

	port(&w, license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW), 8000, 8100, "");
	w.policy = (struct policy){.ports = &narrow, .n_ports = 1};
	w.in.policy = &w.policy;
	struct compiled c = compile(&w);

	assert_int_equal(c.n_ports, 1);
	is_piece(&c, 0, 8000, 8100, 1);
	compiled_free(&c);
	narrow.deny = PLIC_DROP;
	c = compile(&w);
	assert_int_equal(c.n_ports, 3);
	compiled_free(&c);

	/* ports that only the policy names, with others between them */
	struct policy_port apart[] = {{.port = 10,
				       .end_port = 10,
				       .ip_proto = IPPROTO_TCP,
				       .mode = PLIC_AUDIT_MODE,
				       .deny = -1},
				      {.port = 20,
				       .end_port = 20,
				       .ip_proto = IPPROTO_TCP,
				       .mode = PLIC_AUDIT_MODE,
				       .deny = -1}};
	w.policy = (struct policy){.ports = apart, .n_ports = 2};
	c = compile(&w);
	assert_int_equal(look(&c, 15)->mode, PLIC_ENFORCE);
	is_piece(&c, 1, 20, 20, 2);
	compiled_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_base),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_one_license),
		cmocka_unit_test(test_lapses),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_revocation_is_at_least_block_new),
		cmocka_unit_test(test_overlap_is_cut),
		cmocka_unit_test(test_overlap_in_one_license),
		cmocka_unit_test(test_edges_of_the_port_space),
		cmocka_unit_test(test_same_file_twice_is_one_grant),
		cmocka_unit_test(test_more_than_four),
		cmocka_unit_test(test_many_ended),
		cmocka_unit_test(test_many_ahead),
		cmocka_unit_test(test_slots_stay),
		cmocka_unit_test(test_slots_that_stand_twice),
		cmocka_unit_test(test_slots_run_out),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_narrowing_cuts_only_where_it_says_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
