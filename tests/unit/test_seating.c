/* SPDX-License-Identifier: MIT */
/* test_seating.c - which limits hold on a port at a moment. */
#include "world.h"

#include "seating.h"

static struct seating at(const struct compiled *c, __u16 port, __u64 now)
{
	struct seating s;

	seating_at(&c->set, IPPROTO_TCP, port, now, &s);
	return s;
}

static bool limited(const struct compiled *c, __u16 port, __u64 now)
{
	struct seating s;

	return seating_at(&c->set, IPPROTO_TCP, port, now, &s);
}

/* A license line of its own with seats on a port; 0: without limit. */
static size_t line(struct world *w, const char *lid, __s64 left, __u16 first, __u32 seats)
{
	size_t i = license(w, STATE_ACTIVE, left, PLIC_BLOCK_NEW);

	w->licenses[i].iss = "https://vendor.example";
	w->licenses[i].lid = (char *)lid;
	port(w, i, first, first, "");
	w->ports[i][0].seats = seats;
	return i;
}

static void gives_from_the_one_that_ends_first(void **state)
{
	struct world w = new_world();
	struct compiled c;
	struct seating s;

	line(&w, "long", 2000, 80, 5);
	line(&w, "short", 1000, 80, 3);
	line(&w, "else", 1000, 81, 0);
	c = compile(&w);
	s = at(&c, 80, BOOT);
	assert_int_equal(s.n_license, 2);
	assert_int_equal(s.license[0].seats, 3);
	assert_int_equal(s.license[1].seats, 5);
	assert_true(s.license[0].gives && s.license[1].gives && !s.unlimited && !s.policy.seats);
	assert_false(limited(&c, 81, BOOT));
	assert_false(limited(&c, 82, BOOT));

	/* The drain: those who sit stay; the cut: they don't. */
	s = at(&c, 80, AT(1001));
	assert_int_equal(s.n_license, 2);
	assert_true(!s.license[0].gives && seating_find(&s, s.license[0].line));
	assert_false(seating_gives(&s, s.license[0].line, false));
	assert_true(seating_gives(&s, s.license[1].line, false));
	s = at(&c, 80, AT(1000 + LICENSE_DRAIN_S));
	assert_int_equal(s.n_license, 1);
	assert_int_equal(s.license[0].seats, 5);
	assert_null(seating_find(&s, 12345));
	assert_false(limited(&c, 80, AT(2000 + LICENSE_DRAIN_S)));
	compiled_free(&c);
}

static void unlimited_wins(void **state)
{
	struct world w = new_world();
	struct compiled c;
	struct seating s;

	line(&w, "seats", 2000, 80, 5);
	line(&w, "free", 1000, 80, 0);
	c = compile(&w);
	assert_false(limited(&c, 80, BOOT));
	s = at(&c, 80, BOOT);
	assert_true(s.unlimited && !seating_gives(&s, s.license[0].line, false));
	assert_true(limited(&c, 80, AT(1001)));
	s = at(&c, 80, AT(1001));
	assert_true(!s.unlimited && seating_gives(&s, s.license[0].line, false));
	assert_true(s.n_free == 1 && !s.free[0].gives); /* what stands under it goes on */
	s = at(&c, 80, AT(1000 + LICENSE_DRAIN_S));
	assert_int_equal(s.n_free, 0);
	compiled_free(&c);
}

/* An `open` for some: the others need seats. */
static void open_to_some(void **state)
{
	struct world w = new_world();
	struct policy_open open = {.port = 80, .end_port = 80, .ip_proto = IPPROTO_TCP};
	struct compiled c;
	struct seating s;

	line(&w, "seats", 2000, 80, 5);
	open.from.set.id = 9;
	w.policy.open = &open;
	w.policy.n_open = 1;
	w.in.policy = &w.policy;
	c = compile(&w);
	assert_true(limited(&c, 80, BOOT));
	s = at(&c, 80, BOOT);
	assert_true(s.asks && !s.unlimited && s.n_free == 1 && s.free[0].sources == 9);
	compiled_free(&c);
}

/* Nothing admits any more: who stands isn't asked, and who sits stays. */
static void drain_asks_nobody(void **state)
{
	struct world w = new_world();
	struct compiled c;
	struct seating s;

	line(&w, "seats", 1000, 80, 5);
	c = compile(&w);
	assert_true(at(&c, 80, BOOT).asks);
	s = at(&c, 80, AT(1001));
	assert_true(!s.asks && seating_find(&s, s.license[0].line));
	compiled_free(&c);
}

