/* SPDX-License-Identifier: MIT */
/* test_compile_pods.c - what a gate has from being a pod's: ports that are probed, peers of its namespace. */
#include "world.h"

#include "from.h"

#define PROBED(rule) (!!((rule)->flags & PLIC_RULE_PROBE))

static void probe(struct world *w, const uint16_t *ports, size_t n)
{
	w->policy.probes = true;
	w->in.policy = &w->policy;
	w->in.probes = ports;
	w->in.n_probes = n;
}

/* It is named, and open to nobody else. */
static void test_unlicensed(void **state)
{
	static const uint16_t ports[] = {8080, 8081};
	struct world w = new_world();

	probe(&w, ports, 2);
	struct compiled c = compile(&w);

	assert_int_equal(c.n_ports, 2);
	is_piece(&c, 0, 8080, 8080, 1);
	is_piece(&c, 1, 8081, 8081, 2);
	assert_true(c.ports[0].probed);
	assert_false(c.ports[0].open);
	assert_int_equal(c.ports[0].ip_proto, IPPROTO_TCP);
	assert_int_equal(look(&c, 8080)->n_grants, 0);
	assert_int_equal(look(&c, 8080)->mode, PLIC_ENFORCE);
	assert_true(PROBED(look(&c, 8080)));
	assert_false(PROBED(look(&c, 8079)));
	compiled_free(&c);
	w.in.policy = NULL; /* licenses alone: the default is that probes get in */
	c = compile(&w);
	assert_true(PROBED(look(&c, 8080)));
	compiled_free(&c);
}

static void test_licensed(void **state)
{
	static const uint16_t ports[] = {8080};
	struct world w = new_world();
	size_t i = license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW);

	port(&w, i, 8000, 8100, "web");
	probe(&w, ports, 1);
	struct compiled c = compile(&w);

	assert_int_equal(c.n_ports, 3);
	is_piece(&c, 1, 8080, 8080, 2);
	assert_string_equal(c.ports[1].name, "web");
	is_grant(look(&c, 8080), 0, 0, AT(60), AT(60 + LICENSE_DRAIN_S), 1);
	assert_int_equal(look(&c, 8080)->n_grants, 1);
	assert_true(PROBED(look(&c, 8080)));
	assert_false(PROBED(look(&c, 8079)) || PROBED(look(&c, 8081)));
	compiled_free(&c);

	/* and after its end, and when it is gone */
	w.views[i].state = STATE_LAPSED;
	w.views[i].deadlines.new_until = WALL - 900;
	w.views[i].deadlines.cut_at = WALL - 600;
	c = compile(&w);
	assert_true(PROBED(look(&c, 8080)));
	assert_int_equal(look(&c, 8080)->n_grants, 1);
	compiled_free(&c);
	w.in.n_views = 0;
	c = compile(&w);
	assert_true(PROBED(look(&c, 8080)));
	assert_int_equal(look(&c, 8080)->n_grants, 0);
	compiled_free(&c);
}

/* The policy narrows whom the license admits, and the rule says of probes that none of it holds for them. */
static void test_narrowed(void **state)
{
	static const uint16_t ports[] = {8080};
	struct policy_port narrow = {.port = 8080,
				     .end_port = 8090,
				     .ip_proto = IPPROTO_TCP,
				     .mode = -1,
				     .deny = PLIC_DROP,
				     .from.origins = 1 << PLIC_ORIGIN_SIBLING,
				     .seats = 2,
				     .tls = true};
	struct world w = new_world();

	port(&w, license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW), 8080, 8080, "");
	w.policy = (struct policy){.ports = &narrow, .n_ports = 1, .via = 15006};
	probe(&w, ports, 1);
	struct compiled c = compile(&w);
	const struct plic_rule *rule = look(&c, 8080);

	assert_int_equal(rule->flags, PLIC_RULE_PROBE | PLIC_RULE_NARROW | PLIC_RULE_LIMITS |
					      PLIC_RULE_SEATS | PLIC_RULE_TLS | PLIC_RULE_VIA);
	assert_int_equal(rule->origins, 1 << PLIC_ORIGIN_SIBLING);
	assert_int_equal(rule->deny, PLIC_DROP);
	assert_int_equal(rule->n_grants, 1);
	assert_false(PROBED(look(&c, 8081)));
	compiled_free(&c);
}

