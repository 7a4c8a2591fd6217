/* SPDX-License-Identifier: MIT */
/* test_compile.c - times, pieces, grants, slots, narrowing and tombstones, case by case. */
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

#include "compile.h"

#define S 1000000000ULL
#define WALL 1800000000LL		 /* "now" in seconds since 1970 UTC ... */
#define BOOT (1000 * S)			 /* ... and on the boot clock */
#define AT(seconds) (BOOT + (seconds)*S) /* seconds from now, on the boot clock */

static const struct plic_slot other;

#define MAX_VIEWS 16
struct world {
	struct license licenses[MAX_VIEWS];
	struct license_port ports[MAX_VIEWS][8];
	struct license_view views[MAX_VIEWS];
	struct policy policy;
	struct compile_input in;
};

static struct world new_world(void)
{
	struct world w;

	memset(&w, 0, sizeof(w));
	w.in.mode = -1;
	w.in.slots = &other;
	w.in.n_slots = 1;
	w.in.base = (struct time_base){WALL, BOOT};
	w.in.generation = 3;
	return w;
}

/* A license in force from long ago, which ends in `left` seconds from now. Returns its index. */
static size_t license(struct world *w, enum license_state state, __s64 left, enum plic_lapse lapse)
{
	size_t i = w->in.n_views++;
	struct license *lic = &w->licenses[i];
	struct license_view *view = &w->views[i];

	*lic = (struct license){.exp = WALL + left, .lapse = lapse, .ports = w->ports[i]};
	lic->sha256[0] = 1 + i;
	*view = (struct license_view){.lic = lic, .state = state, .lapse = lapse};
	view->deadlines.from = WALL - 1000;
	view->deadlines.new_until = WALL + left;
	view->deadlines.cut_at = lapse == PLIC_REPORT  ? LIFECYCLE_NEVER
				 : lapse == PLIC_BLOCK ? WALL + left
						       : WALL + left + LICENSE_DRAIN_S;
	return i;
}

static void port(struct world *w, size_t i, __u16 first, __u16 last, const char *name)
{
	struct license_port *p = &w->ports[i][w->licenses[i].n_ports++];

	*p = (struct license_port){.port = first, .end_port = last, .protocol = IPPROTO_TCP};
	snprintf(p->name, sizeof(p->name), "%s", name);
}

static struct compiled compile(struct world *w)
{
	struct compiled c = {0};
	struct fault f = {0};

	w->in.views = w->views;
	if (compile_gate(&w->in, &c, &f))
		fail_msg("%s", f.text);
	return c;
}

static const struct plic_rule *look(const struct compiled *c, __u16 p)
{
	__u16 slot;

	return ruleset_lookup(&c->set, IPPROTO_TCP, p, &slot);
}

static void is_piece(const struct compiled *c, size_t i, __u16 first, __u16 last, __u16 slot)
{
	const struct compiled_port *p;

	if (i >= c->n_ports)
		fail_msg("piece %zu of %zu", i, c->n_ports);
	p = &c->ports[i];
	if (p->port != first || p->end_port != last || p->slot != slot)
		fail_msg("piece %zu is %u-%u slot %u, wanted %u-%u slot %u", i, p->port,
			 p->end_port, p->slot, first, last, slot);
	assert_int_equal(c->slots[slot].port, first);
	assert_int_equal(c->slots[slot].end_port, last);
	assert_int_equal(c->slots[slot].ip_proto, p->ip_proto);
}

static void is_grant(const struct plic_rule *rule, size_t i, __u64 from, __u64 until, __u64 cut,
		     __u32 number)
{
	assert_in_range(rule->n_grants, i + 1, PLIC_MAX_GRANTS);
	assert_int_equal(rule->grants[i].from_ns, from);
	assert_int_equal(rule->grants[i].new_until_ns, until);
	assert_int_equal(rule->grants[i].cut_at_ns, cut);
	assert_int_equal(rule->grants[i].license, number);
}

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
	struct tombstone stone = {80, 80, IPPROTO_TCP, PLIC_REASON_WITHDRAWN, AT(299)};
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
	struct policy_open open[] = {{8080, 8081, IPPROTO_TCP}, {0, 0, IPPROTO_GRE}, {0, 0, 0}};
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
		{80, 80, IPPROTO_TCP, PLIC_AUDIT_MODE, -1},
		{81, 81, IPPROTO_TCP, PLIC_ENFORCE, PLIC_REFUSE},
		{82, 82, IPPROTO_TCP, -1, -1},
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

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w = new_world();

		w.policy = (struct policy){.mode = cases[i][0], .deny = PLIC_DROP};
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
	struct policy_port narrow = {8050, 8050, IPPROTO_TCP, PLIC_ENFORCE, -1};
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
	struct policy_port apart[] = {{10, 10, IPPROTO_TCP, PLIC_AUDIT_MODE, -1},
				      {20, 20, IPPROTO_TCP, PLIC_AUDIT_MODE, -1}};
	w.policy = (struct policy){.ports = apart, .n_ports = 2};
	c = compile(&w);
	assert_int_equal(look(&c, 15)->mode, PLIC_ENFORCE);
	is_piece(&c, 1, 20, 20, 2);
	compiled_free(&c);
}

static void test_tombstones(void **state)
{
	struct tombstone stones[] = {
		{80, 90, IPPROTO_TCP, PLIC_REASON_WITHDRAWN, AT(100)},
		{85, 85, IPPROTO_TCP, PLIC_REASON_REVOKED, AT(200)},
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

	struct tombstone *t = diff(&before, &after, 6);
	is_stone(&t[0], 10, 11, PLIC_REASON_WITHDRAWN, AT(300));
	is_stone(&t[1], 15, 19, PLIC_REASON_WITHDRAWN, AT(300));
	is_stone(&t[2], 20, 20, PLIC_REASON_WITHDRAWN, AT(0));
	is_stone(&t[3], 30, 30, PLIC_REASON_LAPSED, AT(200));
	is_stone(&t[4], 50, 50, PLIC_REASON_LAPSED, AT(300));
	is_stone(&t[5], 70, 70, PLIC_REASON_REVOKED, AT(200));

	/* with them compiled in nothing is left to tell */
	v.in.tombstones = t;
	v.in.n_tombstones = 6;
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
	struct tombstone old = {1, 1, IPPROTO_TCP, PLIC_REASON_WITHDRAWN, AT(20)};
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
	struct policy_open udp[] = {{53, 53, IPPROTO_UDP}}, tcp[] = {{53, 53, IPPROTO_TCP}};
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

	struct policy_open both[] = {{53, 53, IPPROTO_TCP}, {53, 53, IPPROTO_UDP}};
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
		cmocka_unit_test(test_tombstones),
		cmocka_unit_test(test_diff_withdrawn),
		cmocka_unit_test(test_diff_of_ended_licenses),
		cmocka_unit_test(test_diff_over_an_older_tombstone),
		cmocka_unit_test(test_diff_in_any_order),
		cmocka_unit_test(test_diff_of_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
