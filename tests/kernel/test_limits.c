/* SPDX-License-Identifier: MIT */
/* test_limits.c - the tables behind limits: they come and go with the rules and the gates. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "scene.h"

/* 8080/TCP with one grant and a rule of these flags. */
static struct ruleset limited(uint64_t generation, __u8 flags)
{
	static const struct plic_slot slots[] = {
		{0}, {.port = 8080, .end_port = 8080, .ip_proto = IPPROTO_TCP}};
	static const struct rule_limits limits = {.grants = {{.line = 1, .flags = PLIC_LIMIT_TLS}}};
	const struct plic_header header = {.generation = generation};
	const struct plic_rule none = {0};
	struct ruleset_port port = {
		.port = 8080, .end_port = 8080, .ip_proto = IPPROTO_TCP, .slot = 1};
	struct ruleset set;
	struct fault f = {0};

	port.rule.n_grants = 1;
	port.rule.grants[0].new_until_ns = port.rule.grants[0].cut_at_ns = PLIC_NEVER;
	port.rule.flags = flags;
	port.limits = &limits;
	must(ruleset_build(&header, &none, &port, 1, slots, 2, NULL, &set, &f), &f);
	return set;
}

static bool has_table(const struct node *node, uint32_t gate)
{
	uint32_t inner;

	return bpf_map_lookup_elem(node->map[NODE_HELLOS], &gate, &inner) == 0;
}

static void apply(struct gate *gate, uint64_t generation, __u8 flags)
{
	struct ruleset set = limited(generation, flags);
	struct fault f = {0};

	must(gate_apply(gate, &set, &f), &f);
	ruleset_free(&set);
}

static void tls_has_a_table_while_it_is_demanded(void **state)
{
	struct scene *s = *state;
	uint32_t id = gate_id(s->gate), inner, same;

	assert_false(has_table(s->node, id));
	apply(s->gate, 2, PLIC_RULE_LIMITS | PLIC_RULE_TLS);
	assert_int_equal(bpf_map_lookup_elem(s->node->map[NODE_HELLOS], &id, &inner), 0);
	apply(s->gate, 3, PLIC_RULE_LIMITS | PLIC_RULE_TLS);
	assert_int_equal(bpf_map_lookup_elem(s->node->map[NODE_HELLOS], &id, &same), 0);
	assert_int_equal(same, inner); /* connections stand in it */
	apply(s->gate, 4, PLIC_RULE_LIMITS);
	assert_false(has_table(s->node, id));
}

static void put_usage(struct node *node, uint32_t owner, uint64_t connections)
{
	const struct plic_usage_key key = {
		.line = 1, .port = 8080, .proto = IPPROTO_TCP, .owner = owner};
	struct quota_use use = {.key = key,
				.quota = {.window = 5, .connections = {0, connections}}};
	const __u64 rate[2] = {0};
	struct fault f = {0};

	must(quotas_put(node, owner, &use, 1, &f), &f);
	must(bpf_map_update_elem(node->map[NODE_RATES], &key, rate, BPF_ANY), &f);
}

/* Connections that are counted for an owner, -1: nothing is; *rate: whether it has a bucket. */
static int64_t usage_of(struct node *node, uint32_t owner, bool *rate)
{
	const struct plic_usage_key key = {
		.line = 1, .port = 8080, .proto = IPPROTO_TCP, .owner = owner};
	struct quota_use *list = NULL, *use;
	struct fault f = {0};
	int64_t connections;
	__u64 value[2];
	size_t n = 0;

	must(quotas_read(node, &list, &n, &f), &f);
	use = n ? bsearch(&key, list, n, sizeof(*list), quota_compare) : NULL;
	connections = use ? (int64_t)use->quota.connections[1] : -1;
	free(list);
	*rate = bpf_map_lookup_elem(node->map[NODE_RATES], &key, value) == 0;
	return connections;
}

static void usage_goes_with_its_gate(void **state)
{
	struct scene *s = *state;
	struct ruleset set = limited(1, PLIC_RULE_LIMITS | PLIC_RULE_TLS);
	struct fault f = {0};
	struct gate *gate;
	bool rate;

	bed_pod(1);
	gate = bed_gate(s->node, "other", 1, 9, &set);
	put_usage(s->node, 9, 3);
	put_usage(s->node, gate_id(s->gate), 4);
	put_usage(s->node, PLIC_NODE_WIDE, 5);
	assert_int_equal(usage_of(s->node, 9, &rate), 3);
	assert_true(rate && has_table(s->node, 9));
	must(gate_remove(gate, &f), &f);
	assert_int_equal(usage_of(s->node, 9, &rate), -1);
	assert_false(rate || has_table(s->node, 9));
	assert_int_equal(usage_of(s->node, gate_id(s->gate), &rate), 4);
	assert_true(rate);
	assert_int_equal(usage_of(s->node, PLIC_NODE_WIDE, &rate), 5);
	ruleset_free(&set);
	bed_delete_pod(1);
}

static void usage_is_given_back(void **state)
{
	struct scene *s = *state;
	struct quota_use used = {.key = {.line = 1, .port = 8080, .proto = IPPROTO_TCP},
				 .quota = {.window = 5, .connections = {0, 77}}};
	struct gate_spec spec = {
		.name = "other", .netns = bed_pod(1), .id = 9, .used = &used, .n_used = 1};
	struct ruleset set = limited(1, PLIC_RULE_LIMITS);
	struct gate *gate = NULL;
	struct fault f = {0};
	bool rate;

	must(gate_open(s->node, &spec, &set, &gate, &f), &f);
	assert_int_equal(usage_of(s->node, 9, &rate), 77);
	gate_close(gate);
	used.quota.connections[1] = 5; /* older than what the kernel has */
	must(gate_open(s->node, &spec, &set, &gate, &f), &f);
	assert_int_equal(usage_of(s->node, 9, &rate), 77);
	must(gate_remove(gate, &f), &f);
	ruleset_free(&set);
	bed_delete_pod(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(tls_has_a_table_while_it_is_demanded),
		CASE(usage_goes_with_its_gate),
		CASE(usage_is_given_back),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
