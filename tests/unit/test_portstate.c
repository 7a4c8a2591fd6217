/* SPDX-License-Identifier: MIT */
/* test_portstate.c - the one word for a port at a moment, and what a change of rules means to clients. */
#include "portstate.h"
#include "world.h"

#define END 100 /* seconds from now; block-new drains for 300 more */

static struct port_condition at(const struct compiled *c, __u16 p, __u8 proto, __u64 now_ns)
{
	static const struct port_license licenses[] = {{(char *)"a", STATE_ACTIVE},
						       {(char *)"b", STATE_GRACE}};
	__u16 slot;

	return port_condition(ruleset_lookup(&c->set, proto, p, now_ns, &slot), proto, licenses, 2,
			      now_ns);
}

static void is_state(const struct compiled *c, __s64 seconds, enum port_state want, __u8 reason)
{
	struct port_condition got = at(c, 80, IPPROTO_TCP, AT(seconds));

	if (got.state != want || got.reason != reason)
		fail_msg("%lld s: %s reason %u, wanted %s reason %u", (long long)seconds,
			 port_state_word(got.state), got.reason, port_state_word(want), reason);
}

/* A license through its life by the clock alone, as the kernel goes on without an agent. */
static void test_life(void **state)
{
	struct world w = new_world();
	size_t a = license(&w, STATE_PENDING, END, PLIC_BLOCK_NEW);

	w.views[a].deadlines.from = WALL + 10;
	port(&w, a, 80, 80, "");
	struct compiled c = compile(&w);

	is_state(&c, 9, PORT_PENDING, PLIC_REASON_NOT_YET_VALID);
	is_state(&c, 10, PORT_LICENSED, PLIC_REASON_NONE);
	is_state(&c, END - 1, PORT_LICENSED, PLIC_REASON_NONE);
	is_state(&c, END, PORT_DRAINING, PLIC_REASON_LAPSED);
	is_state(&c, END + 299, PORT_DRAINING, PLIC_REASON_LAPSED);
	is_state(&c, END + 300, PORT_LAPSED, PLIC_REASON_LAPSED);
	assert_string_equal(at(&c, 80, IPPROTO_TCP, AT(20)).lid, "a");
	assert_int_equal(at(&c, 80, IPPROTO_TCP, AT(20)).deadline_ns, AT(END));
	assert_int_equal(at(&c, 80, IPPROTO_TCP, AT(END)).deadline_ns, AT(END));
	assert_int_equal(at(&c, 80, IPPROTO_TCP, AT(END)).cut_at_ns, AT(END + 300));
	assert_int_equal(at(&c, 80, IPPROTO_UDP, AT(20)).state, PORT_UNLICENSED);
	compiled_free(&c);
}

