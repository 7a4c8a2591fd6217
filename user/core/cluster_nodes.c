/* SPDX-License-Identifier: MIT */
/* cluster_nodes.c - nodes by name; kept as {"version","nodes":[{"name","addresses":[…],"pods":[…]}]}. */
#include "cluster_nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "cleanup.h"
#include "jsonput.h"
#include "sorted.h"

#define VERSION 1
#define MAX_NODES 100000
#define MAX_NETWORKS 64 /* of a node */
#define MAX_NAME 253

static void node_free(struct cluster_node *node)
{
	free(node->name);
	free(node->addresses);
	free(node->pods);
	*node = (struct cluster_node){0};
}

void cluster_nodes_free(struct cluster_nodes *nodes)
{
	for (size_t i = 0; i < nodes->n; i++)
		node_free(&nodes->list[i]);
	free(nodes->list);
	*nodes = (struct cluster_nodes){0};
}

/* --- a node */

/* One more of n networks. */
static int add(struct cidr **list, size_t *n, const struct cidr *network)
{
	struct cidr *grown;

	if (*n == MAX_NETWORKS)
		return 0;
	grown = reallocarray(*list, *n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[(*n)++] = *network;
	return 0;
}

/* A range that is everybody's is nobody's. */
static int add_pods(struct cluster_node *node, const cJSON *item, struct fault *f)
{
	struct cidr network;
	int err = cidr_parse("podCIDRs", item, &network, f);

	if (err)
		return err;
	if (network.len == 0 || (network.len == cidr_ipv4.len && address_is_ipv4(network.address)))
		return fault_set(f, EINVAL, "\"podCIDRs\": \"%s\" is everybody", item->valuestring);
	return add(&node->pods, &node->n_pods, &network);
}

static int add_address(struct cluster_node *node, const cJSON *item)
{
	const char *text = json_string_value(item, 1, 45);
	struct cidr network = {.len = 128};

	if (!text || !address_parse(text, network.address))
		return -EINVAL;
	return add(&node->addresses, &node->n_addresses, &network);
}

static int add_addresses(struct cluster_node *node, const cJSON *array, struct fault *f)
{
	const cJSON *item;
	int err = 0;

	cJSON_ArrayForEach (item, array) {
		const char *type = json_string_value(json_get(item, "type"), 1, 64);
		int one;

		if (!type || strcmp(type, "InternalIP") != 0)
			continue;
		one = add_address(node, json_get(item, "address"));
		if (one == -EINVAL)
			fault_set(f, EINVAL, "an \"address\" of type InternalIP is none");
		err = err ? err : one;
	}
	return err;
}

static const char *name_of(const cJSON *object)
{
	return json_string_value(json_get(json_get(object, "metadata"), "name"), 1, MAX_NAME);
}

/* podCIDR is what servers say that know no second family. */
static int read_node(const cJSON *object, struct cluster_node *out, struct fault *f)
{
	const cJSON *spec = json_get(object, "spec"), *pods = json_get(spec, "podCIDRs"), *item;
	const char *name = name_of(object);
	int err;

	if (!name)
		return fault_set(f, EINVAL, "a node without a name");
	out->name = strdup(name);
	if (!out->name)
		return -ENOMEM;
	err = add_addresses(out, json_get(json_get(object, "status"), "addresses"), f);
	cJSON_ArrayForEach (item, pods) {
		int one = add_pods(out, item, f);

		err = err ? err : one;
	}
	if (!cJSON_IsArray(pods) && cJSON_IsString(json_get(spec, "podCIDR"))) {
		int one = add_pods(out, json_get(spec, "podCIDR"), f);

		err = err ? err : one;
	}
	return err;
}

static bool same_networks(const struct cidr *a, size_t n_a, const struct cidr *b, size_t n_b)
{
	return n_a == n_b && (!n_a || !memcmp(a, b, n_a * sizeof(*a)));
}

/* --- all of them */

static int compare(const void *name, const void *node)
{
	return strcmp(name, ((const struct cluster_node *)node)->name);
}

/* Where it is, or would be. */
static size_t find(const struct cluster_nodes *nodes, const char *name, bool *there)
{
	size_t at = sorted_place(name, nodes->list, nodes->n, sizeof(*nodes->list), compare);

	*there = at < nodes->n && !strcmp(nodes->list[at].name, name);
	return at;
}

static void take_out(struct cluster_nodes *nodes, size_t i)
{
	nodes->changed |= nodes->list[i].n_addresses || nodes->list[i].n_pods;
	node_free(&nodes->list[i]);
	memmove(&nodes->list[i], &nodes->list[i + 1], (--nodes->n - i) * sizeof(*nodes->list));
}

/* Takes the node over, if it works. */
static int put(struct cluster_nodes *nodes, struct cluster_node *node)
{
	bool there;
	size_t i = find(nodes, node->name, &there);
	struct cluster_node *at;

	if (!there) {
		if (array_grow(&nodes->list, nodes->n, &nodes->room, sizeof(*nodes->list)))
			return -ENOMEM;
		memmove(&nodes->list[i + 1], &nodes->list[i],
			(nodes->n++ - i) * sizeof(*nodes->list));
		nodes->list[i] = (struct cluster_node){0};
	}
	at = &nodes->list[i];
	nodes->changed |= !same_networks(at->addresses, at->n_addresses, node->addresses,
					 node->n_addresses) ||
			  !same_networks(at->pods, at->n_pods, node->pods, node->n_pods);
	node_free(at);
	*at = *node;
	at->round = nodes->round;
	*node = (struct cluster_node){0};
	return 0;
}

bool cluster_nodes_has(const struct cluster_nodes *nodes, const char *name)
{
	bool there;

	find(nodes, name, &there);
	return there;
}

void cluster_nodes_begin(struct cluster_nodes *nodes)
{
	nodes->round++;
	nodes->listing = true;
}

int cluster_nodes_present(struct cluster_nodes *nodes, const cJSON *object, struct fault *f)
{
	struct cluster_node node = {0};
	int err = read_node(object, &node, f), failed = 0;

	if (node.name && err != -ENOMEM)
		failed = put(nodes, &node);
	node_free(&node);
	return failed ? failed : err;
}

void cluster_nodes_gone(struct cluster_nodes *nodes, const cJSON *object)
{
	const char *name = name_of(object);
	bool there = false;
	size_t i = name ? find(nodes, name, &there) : 0;

	if (there)
		take_out(nodes, i);
}

void cluster_nodes_end(struct cluster_nodes *nodes)
{
	if (!nodes->listing)
		return;
	nodes->listing = false;
	for (size_t i = nodes->n; i-- > 0;)
		if (nodes->list[i].round != nodes->round)
			take_out(nodes, i);
}

/* --- over a restart */

static void put_networks(cJSON *object, const char *name, const struct cidr *list, size_t n)
{
	cJSON *array = cJSON_AddArrayToObject(object, name);
	char text[CIDR_TEXT_SIZE];

	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(cidr_text(&list[i], text)));
}

