/* SPDX-License-Identifier: MIT */
/* test_interim.c - rules that hold until a time, laid over those that hold from then on. */
#include <errno.h>

#include "world.h"

#define UNTIL AT(60)

/* `lasting` with what `more` has until UNTIL. */
static struct compiled lay(struct world *lasting, struct world *more,
			   struct compile_interim *interim)
{
	*interim = (struct compile_interim){.until_ns = UNTIL,
					    .views = more->views,
					    .n_views = more->in.n_views,
					    .policy = more->in.policy,
					    .mode = more->in.mode,
					    .base = more->in.base,
					    .first_license = lasting->in.n_views + 1};
	lasting->in.interim = interim;
	return compile(lasting);
}

static const struct plic_rule *at(const struct compiled *c, __u16 p, __u64 now_ns)
{
	__u16 slot;

	return ruleset_lookup(&c->set, IPPROTO_TCP, p, now_ns, &slot);
}

static bool admits(const struct plic_rule *rule, __u64 now_ns)
{
	for (size_t i = 0; i < rule->n_grants; i++)
		if (rule->grants[i].from_ns <= now_ns && now_ns < rule->grants[i].new_until_ns)
			return true;
	return false;
}

/* What the kernel sees: before UNTIL, and from it on. */
static void sees(const struct compiled *c, __u16 p, bool before, bool after)
{
	bool b = admits(at(c, p, UNTIL - 1), UNTIL - 1), a = admits(at(c, p, UNTIL), UNTIL);

	if (b != before || a != after)
		fail_msg("port %u: %d then %d", p, b, a);
}

static void test_same_is_none(void **state)
{
	struct world w = new_world(), same = new_world();
	struct compile_interim interim;

	port(&w, license(&w, STATE_ACTIVE, 600, PLIC_BLOCK_NEW), 80, 90, "");
	same = w;
	same.views[0].lic = w.views[0].lic;
	struct compiled plain = compile(&w), c = lay(&w, &same, &interim);

	assert_int_equal(c.n_ports, 1);
	assert_false(c.ports[0].has_interim);
	assert_int_equal(ruleset_until_ns(&c.set), UNTIL);
	assert_ptr_equal(at(&c, 85, 0), at(&c, 85, PLIC_NEVER));
	assert_int_equal(c.set.n_cells, plain.set.n_cells + 1); /* the header's */
	compiled_free(&plain);
	compiled_free(&c);
}

static void test_opens_and_drains(void **state)
{
	struct world w = new_world(), more = new_world();
	struct compile_interim interim;
	const struct plic_rule *rule;

	port(&w, license(&w, STATE_ACTIVE, 600, PLIC_BLOCK_NEW), 80, 80, "web");
	port(&more, license(&more, STATE_ACTIVE, 600, PLIC_BLOCK_NEW), 80, 80, "web");
	port(&more, 0, 443, 443, "tls");
	struct compiled c = lay(&w, &more, &interim);

	sees(&c, 80, true, true);
	sees(&c, 443, true, false);
	sees(&c, 8080, false, false);
	/* from UNTIL on what stands on 443 is drained, not cut: with no agent to say so */
	rule = at(&c, 443, UNTIL);
	assert_int_equal(rule->n_grants, 1);
	assert_int_equal(rule->grants[0].cut_at_ns, UNTIL + TOMBSTONE_DRAIN_NS);
	assert_int_equal(rule->grants[0].ended_reason, PLIC_REASON_WITHDRAWN);
	compiled_free(&c);
}

static void test_closes_and_comes_back(void **state)
{
	struct world w = new_world(), less = new_world();
	struct compile_interim interim;

	port(&w, license(&w, STATE_ACTIVE, 600, PLIC_BLOCK_NEW), 80, 90, "");
	port(&less, license(&less, STATE_ACTIVE, 600, PLIC_BLOCK_NEW), 80, 84, "");
	port(&less, 0, 86, 90, "");
	struct compiled c = lay(&w, &less, &interim);

	sees(&c, 84, true, true);
	sees(&c, 85, false, true);
	sees(&c, 86, true, true);
	compiled_free(&c);
}

