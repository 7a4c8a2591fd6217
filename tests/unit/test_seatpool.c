/* SPDX-License-Identifier: MIT */
/* test_seatpool.c - a pool's text, and what is counted in it. */
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

#include "cleanup.h"
#include "seatpool.h"

static const char example[] =
	"{\"iss\":\"https://vendor.example\",\"lid\":\"acme\",\"ports\":[\"8080/tcp\",\"53/udp\"],"
	"\"nodes\":{\"node-a\":[5,3],\"node-b\":[0,1],\"node-c\":[]},"
	"\"waiting\":{\"8080/tcp\":[\"node-b\",\"node-c\"]}}";

static int read_text(const char *text, struct seatpool *pool)
{
	struct fault f = {""};
	int err = seatpool_read(text, strlen(text), pool, &f);

	assert_int_equal(!err, !f.text[0]);
	return err;
}

static void test_read(void **state)
{
	struct seatpool pool = {0};

	assert_int_equal(read_text(example, &pool), 0);
	assert_string_equal(pool.iss, "https://vendor.example");
	assert_string_equal(pool.lid, "acme");
	assert_int_equal(pool.n_ports, 2);
	assert_int_equal(seatpool_port(&pool, IPPROTO_UDP, 53), 1);
	assert_int_equal(seatpool_port(&pool, IPPROTO_TCP, 53), SEATPOOL_PORTS);
	assert_int_equal(seatpool_lent(&pool, 0), 5);
	assert_int_equal(seatpool_lent(&pool, 1), 4);
	assert_int_equal(seatpool_waiting(&pool, 0, "node-a"), 2);
	assert_int_equal(seatpool_waiting(&pool, 0, "node-b"), 1);
	assert_int_equal(seatpool_waiting(&pool, 1, "node-a"), 0);
	assert_int_equal(seatpool_node(&pool, "node-b")->seats[1], 1);
	assert_null(seatpool_node(&pool, "node-d"));
	assert_false(seatpool_empty(&pool));
	seatpool_free(&pool);
}

static void test_text(void **state)
{
	struct seatpool pool = {0}, copy = {0};
	struct fault f = {""};
	_free_ char *text = NULL, *less = NULL;

	assert_int_equal(read_text(example, &pool), 0);
	assert_int_equal(seatpool_text(&pool, &text, &f), 0);
	assert_string_equal(text, example);
	/* A copy is its own; what nobody has or wants isn't said. */
	assert_int_equal(seatpool_copy(&pool, &copy), 0);
	seatpool_free(&pool);
	assert_true(seatpool_remove(&copy, "node-a"));
	assert_false(seatpool_remove(&copy, "node-a"));
	seatpool_node(&copy, "node-b")->waits = seatpool_node(&copy, "node-c")->waits = 0;
	assert_int_equal(seatpool_text(&copy, &less, &f), 0);
	assert_string_equal(less, "{\"iss\":\"https://vendor.example\",\"lid\":\"acme\",\"ports\":["
				  "\"53/udp\"],\"nodes\":{\"node-b\":[1]},\"waiting\":{}}");
	seatpool_remove(&copy, "node-b");
	assert_true(seatpool_empty(&copy));
	seatpool_free(&copy);
}

