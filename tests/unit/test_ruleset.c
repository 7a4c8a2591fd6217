/* SPDX-License-Identifier: MIT */
/* test_ruleset.c - cells against a naive table of all ports, limits, sets that come back broken. */
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

#include "ruleset.h"

#define N_PORTS 65536

static const __u8 protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
static const struct plic_rule refuse_all = {.mode = PLIC_ENFORCE, .deny = PLIC_REFUSE};
static const struct plic_header header = {.generation = 7, .mode = PLIC_ENFORCE};

static struct plic_rule rule_until(__u64 until)
{
	return (struct plic_rule){
		.n_grants = 1,
		.grants[0] = {.new_until_ns = until, .cut_at_ns = until, .license = 1},
	};
}

static struct ruleset_port tcp(__u16 port, __u16 end_port, __u16 slot)
{
	return (struct ruleset_port){.port = port,
				     .end_port = end_port,
				     .ip_proto = IPPROTO_TCP,
				     .slot = slot,
				     .rule = rule_until(1000 + slot)};
}

static int build(const struct ruleset_port *ports, size_t n_ports, size_t n_slots,
		 struct ruleset *set, struct fault *f)
{
	struct plic_slot *slots = calloc(n_slots, sizeof(*slots));
	int err;

	assert_non_null(slots);
	for (size_t i = 1; i < n_slots; i++)
		slots[i] = (struct plic_slot){i, i, IPPROTO_TCP, {0}};
	err = ruleset_build(&header, &refuse_all, ports, n_ports, slots, n_slots, NULL, set, f);
	free(slots);
	return err;
}

static void check_slots(const struct ruleset *set, size_t n_slots)
{
	struct plic_slot *slots = NULL;
	struct fault f = {0};
	size_t n = 0;

	assert_int_equal(ruleset_slots(set, &slots, &n, &f), 0);
	assert_int_equal(n, n_slots);
	for (size_t i = 1; i < n; i++)
		assert_int_equal(slots[i].port, (__u16)i);
	free(slots);
}

static void test_empty(void **state)
{
	struct ruleset set = {0};
	__u16 slot = 9;

	assert_int_equal(build(NULL, 0, 1, &set, NULL), 0);
	assert_int_equal(set.n_cells, PLIC_CELL_FIRST_FREE + 1);
	assert_int_equal(set.cells[0].header.generation, 7);
	assert_int_equal(set.cells[0].header.n_cells, set.n_cells);
	assert_ptr_equal(ruleset_lookup(&set, IPPROTO_TCP, 80, RULESET_LASTING, &slot),
			 &set.cells[1].rule);
	assert_int_equal(slot, PLIC_SLOT_OTHER);
	assert_ptr_equal(ruleset_lookup(&set, IPPROTO_GRE, 80, RULESET_LASTING, &slot),
			 &set.cells[1].rule);
	check_slots(&set, 1);
	ruleset_free(&set);
}

/* The worked example of portlic.h. */
static void test_example(void **state)
{
	struct ruleset_port port = tcp(8080, 8080, 1);
	struct ruleset set = {0};

	assert_int_equal(build(&port, 1, 2, &set, NULL), 0);
	assert_int_equal(set.cells[2].dir[126], 27);
	assert_int_equal(set.cells[27].index[16].rule, 26);
	assert_int_equal(set.cells[27].index[16].slot, 1);
	assert_int_equal(set.cells[26].rule.grants[0].new_until_ns, 1001);
	ruleset_free(&set);
}

struct naive {
	int slot[3][N_PORTS]; /* 0: not named */
	struct plic_rule rules[3 * N_PORTS];
};

/* Random disjoint ranges of all three protocols; returns their number. */
static size_t random_ports(struct naive *naive, struct ruleset_port *ports, size_t max)
{
	unsigned int gap = 1 + random() % 400, width = 1 + random() % 300,
		     kinds = 1 + random() % 40;
	size_t n = 0;

	for (unsigned int proto = 0; proto < 3; proto++) {
		unsigned int port = 1 + random() % gap;

		while (port < N_PORTS && n < max) {
			unsigned int end = port + random() % width;
			struct ruleset_port *p = &ports[n++];

			if (end >= N_PORTS || random() % 500 == 0)
				end = N_PORTS - 1;
			*p = (struct ruleset_port){.port = port,
						   .end_port = end,
						   .ip_proto = protocols[proto],
						   .slot = n,
						   .rule = rule_until(1 + random() % kinds)};
			naive->rules[n] = p->rule;
			for (unsigned int i = port; i <= end; i++)
				naive->slot[proto][i] = n;
			port = end + 1 + random() % gap;
		}
	}
	return n;
}

static void shuffle(struct ruleset_port *ports, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = random() % i;
		struct ruleset_port other = ports[j];

		ports[j] = ports[i - 1];
		ports[i - 1] = other;
	}
}