char *cluster_nodes_print(const struct cluster_nodes *nodes)
{
	_json_ cJSON *object = cJSON_CreateObject();
	cJSON *array;

	json_put_u64(object, "version", VERSION);
	array = cJSON_AddArrayToObject(object, "nodes");
	for (size_t i = 0; i < nodes->n; i++) {
		const struct cluster_node *node = &nodes->list[i];
		cJSON *item = cJSON_CreateObject();

		json_put_string(item, "name", node->name);
		put_networks(item, "addresses", node->addresses, node->n_addresses);
		put_networks(item, "pods", node->pods, node->n_pods);
		cJSON_AddItemToArray(array, item);
	}
	return cJSON_PrintUnformatted(object);
}

/* None is larger than min_len tells. */
static int read_networks(const cJSON *object, const char *name, uint8_t min_len, struct cidr **list,
			 size_t *n, struct fault *f)
{
	const cJSON *array = NULL, *item;
	int err = json_array(object, name, 0, MAX_NETWORKS, &array, f);

	cJSON_ArrayForEach (item, array) {
		struct cidr network;

		if (!err)
			err = cidr_parse(name, item, &network, f);
		if (!err && network.len < min_len)
			err = fault_set(f, EINVAL, "\"%s\": \"%s\" is too large", name,
					item->valuestring);
		if (!err)
			err = add(list, n, &network);
	}
	return err;
}

static int read_kept(const cJSON *item, void *arg, struct fault *f)
{
	struct cluster_node node = {0};
	const char *name = NULL;
	int err = json_string(item, "name", 1, MAX_NAME, &name, f);

	if (!err && !name)
		err = fault_set(f, EINVAL, "\"name\" must be there");
	if (!err && !(node.name = strdup(name)))
		err = -ENOMEM;
	if (!err)
		err = read_networks(item, "addresses", 128, &node.addresses, &node.n_addresses, f);
	if (!err)
		err = read_networks(item, "pods", 1, &node.pods, &node.n_pods, f);
	if (!err)
		err = put(arg, &node);
	node_free(&node);
	return err;
}

int cluster_nodes_parse(const char *buf, size_t len, struct cluster_nodes *out, struct fault *f)
{
	static const struct json_limits limits = {.max_depth = 8, .max_members = 8 * MAX_NODES};
	_cleanup_(cluster_nodes_free) struct cluster_nodes nodes = {0};
	_json_ cJSON *object = NULL;
	const cJSON *array = NULL;
	struct json_error why = {0};
	int64_t version = 0;
	int err = json_parse(buf, len, &limits, &object, &why);

	if (err && err != -ENOMEM)
		fault_set(f, EBADMSG, "not strict JSON: %s", why.text);
	if (!err)
		err = json_int(object, "version", VERSION, VERSION, &version, f);
	if (!err)
		err = json_array(object, "nodes", 0, MAX_NODES, &array, f);
	if (!err && (!version || !array))
		err = fault_set(f, EINVAL, "\"version\" and \"nodes\" must be there");
	if (!err)
		err = json_objects("nodes", array, read_kept, &nodes, f);
	if (err)
		return err == -ENOMEM ? err : -EBADMSG;
	nodes.changed = false;
	*out = nodes;
	nodes = (struct cluster_nodes){0};
	return 0;
}