/* The same license in the same state is one and the same; another state is a number of its own. */
static void test_numbers(void **state)
{
	struct world w = new_world(), more = new_world();
	struct compile_interim interim;

	port(&w, license(&w, STATE_ACTIVE, 600, PLIC_BLOCK_NEW), 80, 80, "");
	port(&w, license(&w, STATE_ACTIVE, 900, PLIC_BLOCK_NEW), 81, 81, "");
	more.in.n_views = 3;
	more.views[0] = w.views[1];
	more.views[1] = w.views[0];
	more.views[1].state = STATE_GRACE;
	license(&more, STATE_ACTIVE, 600, PLIC_BLOCK_NEW); /* index 3: a world's own */
	more.views[2] = more.views[3];
	more.in.n_views = 3;
	port(&more, 3, 82, 82, "");
	struct compiled c = lay(&w, &more, &interim);

	assert_int_equal(at(&c, 81, 0)->grants[0].license, 2);
	assert_int_equal(at(&c, 80, 0)->grants[0].license, 3 + 1);
	assert_int_equal(at(&c, 80, UNTIL)->grants[0].license, 1);
	assert_int_equal(at(&c, 82, 0)->grants[0].license, 3 + 2);
	compiled_free(&c);
}

/* Break-glass: every port, named or not, and what has no ports. */
static void test_mode(void **state)
{
	struct world w = new_world(), lax;
	struct compile_interim interim;
	__u16 slot;

	port(&w, license(&w, STATE_ACTIVE, 600, PLIC_BLOCK_NEW), 80, 80, "");
	lax = w;
	lax.views[0].lic = w.views[0].lic;
	lax.in.mode = PLIC_AUDIT_MODE;
	struct compiled c = lay(&w, &lax, &interim);
	const struct plic_header *header = &c.set.cells[0].header;

	for (unsigned int p = 79; p <= 80; p++) {
		assert_int_equal(at(&c, p, UNTIL - 1)->mode, PLIC_AUDIT_MODE);
		assert_int_equal(at(&c, p, UNTIL)->mode, PLIC_ENFORCE);
	}
	assert_int_equal(ruleset_lookup(&c.set, IPPROTO_GRE, 0, 0, &slot)->mode, PLIC_AUDIT_MODE);
	assert_int_equal(header->mode, PLIC_ENFORCE);
	assert_int_equal(header->until_ns, UNTIL);
	assert_int_equal(c.set.cells[header->interim].header.mode, PLIC_AUDIT_MODE);
	compiled_free(&c);
}

/* What only its mode lets through, though a policy names it, drains when that ends; not before. */
static void test_lax_drains(void **state)
{
	struct policy_port narrow = {.port = 443, .end_port = 443, .ip_proto = IPPROTO_TCP};
	struct world w = new_world(), lax;
	struct compile_interim interim;
	struct tombstone *stones = NULL;
	const struct plic_rule *rule;
	size_t n;

	narrow.mode = narrow.deny = -1;
	w.policy.ports = &narrow;
	w.policy.n_ports = 1;
	w.in.policy = &w.policy;
	lax = w;
	lax.in.mode = PLIC_AUDIT_MODE;
	struct compiled c = lay(&w, &lax, &interim);

	rule = at(&c, 443, UNTIL);
	assert_int_equal(rule->mode, PLIC_ENFORCE);
	assert_int_equal(rule->n_grants, 1);
	assert_int_equal(rule->grants[0].cut_at_ns, UNTIL + TOMBSTONE_DRAIN_NS);
	assert_int_equal(at(&c, 443, UNTIL - 1)->n_grants, 0);
	assert_int_equal(compile_diff_tombstones(&c, &c, BOOT, TOMBSTONE_DRAIN_NS,
						 PLIC_REASON_WITHDRAWN, &stones, &n),
			 0);
	assert_int_equal(n, 0); /* as lax as before */
	compiled_free(&c);
}

/* Neighbours that say the same count apart, whatever comes and goes; a cut of the interim's alone doesn't. */
static void test_counters_stay(void **state)
{
	struct world w = new_world(), lax, cut = new_world();
	struct compile_interim interim;

	port(&w, license(&w, STATE_ACTIVE, 600, PLIC_BLOCK_NEW), 80, 80, "");
	port(&w, 0, 81, 81, "");
	port(&w, 0, 90, 99, "");
	lax = w;
	lax.views[0].lic = w.views[0].lic;
	lax.in.mode = PLIC_AUDIT_MODE;
	struct compiled plain = compile(&w), c = lay(&w, &lax, &interim);

	assert_int_equal(c.n_ports, plain.n_ports);
	for (size_t i = 0; i < c.n_ports; i++) {
		assert_int_equal(c.ports[i].port, plain.ports[i].port);
		assert_int_equal(c.ports[i].end_port, plain.ports[i].end_port);
		assert_int_equal(c.ports[i].slot, plain.ports[i].slot);
	}
	compiled_free(&c);
	port(&cut, license(&cut, STATE_ACTIVE, 700, PLIC_BLOCK_NEW), 90, 94, "");
	port(&cut, 0, 95, 99, "");
	c = lay(&w, &cut, &interim);
	assert_int_equal(c.n_ports, 3);
	assert_int_equal(c.ports[2].slot, plain.ports[2].slot);
	compiled_free(&c);
	compiled_free(&plain);
}

