/* SPDX-License-Identifier: MIT */
/* test_cluster_nodes.c - the networks of nodes, as a watch tells them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster_nodes.h"

static int show(struct cluster_nodes *nodes, const char *text, struct fault *f)
{
	_json_ cJSON *object = cJSON_Parse(text);

	assert_non_null(object);
	f->text[0] = '\0';
	return cluster_nodes_present(nodes, object, f);
}

static void hide(struct cluster_nodes *nodes, const char *text)
{
	_json_ cJSON *object = cJSON_Parse(text);

	cluster_nodes_gone(nodes, object);
}

static void is(const struct cidr *network, const char *text)
{
	char written[CIDR_TEXT_SIZE];

	assert_string_equal(cidr_text(network, written), text);
}

#define N1                                                                                         \
	"{\"metadata\":{\"name\":\"n1\"},\"spec\":{\"podCIDR\":\"10.244.1.0/24\",\"podCIDRs\":["   \
	"\"10.244.1.0/24\",\"fd00:1::/64\"]},\"status\":{\"addresses\":[{\"type\":\"InternalIP\"," \
	"\"address\":\"10.0.0.1\"},{\"type\":\"Hostname\",\"address\":\"n1\"},{\"type\":"          \
	"\"ExternalIP\",\"address\":\"203.0.113.1\"},{\"type\":\"InternalIP\",\"address\":"        \
	"\"fd00::1\"}]}}"
#define N0 "{\"metadata\":{\"name\":\"n0\"},\"spec\":{\"podCIDR\":\"10.244.0.0/24\"},\"status\":{}}"

static void reads_nodes(void **state)
{
	struct cluster_nodes nodes = {0};
	struct fault f;

	assert_int_equal(show(&nodes, N1, &f), 0);
	assert_int_equal(show(&nodes, N0, &f), 0);
	assert_true(nodes.changed);
	assert_int_equal(nodes.n, 2);
	assert_string_equal(nodes.list[0].name, "n0");
	assert_int_equal(nodes.list[0].n_addresses, 0);
	assert_int_equal(nodes.list[0].n_pods, 1);
	is(&nodes.list[0].pods[0], "10.244.0.0/24");
	assert_int_equal(nodes.list[1].n_addresses, 2);
	assert_int_equal(nodes.list[1].n_pods, 2);
	is(&nodes.list[1].addresses[0], "10.0.0.1/32");
	is(&nodes.list[1].addresses[1], "fd00::1/128");
	is(&nodes.list[1].pods[0], "10.244.1.0/24");
	is(&nodes.list[1].pods[1], "fd00:1::/64");
	nodes.changed = false;
	assert_int_equal(show(&nodes, N1, &f), 0);
	assert_false(nodes.changed); /* a heartbeat */
	hide(&nodes, N1);
	assert_true(nodes.changed);
	assert_int_equal(nodes.n, 1);
	cluster_nodes_free(&nodes);
}

static void lists_again(void **state)
{
	struct cluster_nodes nodes = {0};
	struct fault f;

	cluster_nodes_begin(&nodes);
	show(&nodes, N0, &f);
	show(&nodes, N1, &f);
	cluster_nodes_end(&nodes);
	nodes.changed = false;
	cluster_nodes_begin(&nodes);
	show(&nodes, N1, &f);
	assert_int_equal(nodes.n, 2);
	assert_false(nodes.changed);
	cluster_nodes_end(&nodes);
	assert_int_equal(nodes.n, 1);
	assert_true(nodes.changed);
	cluster_nodes_free(&nodes);
}

/* What is good of it is taken. */
static void leaves_out_what_is_bad(void **state)
{
	static const char *const bad[] = {
		"{\"metadata\":{\"name\":\"x\"},\"spec\":{\"podCIDRs\":[\"0.0.0.0/0\",\"10.1.0.0/"
		"24\"]}}",
		"{\"metadata\":{\"name\":\"x\"},\"spec\":{\"podCIDRs\":[\"::/0\",\"10.1.0.0/"
		"24\"]}}",
		"{\"metadata\":{\"name\":\"x\"},\"spec\":{\"podCIDRs\":[7,\"10.1.0.0/24\"]}}",
		"{\"metadata\":{\"name\":\"x\"},\"spec\":{\"podCIDRs\":[\"10.1.0.0/24\"]},"
		"\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"n1\"}]}}",
	};
	struct cluster_nodes nodes = {0};
	struct fault f;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(show(&nodes, bad[i], &f), -EINVAL);
		assert_true(f.text[0]);
		assert_int_equal(nodes.n, 1);
		assert_int_equal(nodes.list[0].n_addresses, 0);
		assert_int_equal(nodes.list[0].n_pods, 1);
		is(&nodes.list[0].pods[0], "10.1.0.0/24");
	}
	assert_int_equal(show(&nodes, "{\"metadata\":{}}", &f), -EINVAL);
	assert_int_equal(nodes.n, 1);
	cluster_nodes_free(&nodes);
}

static void outlives_a_restart(void **state)
{
	struct cluster_nodes nodes = {0}, again = {0};
	struct fault f;
	char *text;

	show(&nodes, N0, &f);
	show(&nodes, N1, &f);
	text = cluster_nodes_print(&nodes);
	assert_int_equal(cluster_nodes_parse(text, strlen(text), &again, &f), 0);
	assert_int_equal(again.n, 2);
	assert_false(again.changed);
	assert_string_equal(again.list[1].name, "n1");
	assert_int_equal(again.list[1].n_addresses, 2);
	is(&again.list[1].pods[1], "fd00:1::/64");
	cluster_nodes_begin(&again);
	show(&again, N0, &f);
	show(&again, N1, &f);
	cluster_nodes_end(&again);
	assert_false(again.changed);
	free(text);
	cluster_nodes_free(&nodes);
	cluster_nodes_free(&again);
	assert_int_equal(cluster_nodes_parse("{\"version\":1}", 13, &again, &f), -EBADMSG);
	assert_int_equal(cluster_nodes_parse("{\"version\":1,\"nodes\":[{}]}", 26, &again, &f),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_nodes),
		cmocka_unit_test(lists_again),
		cmocka_unit_test(leaves_out_what_is_bad),
		cmocka_unit_test(outlives_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