static void test_policy_says_no(void **state)
{
	static const uint16_t ports[] = {8080};
	struct world w = new_world();

	probe(&w, ports, 1);
	w.policy.probes = false;
	struct compiled c = compile(&w);

	assert_int_equal(c.n_ports, 0);
	compiled_free(&c);
}

/* For a while another policy holds, which says no. */
static void test_interim(void **state)
{
	static const uint16_t ports[] = {8080};
	const struct policy other_policy = {.probes = false};
	struct compile_interim interim = {
		.until_ns = AT(100), .policy = &other_policy, .mode = -1, .first_license = 1};
	struct world w = new_world();
	__u16 slot;

	probe(&w, ports, 1);
	interim.base = w.in.base;
	w.in.interim = &interim;
	struct compiled c = compile(&w);

	assert_true(PROBED(look(&c, 8080)));
	assert_false(PROBED(ruleset_lookup(&c.set, IPPROTO_TCP, 8080, RULESET_INTERIM, &slot)));
	assert_int_equal(c.n_ports, 1);
	assert_true(c.ports[0].probed);
	compiled_free(&c);
}

/* A port that is no longer probed takes nobody's right: the kubelet's connections end by themselves. */
static void test_no_tombstone(void **state)
{
	static const uint16_t ports[] = {8080};
	struct world w = new_world();
	struct tombstone *stones;
	size_t n;

	probe(&w, ports, 1);
	struct compiled before = compile(&w);

	w.in.n_probes = 0;
	struct compiled after = compile(&w);

	assert_int_equal(compile_diff_tombstones(&before, &after, BOOT, TOMBSTONE_DRAIN_NS,
						 PLIC_REASON_WITHDRAWN, &stones, &n),
			 0);
	assert_int_equal(n, 0);
	free(stones);
	compiled_free(&before);
	compiled_free(&after);
}

/* A tombstone on a port that is probed goes on to cut: a probe is nobody whom the port admits. */
static void test_tombstone_stays(void **state)
{
	static const uint16_t ports[] = {8080};
	const struct tombstone stone = {8080,	8080,	IPPROTO_TCP, PLIC_REASON_WITHDRAWN,
					AT(30), AT(300)};
	struct world w = new_world();

	probe(&w, ports, 1);
	w.in.tombstones = &stone;
	w.in.n_tombstones = 1;
	struct compiled c = compile(&w);

	assert_int_equal(look(&c, 8080)->n_grants, 1);
	assert_int_equal(look(&c, 8080)->grants[0].cut_at_ns, AT(30));
	assert_true(PROBED(look(&c, 8080)));
	compiled_free(&c);
}

/* An `open` of the policy may name the kubelet, alone or beside others. */
static void test_open(void **state)
{
	struct policy_open open[] = {
		{.port = 15021, .end_port = 15021, .ip_proto = IPPROTO_TCP},
		{.port = 15022, .end_port = 15022, .ip_proto = IPPROTO_TCP},
		{.port = 15023, .end_port = 15023, .ip_proto = IPPROTO_TCP},
		{.port = 15021, .end_port = 15021, .ip_proto = IPPROTO_UDP},
	};
	struct world w = new_world();

	open[0].from.origins = open[3].from.origins = 1 << PLIC_ORIGIN_PROBE;
	open[1].from.origins = 1 << PLIC_ORIGIN_PROBE | 1 << PLIC_ORIGIN_POD;
	open[2].from.origins = 1 << PLIC_ORIGIN_POD;
	w.policy = (struct policy){.open = open, .n_open = 4};
	w.in.policy = &w.policy;
	struct compiled c = compile(&w);
	__u16 slot;

	assert_true(PROBED(look(&c, 15021)));
	assert_int_equal(look(&c, 15021)->n_grants, 0);
	assert_true(PROBED(look(&c, 15022)));
	assert_int_equal(look(&c, 15022)->n_grants, 1);
	assert_false(PROBED(look(&c, 15023)));
	assert_false(PROBED(ruleset_lookup(&c.set, IPPROTO_UDP, 15021, RULESET_LASTING, &slot)));
	compiled_free(&c);
}