/* Read back from the kernel it is the same; numbers that point nowhere are refused. */
static void test_read_back(void **state)
{
	struct world w = new_world(), more = new_world();
	struct compile_interim interim;
	struct plic_slot *slots = NULL;
	struct fault f = {0};
	size_t n;

	port(&w, license(&w, STATE_ACTIVE, 600, PLIC_BLOCK_NEW), 80, 80, "");
	port(&more, license(&more, STATE_ACTIVE, 700, PLIC_BLOCK_NEW), 80, 80, "");
	more.in.mode = PLIC_OFF;
	struct compiled c = lay(&w, &more, &interim);
	struct plic_cell *cells = c.set.cells;
	struct plic_rule *rule = (struct plic_rule *)at(&c, 80, PLIC_NEVER);
	struct plic_rule *rest = &cells[PLIC_CELL_DEFAULT].rule;
	__u16 *const pointers[] = {&rule->interim, &rest->interim, &cells[0].header.interim};
	__u64 *const untils[] = {&rule->until_ns, &rest->until_ns, &cells[0].header.until_ns};

	assert_int_equal(ruleset_slots(&c.set, &slots, &n, &f), 0);
	free(slots);
	for (size_t i = 0; i < 3; i++) {
		__u16 was = *pointers[i];
		__u64 until = *untils[i];

		*pointers[i] = cells[0].header.slot_cell;
		assert_int_equal(ruleset_slots(&c.set, &slots, &n, &f), -EBADMSG);
		*pointers[i] = 0;
		assert_int_equal(ruleset_slots(&c.set, &slots, &n, &f), -EBADMSG);
		*pointers[i] = was;
		*untils[i] = 0;
		assert_int_equal(ruleset_slots(&c.set, &slots, &n, &f), -EBADMSG);
		*untils[i] = until;
	}
	compiled_free(&c);
}

static void test_brownout(void **state)
{
	struct world w = new_world();
	size_t a = license(&w, STATE_GRACE, 300, PLIC_BLOCK_NEW);
	size_t b = license(&w, STATE_ACTIVE, 300, PLIC_BLOCK_NEW);

	w.licenses[a].lid = "line";
	w.licenses[a].grace_s = 400; /* exp was 100 s ago */
	w.licenses[a].exp = WALL - 100;
	port(&w, a, 80, 80, "");
	port(&w, b, 81, 81, "");
	w.in.policy = &w.policy;
	struct compiled c = compile(&w);

	assert_int_equal(look(&c, 80)->grants[0].step_ns, 0); /* off means off */
	compiled_free(&c);
	w.policy.brownout = true;
	c = compile(&w);
	assert_int_equal(look(&c, 80)->grants[0].step_ns, 100 * S);
	assert_true(look(&c, 80)->grants[0].salt);
	assert_int_equal(look(&c, 81)->grants[0].step_ns, 0); /* it has no grace */
	compiled_free(&c);
	w.views[a].deadlines.new_until = WALL - 50; /* a revocation ends it before */
	c = compile(&w);
	assert_int_equal(look(&c, 80)->grants[0].step_ns, 0);
	compiled_free(&c);
}

/* What was open before and is shut by the interim drains; the tombstone ends with the port's return. */
static void test_tombstones_at_the_edges(void **state)
{
	struct world w = new_world(), less = new_world();
	struct compile_interim interim;
	struct tombstone *stones = NULL;
	size_t n;

	port(&w, license(&w, STATE_ACTIVE, 600, PLIC_BLOCK_NEW), 80, 80, "");
	struct compiled before = compile(&w);
	struct compiled during = lay(&w, &less, &interim);

	assert_int_equal(compile_diff_tombstones(&before, &during, BOOT, TOMBSTONE_DRAIN_NS,
						 PLIC_REASON_WITHDRAWN, &stones, &n),
			 0);
	assert_int_equal(n, 1);
	assert_int_equal(stones[0].port, 80);
	assert_int_equal(stones[0].cut_at_ns, AT(300));
	free(stones);
	assert_int_equal(compile_diff_tombstones(&before, &during, UNTIL, TOMBSTONE_DRAIN_NS,
						 PLIC_REASON_WITHDRAWN, &stones, &n),
			 0);
	assert_int_equal(n, 0); /* from then on it is open as it was */
	compiled_free(&before);
	compiled_free(&during);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_is_none),
		cmocka_unit_test(test_opens_and_drains),
		cmocka_unit_test(test_closes_and_comes_back),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_lax_drains),
		cmocka_unit_test(test_counters_stay),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_brownout),
		cmocka_unit_test(test_tombstones_at_the_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