static void compare(const struct naive *naive, const struct ruleset *set)
{
	for (unsigned int proto = 0; proto < 3; proto++) {
		for (unsigned int port = 0; port < N_PORTS; port++) {
			int want = naive->slot[proto][port];
			__u16 slot;
			const struct plic_rule *rule =
				ruleset_lookup(set, protocols[proto], port, RULESET_LASTING, &slot);
			const struct plic_rule *wanted = want ? &naive->rules[want] : &refuse_all;

			if (slot != want || memcmp(rule, wanted, sizeof(*rule)))
				fail_msg("%u/%u: slot %u, wanted %d", port, protocols[proto], slot,
					 want);
		}
	}
}

static void test_random_against_naive(void **state)
{
	size_t max = 50000;
	struct ruleset_port *ports = calloc(max, sizeof(*ports));
	struct naive *naive = malloc(sizeof(*naive));

	assert_non_null(ports);
	assert_non_null(naive);
	for (unsigned int seed = 1; seed <= 40; seed++) {
		struct ruleset set = {0};
		struct fault f = {0};
		size_t n;

		srandom(seed);
		memset(naive, 0, sizeof(*naive));
		n = random_ports(naive, ports, max);
		shuffle(ports, n);
		if (build(ports, n, n + 1, &set, &f))
			fail_msg("seed %u: %s", seed, f.text);
		compare(naive, &set);
		check_slots(&set, n + 1);
		ruleset_free(&set);
	}
	free(naive);
	free(ports);
}

static void test_all_ports_one_by_one(void **state)
{
	struct ruleset_port *ports = calloc(65535, sizeof(*ports));
	struct ruleset set = {0};
	struct fault f = {0};
	__u16 slot;

	assert_non_null(ports);
	for (unsigned int i = 0; i < 65535; i++) {
		ports[i] = tcp(i + 1, i + 1, i + 1);
		ports[i].rule = rule_until(5);
	}
	assert_int_equal(build(ports, 65535, 65536, &set, &f), 0);
	/* one rule, 1024 index cells, 2048 cells of slots */
	assert_int_equal(set.n_cells, PLIC_CELL_FIRST_FREE + 1 + 1024 + 2048);
	for (unsigned int i = 1; i < N_PORTS; i++) {
		ruleset_lookup(&set, IPPROTO_TCP, i, RULESET_LASTING, &slot);
		assert_int_equal(slot, i);
	}
	check_slots(&set, 65536);
	ruleset_free(&set);
	free(ports);
}

/* A range costs at most its two ragged ends and one cell for all whole blocks. */
static void test_wide_range_is_small(void **state)
{
	struct ruleset_port port = tcp(1, 65535, 1);
	struct ruleset set = {0};

	assert_int_equal(build(&port, 1, 2, &set, NULL), 0);
	assert_int_equal(set.n_cells, PLIC_CELL_FIRST_FREE + 1 + 2 + 1);
	ruleset_free(&set);
}

static void test_garbage_in_unused_grants_is_not_compared(void **state)
{
	struct ruleset_port ports[] = {tcp(1, 1, 1), tcp(2, 2, 2)};
	struct ruleset set = {0};

	ports[1].rule = ports[0].rule;
	memset(&ports[1].rule.grants[1], 0xaa, sizeof(ports[1].rule.grants[1]));
	ports[1].rule.pad = 0xaaaa;
	assert_int_equal(build(ports, 2, 3, &set, NULL), 0);
	assert_int_equal(set.n_cells, PLIC_CELL_FIRST_FREE + 1 + 1 + 1);
	ruleset_free(&set);
}

static void refused(const struct ruleset_port *ports, size_t n_ports, size_t n_slots, int err,
		    const char *word)
{
	struct ruleset set = {.n_cells = 12345};
	struct fault f = {0};

	assert_int_equal(build(ports, n_ports, n_slots, &set, &f), err);
	if (!strstr(f.text, word))
		fail_msg("no \"%s\" in \"%s\"", word, f.text);
	assert_int_equal(set.n_cells, 12345);
	assert_null(set.cells);
}

static void test_overlaps(void **state)
{
	struct ruleset_port ports[] = {tcp(100, 300, 1), tcp(300, 400, 2)};

	refused(ports, 2, 3, -EEXIST, "port 300 of IP protocol 6 stands in two ranges");
	ports[1] = tcp(128, 191, 2); /* a whole block inside */
	refused(ports, 2, 3, -EEXIST, "port 128");
	ports[0] = tcp(70, 70, 1);
	ports[1] = tcp(64, 127, 2);
	refused(ports, 2, 3, -EEXIST, "port 70");
	ports[0] = tcp(200, 200, 1); /* in a later whole block of the other one */
	ports[1] = tcp(64, 300, 2);
	refused(ports, 2, 3, -EEXIST, "port");
	ports[1].ip_proto = IPPROTO_UDP;
	struct ruleset set = {0};
	assert_int_equal(build(ports, 2, 3, &set, NULL), 0);
	ruleset_free(&set);
}