static unsigned int below(unsigned int n)
{
	return random() % n;
}

static void random_licenses(struct world *w)
{
	for (unsigned int n = below(6); n; n--) {
		size_t i = license(w, STATE_ACTIVE, 1 + below(500), below(3));

		w->views[i].deadlines.from = WALL - 100 + (__s64)below(200);
		for (unsigned int k = 1 + below(3); k; k--) {
			__u16 first = 100 + below(60);

			port(w, i, first, first + below(30), "");
		}
	}
}

/* Whatever is licensed: what is probed has the flag, and all else of every port is as it is without. */
static void test_nobody_else(void **state)
{
	for (unsigned int seed = 1; seed <= 200; seed++) {
		uint16_t ports[8];
		size_t n = 1 + below(8);
		struct world w = new_world();

		srandom(seed);
		random_licenses(&w);
		w.in.mode = (int)below(4) - 1;
		for (size_t i = 0; i < n; i++)
			ports[i] = 100 + below(100);
		struct compiled plain = compile(&w);

		probe(&w, ports, n);
		struct compiled c = compile(&w);

		for (unsigned int p = 90; p < 210; p++) {
			struct plic_rule rule = *look(&c, p);
			bool wanted = false;

			for (size_t i = 0; i < n; i++)
				wanted |= ports[i] == p;
			if (PROBED(&rule) != wanted)
				fail_msg("seed %u, port %u: probed %d", seed, p, !wanted);
			rule.flags &= ~PLIC_RULE_PROBE;
			if (memcmp(&rule, look(&plain, p), sizeof(rule)))
				fail_msg("seed %u, port %u: another rule", seed, p);
		}
		compiled_free(&plain);
		compiled_free(&c);
	}
}

static struct from read_from(const char *text)
{
	struct from from = {0};
	struct fault f = {0};
	_json_ cJSON *object = NULL;

	if (json_parse_object("test", text, strlen(text), &object, &f) ||
	    from_parse(object, &from, &f))
		fail_msg("%s: %s", text, f.text);
	return from;
}

/* The same policy names other pods in each namespace. */
static void test_namespaces(void **state)
{
	struct policy_open open = {.port = 80, .end_port = 80, .ip_proto = IPPROTO_TCP};
	struct policy_port narrow = {
		.port = 90, .end_port = 90, .ip_proto = IPPROTO_TCP, .mode = -1, .deny = -1};
	static const char *const namespaces[] = {"a", "b", NULL};
	struct world w = new_world();

	open.from = read_from("{\"from\":[{\"podSelector\":{}}]}");
	narrow.from = read_from("{\"from\":[{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}}}]}");
	port(&w, license(&w, STATE_ACTIVE, 60, PLIC_BLOCK_NEW), 90, 90, "");
	w.policy = (struct policy){.open = &open, .n_open = 1, .ports = &narrow, .n_ports = 1};
	w.in.policy = &w.policy;
	for (size_t i = 0; i < 3; i++) {
		w.in.namespace = namespaces[i];
		struct compiled c = compile(&w);

		assert_int_equal(look(&c, 80)->grants[0].sources,
				 from_set_id(&open.from, namespaces[i]));
		assert_int_equal(look(&c, 90)->sources, from_set_id(&narrow.from, namespaces[i]));
		assert_int_not_equal(look(&c, 80)->grants[0].sources, look(&c, 90)->sources);
		assert_true(look(&c, 90)->flags & PLIC_RULE_NARROW);
		compiled_free(&c);
	}
	from_free(&open.from);
	from_free(&narrow.from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unlicensed),	cmocka_unit_test(test_licensed),
		cmocka_unit_test(test_narrowed),	cmocka_unit_test(test_policy_says_no),
		cmocka_unit_test(test_interim),		cmocka_unit_test(test_no_tombstone),
		cmocka_unit_test(test_tombstone_stays), cmocka_unit_test(test_open),
		cmocka_unit_test(test_nobody_else),	cmocka_unit_test(test_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