static void test_bad(void **state)
{
#define POOL(ports, nodes, waiting)                                                                \
	"{\"iss\":\"i\",\"lid\":\"l\",\"ports\":[" ports "],\"nodes\":{" nodes "}" waiting "}"
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		"{\"iss\":\"i\",\"lid\":\"l\",\"ports\":[]}",
		"{\"iss\":\"i\",\"lid\":\"l\",\"nodes\":{}}",
		"{\"iss\":\"\",\"lid\":\"l\",\"ports\":[],\"nodes\":{}}",
		POOL("", "", ",\"more\":1"),
		POOL("\"0/tcp\"", "", ""),
		POOL("\"65536/tcp\"", "", ""),
		POOL("\"080/tcp\"", "", ""),
		POOL("\"80/TCP\"", "", ""),
		POOL("\"80/icmp\"", "", ""),
		POOL("\"80\"", "", ""),
		POOL("80", "", ""),
		POOL("\"80/tcp\",\"80/tcp\"", "", ""),
		POOL("\"80/tcp\"", "\"a\":[1,2]", ""),
		POOL("\"80/tcp\"", "\"a\":[-1]", ""),
		POOL("\"80/tcp\"", "\"a\":[4294967296]", ""),
		POOL("\"80/tcp\"", "\"a\":[1.0]", ""),
		POOL("\"80/tcp\"", "\"a\":1", ""),
		POOL("\"80/tcp\"", "\"a/b\":[1]", ""),
		POOL("\"80/tcp\"", "\"\":[1]", ""),
		POOL("\"80/tcp\"", "\"a\":[1],\"a\":[2]", ""),
		POOL("\"80/tcp\"", "\"a\":[1]", ",\"waiting\":[]"),
		POOL("\"80/tcp\"", "\"a\":[1]", ",\"waiting\":{\"81/tcp\":[\"a\"]}"),
		POOL("\"80/tcp\"", "\"a\":[1]", ",\"waiting\":{\"80/tcp\":[\"b\"]}"),
		POOL("\"80/tcp\"", "\"a\":[1]", ",\"waiting\":{\"80/tcp\":\"a\"}"),
	};
	struct seatpool pool = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(read_text(cases[i], &pool), -EBADMSG);
	assert_null(pool.iss);
	assert_int_equal(read_text(POOL("", "", ""), &pool), 0);
	assert_true(seatpool_empty(&pool));
	seatpool_free(&pool);
}

/* A port that nobody uses makes room for another; the numbers of others stay where they are. */
static void test_ports(void **state)
{
	struct seatpool pool = {0};
	struct seatpool_node *node;

	assert_int_equal(seatpool_new(&pool, "i", "l"), 0);
	node = seatpool_add_node(&pool, "n");
	assert_ptr_equal(seatpool_add_node(&pool, "n"), node);
	for (uint16_t i = 0; i < SEATPOOL_PORTS; i++) {
		size_t at = seatpool_add_port(&pool, IPPROTO_TCP, (uint16_t)(1000 + i));

		assert_int_equal(at, i);
		node->seats[at] = i + 1u;
	}
	assert_false(seatpool_has_room(&pool));
	assert_int_equal(seatpool_add_port(&pool, IPPROTO_TCP, 2000), SEATPOOL_PORTS);
	node->seats[5] = 0;
	node->waits = 1 << 5;
	assert_int_equal(seatpool_add_port(&pool, IPPROTO_TCP, 2000), SEATPOOL_PORTS);
	node->waits = 0;
	assert_true(seatpool_has_room(&pool));
	assert_int_equal(seatpool_add_port(&pool, IPPROTO_TCP, 2000), 5);
	assert_int_equal(seatpool_port(&pool, IPPROTO_TCP, 1005), SEATPOOL_PORTS);
	assert_int_equal(seatpool_lent(&pool, 6), 7);
	seatpool_free(&pool);
}

/* A thousand nodes with names as clouds give them, on ten ports; and far too many. */
static void test_large(void **state)
{
	struct seatpool pool = {0}, again = {0};
	_free_ char *text = NULL;
	struct fault f = {""};
	char *none = NULL, name[64];

	assert_int_equal(seatpool_new(&pool, "https://vendor.example", "acme"), 0);
	for (int i = 0; i < 10; i++)
		pool.ports[pool.n_ports++] =
			(struct seatpool_port){.port = (uint16_t)(8080 + i), .proto = IPPROTO_TCP};
	for (int i = 0; i < 4000; i++) {
		struct seatpool_node *node;

		snprintf(name, sizeof(name), "ip-10-0-%d-%d.eu-central-1.compute.internal", i / 256,
			 i % 256);
		node = seatpool_add_node(&pool, name);
		assert_non_null(node);
		for (int k = 0; k < 10; k++)
			node->seats[k] = 50;
		if (i != 999)
			continue;
		assert_int_equal(seatpool_text(&pool, &text, &f), 0);
		assert_in_range(strlen(text), 50000, 90000);
		assert_int_equal(read_text(text, &again), 0);
		assert_int_equal(seatpool_lent(&again, 9), 50000);
		seatpool_free(&again);
	}
	assert_int_equal(seatpool_text(&pool, &none, &f), -EFBIG);
	assert_non_null(strstr(f.text, "too many nodes"));
	for (size_t i = 1; i < pool.n_nodes; i++)
		assert_true(strcmp(pool.nodes[i - 1].name, pool.nodes[i].name) < 0);
	seatpool_free(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),  cmocka_unit_test(test_text),
		cmocka_unit_test(test_bad),   cmocka_unit_test(test_ports),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