static void test_words(void **state)
{
	struct policy_open opens[] = {{.port = 81, .end_port = 81, .ip_proto = IPPROTO_TCP}};
	struct policy_port audited[] = {{.port = 83,
					 .end_port = 83,
					 .ip_proto = IPPROTO_TCP,
					 .mode = PLIC_AUDIT_MODE,
					 .deny = -1}};
	struct tombstone stones[] = {
		{84, 84, IPPROTO_TCP, PLIC_REASON_WITHDRAWN, AT(50), 0},
		{85, 85, IPPROTO_UDP, PLIC_REASON_WITHDRAWN, AT(50), 0},
	};
	struct world w = new_world();

	port(&w, license(&w, STATE_ACTIVE, END, PLIC_BLOCK_NEW), 80, 80, "");
	port(&w, license(&w, STATE_GRACE, END, PLIC_BLOCK), 82, 82, "");
	port(&w, license(&w, STATE_LAPSED, -1, PLIC_REPORT), 86, 86, "");
	port(&w, license(&w, STATE_REVOKED, -400, PLIC_BLOCK_NEW), 87, 87, "");
	w.policy = (struct policy){.open = opens, .n_open = 1, .ports = audited, .n_ports = 1};
	w.in.policy = &w.policy;
	w.in.tombstones = stones;
	w.in.n_tombstones = 2;
	struct compiled c = compile(&w);
	static const struct {
		__u16 port;
		__u8 proto;
		enum port_state want;
		__u8 reason;
	} cases[] = {
		{80, IPPROTO_TCP, PORT_LICENSED, 0},
		{81, IPPROTO_TCP, PORT_OPEN, 0},
		{82, IPPROTO_TCP, PORT_GRACE, 0},
		{83, IPPROTO_TCP, PORT_AUDIT, PLIC_REASON_UNLICENSED},
		{84, IPPROTO_TCP, PORT_DRAINING, PLIC_REASON_WITHDRAWN},
		{85, IPPROTO_UDP, PORT_UNLICENSED, PLIC_REASON_WITHDRAWN}, /* UDP has no drain */
		{86, IPPROTO_TCP, PORT_AUDIT, PLIC_REASON_LAPSED},
		{87, IPPROTO_TCP, PORT_REVOKED, PLIC_REASON_REVOKED},
		{88, IPPROTO_TCP, PORT_UNLICENSED, PLIC_REASON_UNLICENSED},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct port_condition got = at(&c, cases[i].port, cases[i].proto, BOOT);

		if (got.state != cases[i].want || got.reason != cases[i].reason)
			fail_msg("%u: %s, reason %u", cases[i].port, port_state_word(got.state),
				 got.reason);
	}
	compiled_free(&c);
	w.in.mode = PLIC_OFF;
	c = compile(&w);
	assert_int_equal(at(&c, 80, IPPROTO_TCP, BOOT).state, PORT_LICENSED);
	assert_int_equal(at(&c, 88, IPPROTO_TCP, BOOT).state, PORT_UNENFORCED);
	compiled_free(&c);
}

struct two {
	struct compiled before, after;
	__u64 before_ns, after_ns;
	struct port_change *changes;
	size_t n;
};

static struct two compare(struct world *v, struct world *w, __s64 seconds, const struct span *more,
			  size_t n_more)
{
	struct two t = {.before = compile(v), .before_ns = BOOT, .after_ns = AT(seconds)};
	struct port_side before = {&t.before, NULL, 0, t.before_ns};
	struct port_side after;

	t.after = compile(w);
	after = (struct port_side){&t.after, NULL, 0, t.after_ns};
	assert_int_equal(port_compare(&before, &after, more, n_more, &t.changes, &t.n), 0);
	return t;
}

static void two_free(struct two *t)
{
	compiled_free(&t->before);
	compiled_free(&t->after);
	free(t->changes);
}

static void is_change(const struct two *t, size_t i, __u16 first, __u16 last, enum port_state from,
		      enum port_state to, enum port_effect effect)
{
	const struct port_change *c = &t->changes[i];

	assert_in_range(i, 0, t->n - 1);
	if (c->port != first || c->end_port != last || c->before.state != from ||
	    c->after.state != to || c->effect != effect)
		fail_msg("%zu: %u-%u %s -> %s %s, wanted %u-%u %s -> %s %s", i, c->port,
			 c->end_port, port_state_word(c->before.state),
			 port_state_word(c->after.state), port_effect_word(c->effect), first, last,
			 port_state_word(from), port_state_word(to), port_effect_word(effect));
}

/* Each effect, from the same license at another moment. */
static void test_effects(void **state)
{
	struct world w = new_world();
	size_t soft = license(&w, STATE_ACTIVE, END, PLIC_BLOCK_NEW);
	size_t hard = license(&w, STATE_ACTIVE, END, PLIC_BLOCK);
	size_t soon = license(&w, STATE_PENDING, 9999, PLIC_BLOCK_NEW);

	port(&w, soft, 80, 80, "web");
	port(&w, hard, 81, 81, "");
	port(&w, soon, 82, 82, "");
	w.ports[soft][0].protocol = IPPROTO_TCP;
	w.views[soon].deadlines.from = WALL + END;
	struct two t = compare(&w, &w, END, NULL, 0);

	assert_int_equal(t.n, 4);
	is_change(&t, 0, 80, 80, PORT_LICENSED, PORT_DRAINING, PORT_DRAINS);
	is_change(&t, 1, 81, 81, PORT_LICENSED, PORT_LAPSED, PORT_CUTS);
	is_change(&t, 2, 82, 82, PORT_PENDING, PORT_LICENSED, PORT_OPENS);
	is_change(&t, 3, 0, 0, PORT_UNLICENSED, PORT_UNLICENSED, PORT_KEEPS);
	assert_string_equal(t.changes[0].name, "web");
	assert_string_equal(t.changes[3].name, "other");
	assert_true(port_change_differs(&t.changes[0]));
	assert_false(port_change_differs(&t.changes[3]));
	two_free(&t);
	t = compare(&w, &w, END + 300, NULL, 0);
	is_change(&t, 0, 80, 80, PORT_LICENSED, PORT_LAPSED, PORT_CLOSES);
	is_change(&t, 1, 81, 81, PORT_LICENSED, PORT_LAPSED, PORT_CUTS);
	two_free(&t);
	t = compare(&w, &w, END - 1, NULL, 0);
	is_change(&t, 0, 80, 80, PORT_LICENSED, PORT_LICENSED, PORT_KEEPS);
	two_free(&t);
}