static void test_out_of_range(void **state)
{
	struct ruleset_port good = tcp(10, 20, 1), p;

	p = good, p.port = 0;
	refused(&p, 1, 2, -EINVAL, "ports 0-20");
	p = good, p.end_port = 9;
	refused(&p, 1, 2, -EINVAL, "ports 10-9");
	p = good, p.ip_proto = IPPROTO_GRE;
	refused(&p, 1, 2, -EINVAL, "IP protocol 47");
	p = good, p.slot = 0;
	refused(&p, 1, 2, -EINVAL, "slot 0 of 2");
	p = good, p.slot = 2;
	refused(&p, 1, 2, -EINVAL, "slot 2 of 2");
	p = good, p.rule.n_grants = 5;
	refused(&p, 1, 2, -EINVAL, "rule");
	p = good, p.rule.grants[0].cut_at_ns = 3;
	refused(&p, 1, 2, -EINVAL, "rule");
	refused(NULL, 0, 0, -EINVAL, "slots");
	refused(NULL, 0, 65537, -E2BIG, "65537 counters");
}

static void test_too_many_cells(void **state)
{
	struct ruleset_port *ports = calloc(65535, sizeof(*ports));

	assert_non_null(ports);
	for (unsigned int i = 0; i < 65535; i++)
		ports[i] = tcp(i + 1, i + 1, i + 1); /* each its own rule */
	refused(ports, 65535, 65536, -E2BIG, "more than 65536 cells");
	free(ports);
}

static void broken(const struct ruleset *set)
{
	struct plic_slot *slots = NULL;
	struct fault f = {0};
	size_t n = 99;

	assert_int_equal(ruleset_slots(set, &slots, &n, &f), -EBADMSG);
	assert_null(slots);
	assert_int_equal(n, 99);
	assert_non_null(strstr(f.text, "contradict"));
}

/* Each number in turn, put back afterwards. */
#define BREAK(lvalue, value)                                                                       \
	do {                                                                                       \
		__typeof__(lvalue) good_ = (lvalue);                                               \
		(lvalue) = (value);                                                                \
		broken(&set);                                                                      \
		(lvalue) = good_;                                                                  \
	} while (0)

static void test_broken_sets(void **state)
{
	struct ruleset_port port = tcp(8080, 8080, 1);
	struct ruleset set = {0};

	assert_int_equal(build(&port, 1, 2, &set, NULL), 0);
	struct plic_header *head = &set.cells[0].header;

	BREAK(head->n_cells, 28);
	BREAK(head->n_cells, 0);
	BREAK(set.n_cells, 0);
	BREAK(set.n_cells, 27);
	BREAK(head->n_slots, 0);
	BREAK(head->n_slots, 33);
	BREAK(head->n_slots, 0xffffffff);
	BREAK(head->n_slots, 1); /* slot 1 is in use */
	BREAK(head->slot_cell, 0);
	BREAK(head->slot_cell, 29);
	BREAK(head->slot_cell, 0xffffffff);
	BREAK(head->mode, 3);
	BREAK(head->deny, 2);
	BREAK(set.cells[1].rule.n_grants, 5);
	BREAK(set.cells[2].dir[126], 28); /* the slots */
	BREAK(set.cells[2].dir[126], 1);
	BREAK(set.cells[2].dir[0], 65535);
	BREAK(set.cells[27].index[16].rule, 65535);
	BREAK(set.cells[27].index[16].rule, 2);
	BREAK(set.cells[27].index[0].rule, 28);
	BREAK(set.cells[26].rule.n_grants, 200);
	BREAK(set.cells[26].rule.mode, 9);
	BREAK(set.cells[26].rule.grants[0].lapse, 3);
	check_slots(&set, 2);
	ruleset_free(&set);
}

/* Whatever bytes come back, reading stays inside the set. */
static void test_noise(void **state)
{
	struct ruleset_port ports[] = {tcp(80, 90, 1), tcp(8000, 9000, 2)};

	srandom(4);
	for (unsigned int round = 0; round < 300; round++) {
		struct ruleset set = {0};
		struct plic_slot *slots = NULL;
		size_t n = 0, hits = 1 + random() % 8;
		__u16 slot;

		assert_int_equal(build(ports, 2, 3, &set, NULL), 0);
		while (hits--)
			set.cells[random() % set.n_cells].bytes[random() % 256] = random();
		if (!ruleset_slots(&set, &slots, &n, NULL))
			free(slots);
		for (unsigned int port = 0; port < N_PORTS; port += 7)
			assert_non_null(
				ruleset_lookup(&set, IPPROTO_TCP, port, RULESET_LASTING, &slot));
		ruleset_free(&set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_random_against_naive),
		cmocka_unit_test(test_all_ports_one_by_one),
		cmocka_unit_test(test_wide_range_is_small),
		cmocka_unit_test(test_garbage_in_unused_grants_is_not_compared),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_too_many_cells),
		cmocka_unit_test(test_broken_sets),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