static void policy_limits_too(void **state)
{
	struct world w = new_world();
	struct policy_port narrow = {
		.port = 80, .end_port = 80, .ip_proto = IPPROTO_TCP, .mode = -1, .deny = -1};
	struct compiled c;
	struct seating s;

	line(&w, "free", 1000, 80, 0);
	narrow.seats = 7;
	narrow.mode = PLIC_AUDIT_MODE;
	w.policy.ports = &narrow;
	w.policy.n_ports = 1;
	w.in.policy = &w.policy;
	c = compile(&w);
	assert_true(limited(&c, 80, BOOT));
	s = at(&c, 80, BOOT);
	assert_int_equal(s.policy.seats, 7);
	assert_int_equal(s.mode, PLIC_AUDIT_MODE);
	assert_true(seating_gives(&s, PLIC_LINE_POLICY, false) &&
		    seating_find(&s, PLIC_LINE_POLICY));
	assert_true(ruleset_has_seats(&c.set));
	compiled_free(&c);
}

static void scope_reaches_over_gates(void **state)
{
	struct world w = new_world();
	struct compiled c;
	struct seating s;
	size_t i = line(&w, "node", 1000, 80, 0);

	w.licenses[i].seats = 9;
	w.licenses[i].seats_scope = SCOPE_CLUSTER;
	c = compile(&w);
	s = at(&c, 80, BOOT);
	assert_true(s.license[0].node_wide && s.license[0].seats == 9 && !s.license[0].shared);
	compiled_free(&c);
}

/* One that becomes the cluster's is another limit; other scopes are what they were. */
static void borrowed(void **state)
{
	static const bool shared[] = {
		[SCOPE_POD] = false, [SCOPE_NODE] = false, [SCOPE_CLUSTER] = true};
	struct world w = new_world();
	struct compiled c;
	struct seating s;
	size_t i = line(&w, "cluster", 1000, 80, 9);

	w.in.borrows = true;
	for (enum license_scope scope = SCOPE_POD; scope <= SCOPE_CLUSTER; scope++) {
		w.licenses[i].seats_scope = scope;
		c = compile(&w);
		s = at(&c, 80, BOOT);
		assert_int_equal(s.license[0].shared, shared[scope]);
		assert_true(seating_gives(&s, s.license[0].line, shared[scope]));
		assert_false(seating_gives(&s, s.license[0].line, !shared[scope]));
		compiled_free(&c);
	}
}

/* Also in the place of another set, for a time. */
static void borrowed_in_an_interim(void **state)
{
	struct world w = new_world(), later = new_world();
	struct compile_interim interim = {.until_ns = AT(100), .mode = -1, .first_license = 2};
	struct compiled c;

	later.licenses[line(&later, "seats", 1000, 80, 5)].seats_scope = SCOPE_CLUSTER;
	interim.views = later.views;
	interim.n_views = 1;
	interim.base = later.in.base;
	w.in.interim = &interim;
	w.in.borrows = true;
	c = compile(&w);
	assert_true(at(&c, 80, AT(99)).license[0].shared);
	compiled_free(&c);
}

/* Also where only an interim has them. */
static void tells_sets_with_seats(void **state)
{
	struct world w = new_world(), later = new_world();
	struct compile_interim interim = {.until_ns = AT(100), .mode = -1, .first_license = 2};
	struct compiled c;

	line(&w, "free", 1000, 80, 0);
	c = compile(&w);
	assert_false(ruleset_has_seats(&c.set));
	compiled_free(&c);

	line(&later, "seats", 1000, 80, 5);
	interim.views = later.views;
	interim.n_views = 1;
	interim.base = later.in.base;
	w.in.interim = &interim;
	c = compile(&w);
	assert_true(ruleset_has_seats(&c.set));
	assert_true(limited(&c, 80, AT(99)));
	assert_false(limited(&c, 80, AT(100)));
	compiled_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_from_the_one_that_ends_first),
		cmocka_unit_test(unlimited_wins),
		cmocka_unit_test(open_to_some),
		cmocka_unit_test(drain_asks_nobody),
		cmocka_unit_test(policy_limits_too),
		cmocka_unit_test(scope_reaches_over_gates),
		cmocka_unit_test(borrowed),
		cmocka_unit_test(borrowed_in_an_interim),
		cmocka_unit_test(tells_sets_with_seats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