/* One that drains now is cut later; a UDP port has no drain and only closes. */
static void test_drained(void **state)
{
	struct world w = new_world();

	port(&w, license(&w, STATE_LAPSED, -100, PLIC_BLOCK_NEW), 80, 80, "");
	port(&w, license(&w, STATE_ACTIVE, END, PLIC_BLOCK), 90, 90, "");
	w.ports[1][0].protocol = IPPROTO_UDP;
	struct two t = compare(&w, &w, 201, NULL, 0);

	is_change(&t, 0, 80, 80, PORT_DRAINING, PORT_LAPSED, PORT_CUTS);
	is_change(&t, 1, 90, 90, PORT_LICENSED, PORT_LAPSED, PORT_CLOSES);
	two_free(&t);
}

/* A right that has yet to begin, in the place of one that was there: pending, and draining meanwhile. */
static void test_pending_drains(void **state)
{
	struct tombstone stone = {80, 80, IPPROTO_TCP, PLIC_REASON_WITHDRAWN, AT(300), 0};
	struct world v = new_world(), w = new_world();
	size_t late = license(&w, STATE_PENDING, 9999, PLIC_BLOCK_NEW);

	port(&v, license(&v, STATE_ACTIVE, 9999, PLIC_BLOCK_NEW), 80, 80, "");
	port(&w, late, 80, 80, "");
	w.views[late].deadlines.from = WALL + 1000;
	w.in.tombstones = &stone;
	w.in.n_tombstones = 1;
	struct two t = compare(&v, &w, 0, NULL, 0);

	is_change(&t, 0, 80, 80, PORT_LICENSED, PORT_PENDING, PORT_DRAINS);
	two_free(&t);
	t = compare(&v, &w, 300, NULL, 0);
	is_change(&t, 0, 80, 80, PORT_LICENSED, PORT_PENDING, PORT_CLOSES);
	two_free(&t);
	t = compare(&w, &w, 300, NULL, 0);
	is_change(&t, 0, 80, 80, PORT_PENDING, PORT_PENDING, PORT_CUTS);
	two_free(&t);
}

/* Withdrawn: the tombstone says how long; what was there for `block` is cut at once. */
static void test_withdrawn(void **state)
{
	struct tombstone stones[] = {
		{80, 80, IPPROTO_TCP, PLIC_REASON_WITHDRAWN, AT(300), 0},
		{81, 81, IPPROTO_TCP, PLIC_REASON_WITHDRAWN, BOOT, 0},
	};
	struct world v = new_world(), w = new_world();
	size_t a = license(&v, STATE_ACTIVE, 9999, PLIC_BLOCK_NEW);

	port(&v, a, 80, 81, "");
	w.in.tombstones = stones;
	w.in.n_tombstones = 2;
	struct two t = compare(&v, &w, 0, NULL, 0);

	is_change(&t, 0, 80, 80, PORT_LICENSED, PORT_DRAINING, PORT_DRAINS);
	is_change(&t, 1, 81, 81, PORT_LICENSED, PORT_UNLICENSED, PORT_CUTS);
	two_free(&t);
	t = compare(&v, &w, 300, NULL, 0);
	is_change(&t, 0, 80, 80, PORT_LICENSED, PORT_UNLICENSED, PORT_CLOSES);
	two_free(&t);
}

