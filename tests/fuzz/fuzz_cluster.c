/* SPDX-License-Identifier: MIT */
/* fuzz_cluster.c - the part of the target that reads the kept peers, and nodes. */
#include "fuzz_cluster.h"

#include <stdlib.h>
#include <string.h>

#include "cluster_nodes.h"
#include "fuzz.h"
#include "peerset.h"

/* Everybody of the first feed is told the kernel, once; and forgotten, they leave nothing behind. */
static void must_come_and_go(struct peerset *ps)
{
	struct from_pods all = {.namespaces = &(struct selector){0}};
	struct source_change *changes = NULL;
	size_t n = 0;

	MUST(!peerset_add(ps, 1, &all, 1, NULL));
	MUST(!peerset_changes(ps, &changes, &n));
	MUST(n == peerset_size(ps).in_force);
	for (size_t i = 0; i < n; i++)
		MUST(changes[i].in && changes[i].set == 1);
	free(changes);
	peerset_keep(ps, NULL, 0);
	while (peerset_n_feeds(ps))
		peerset_forget(ps, peerset_feed(ps, 0));
	changes = NULL;
	MUST(!peerset_changes(ps, &changes, &n) && !n);
	MUST(!peerset_size(ps).addresses && !peerset_size(ps).pods);
}

/* The file of peers: what was read is printed and read again, but for pods that have lost all addresses. */
void fuzz_peers(const char *text, size_t len)
{
	struct peerset *ps = NULL, *again = NULL;
	struct fault f = {""};
	char *one, *two;

	if (peerset_parse(text, len, &ps, &f)) {
		MUST(f.text[0] && !ps);
		return;
	}
	one = peerset_print(ps);
	MUST(one && !peerset_parse(one, strlen(one), &again, &f));
	two = peerset_print(again);
	MUST(two && strlen(one) >= strlen(two));
	MUST(peerset_size(ps).pods >= peerset_size(again).pods);
	must_come_and_go(ps);
	peerset_free(ps);
	peerset_free(again);
	free(one);
	free(two);
}

static void must_be_sorted(const struct cluster_nodes *nodes)
{
	for (size_t i = 1; i < nodes->n; i++)
		MUST(strcmp(nodes->list[i - 1].name, nodes->list[i].name) < 0);
	for (size_t i = 0; i < nodes->n; i++)
		for (size_t j = 0; j < nodes->list[i].n_addresses; j++)
			MUST(nodes->list[i].addresses[j].len == 128);
}

/* A Node, and the file of them. */
void fuzz_node(const char *text, size_t len)
{
	static const struct json_limits limits = {.max_depth = 64, .max_members = 1 << 16};
	struct cluster_nodes nodes = {0}, again = {0};
	_json_ cJSON *object = NULL;
	struct json_error why;
	struct fault f = {""};
	char *kept;

	if (json_parse(text, len, &limits, &object, &why))
		return;
	if (cluster_nodes_present(&nodes, object, &f))
		MUST(f.text[0]);
	must_be_sorted(&nodes);
	kept = cluster_nodes_print(&nodes);
	MUST(kept && !cluster_nodes_parse(kept, strlen(kept), &again, &f));
	MUST(nodes.n == again.n);
	free(kept);
	cluster_nodes_free(&again);
	cluster_nodes_gone(&nodes, object);
	MUST(!nodes.n);
	cluster_nodes_free(&nodes);
	if (!cluster_nodes_parse(text, len, &nodes, &f))
		must_be_sorted(&nodes);
	cluster_nodes_free(&nodes);
}