/* Ranges are cut where either set cuts them, and a port in use without a rule stands by itself. */
static void test_pieces(void **state)
{
	static const struct span more[] = {{7000, 7000, IPPROTO_TCP}};
	struct world v = new_world(), w = new_world();

	port(&v, license(&v, STATE_ACTIVE, 9999, PLIC_BLOCK_NEW), 80, 89, "old");
	port(&w, license(&w, STATE_ACTIVE, 9999, PLIC_BLOCK_NEW), 85, 95, "new");
	v.in.mode = PLIC_AUDIT_MODE;
	struct two t = compare(&v, &w, 0, more, 1);

	assert_int_equal(t.n, 5);
	is_change(&t, 0, 80, 84, PORT_LICENSED, PORT_UNLICENSED, PORT_CLOSES);
	is_change(&t, 1, 85, 89, PORT_LICENSED, PORT_LICENSED, PORT_KEEPS);
	is_change(&t, 2, 90, 95, PORT_AUDIT, PORT_LICENSED, PORT_KEEPS);
	is_change(&t, 3, 7000, 7000, PORT_AUDIT, PORT_UNLICENSED, PORT_CLOSES);
	is_change(&t, 4, 0, 0, PORT_AUDIT, PORT_UNLICENSED, PORT_CLOSES);
	assert_string_equal(t.changes[0].name, "old");
	assert_string_equal(t.changes[1].name, "old");
	assert_string_equal(t.changes[2].name, "new");
	assert_true(port_change_differs(&t.changes[1])); /* the mode */
	two_free(&t);
}

static void test_policy(void **state)
{
	struct policy_open opens[] = {{.port = 0, .end_port = 0, .ip_proto = 47},
				      {.port = 81, .end_port = 81, .ip_proto = IPPROTO_TCP}};
	struct world v = new_world(), w = new_world();

	w.policy = (struct policy){.deny = PLIC_DROP, .open = opens, .n_open = 2};
	w.in.policy = &w.policy;
	struct two t = compare(&v, &w, 0, NULL, 0);

	assert_int_equal(t.n, 3);
	is_change(&t, 0, 81, 81, PORT_UNLICENSED, PORT_OPEN, PORT_OPENS);
	is_change(&t, 1, 0, 0, PORT_UNLICENSED, PORT_OPEN, PORT_OPENS);
	assert_int_equal(t.changes[1].ip_proto, 47);
	assert_int_equal(t.changes[1].before.reason, PLIC_REASON_PROTOCOL);
	is_change(&t, 2, 0, 0, PORT_UNLICENSED, PORT_UNLICENSED, PORT_KEEPS);
	assert_true(port_change_differs(&t.changes[2])); /* drop, not refuse */
	two_free(&t);
	t = compare(&w, &w, 0, NULL, 0);
	for (size_t i = 0; i < t.n; i++)
		assert_false(port_change_differs(&t.changes[i]));
	two_free(&t);
}

static void test_lids(void **state)
{
	static const struct port_license a = {(char *)"a", STATE_ACTIVE},
					 b = {(char *)"b", STATE_ACTIVE};
	struct world w = new_world();

	port(&w, license(&w, STATE_ACTIVE, END, PLIC_BLOCK_NEW), 80, 80, "");
	struct compiled c = compile(&w);
	struct port_side before = {&c, &a, 1, BOOT}, after = {&c, &b, 1, BOOT};
	struct port_change *changes;
	size_t n;

	assert_int_equal(port_compare(&before, &after, NULL, 0, &changes, &n), 0);
	assert_true(port_change_differs(&changes[0]));
	assert_int_equal(changes[0].effect, PORT_KEEPS);
	free(changes);
	assert_int_equal(port_compare(&before, &before, NULL, 0, &changes, &n), 0);
	assert_false(port_change_differs(&changes[0]));
	free(changes);
	compiled_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),	       cmocka_unit_test(test_words),
		cmocka_unit_test(test_effects),	       cmocka_unit_test(test_drained),
		cmocka_unit_test(test_pending_drains), cmocka_unit_test(test_withdrawn),
		cmocka_unit_test(test_pieces),	       cmocka_unit_test(test_policy),
		cmocka_unit_test(test_lids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
