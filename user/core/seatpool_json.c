/* SPDX-License-Identifier: MIT */
/* seatpool_json.c - the text of a pool. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "kobject.h"
#include "porttext.h"
#include "seatpool.h"

static const struct json_limits limits = {.max_depth = 3, .max_members = 131072};

static const char *port_text(const struct seatpool_port *port, char text[PORTTEXT_LEN])
{
	const struct license_port one = {
		.port = port->port, .end_port = port->port, .protocol = port->proto};

	return porttext(&one, text);
}

/* ---- reading ---- */

/* The text of a port has one form only. */
static bool port_of(const char *text, struct seatpool_port *out)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	char again[PORTTEXT_LEN];
	char *end = NULL;
	unsigned long port = strtoul(text, &end, 10);

	if (port < 1 || port > 65535 || *end != '/')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		*out = (struct seatpool_port){.port = (uint16_t)port, .proto = protocols[i]};
		if (!strcmp(port_text(out, again), text))
			return true;
	}
	return false;
}

static int read_ports(const cJSON *root, struct seatpool *pool, struct fault *f)
{
	const cJSON *array = NULL, *item;
	int err = json_array(root, "ports", 0, SEATPOOL_PORTS, &array, f);

	if (err || !array)
		return err ? err : fault_set(f, EINVAL, "\"ports\" is missing");
	cJSON_ArrayForEach (item, array) {
		struct seatpool_port port;

		if (!cJSON_IsString(item) || !port_of(item->valuestring, &port) ||
		    seatpool_port(pool, port.proto, port.port) != SEATPOOL_PORTS)
			return fault_set(f, EINVAL,
					 "\"ports\" must be ports like \"8080/tcp\", each once");
		pool->ports[pool->n_ports++] = port;
	}
	return 0;
}

static int read_node(const cJSON *item, struct seatpool *pool, struct fault *f)
{
	struct seatpool_node *node;
	const cJSON *number;
	size_t i = 0;

	if (!kobject_is_name(item->string) || strlen(item->string) > KOBJECT_NAME_MAX ||
	    pool->n_nodes == SEATPOOL_NODES)
		return fault_set(f, EINVAL, "\"nodes\": \"%.64s\" is no node, or one too many",
				 item->string);
	if (array_grow(&pool->nodes, pool->n_nodes, &pool->room, sizeof(*pool->nodes)))
		return -ENOMEM;
	node = &pool->nodes[pool->n_nodes];
	*node = (struct seatpool_node){.name = strdup(item->string)};
	if (!node->name)
		return -ENOMEM;
	pool->n_nodes++;
	cJSON_ArrayForEach (number, item) {
		int64_t seats = json_int_value(number);

		if (i == pool->n_ports || seats < 0 || seats > UINT32_MAX)
			break;
		node->seats[i++] = (uint32_t)seats;
	}
	if (!cJSON_IsArray(item) || number)
		return fault_set(
			f, EINVAL,
			"\"nodes\": \"%.64s\" must be a list of numbers, one for each port",
			item->string);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct seatpool_node *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int read_nodes(const cJSON *root, struct seatpool *pool, struct fault *f)
{
	const cJSON *nodes = NULL, *item;
	int err = json_object(root, "nodes", &nodes, f);

	if (!err && !nodes)
		err = fault_set(f, EINVAL, "\"nodes\" is missing");
	for (item = nodes ? nodes->child : NULL; item && !err; item = item->next)
		err = read_node(item, pool, f);
	if (!err && pool->n_nodes)
		qsort(pool->nodes, pool->n_nodes, sizeof(*pool->nodes), compare);
	return err;
}

static int read_waiting_at(const cJSON *list, struct seatpool *pool, struct fault *f)
{
	struct seatpool_port port;
	size_t at = port_of(list->string, &port) ? seatpool_port(pool, port.proto, port.port)
						 : SEATPOOL_PORTS;
	struct seatpool_node *node = NULL;
	const cJSON *item;

	if (at == SEATPOOL_PORTS || !cJSON_IsArray(list))
		return fault_set(f, EINVAL,
				 "\"waiting\": \"%.64s\" must be one of \"ports\", a list",
				 list->string);
	cJSON_ArrayForEach (item, list) {
		node = cJSON_IsString(item) ? seatpool_node(pool, item->valuestring) : NULL;
		if (!node)
			return fault_set(f, EINVAL, "\"waiting\": \"%.64s\" must name \"nodes\"",
					 list->string);
		node->waits |= 1ULL << at;
	}
	return 0;
}

static int read_members(const cJSON *root, struct seatpool *pool, struct fault *f)
{
	static const char *const keys[] = {"iss", "lid", "ports", "nodes", "waiting", NULL};
	const char *iss = NULL, *lid = NULL;
	const cJSON *waiting = NULL, *item;
	int err = json_keys(root, keys, f);

	if (!err)
		err = json_string(root, "iss", 1, LICENSE_MAX_ISS, &iss, f);
	if (!err)
		err = json_string(root, "lid", 1, LICENSE_MAX_ISS, &lid, f);
	if (!err && (!iss || !lid))
		err = fault_set(f, EINVAL, "\"iss\" or \"lid\" is missing");
	if (!err)
		err = seatpool_new(pool, iss, lid);
	if (!err)
		err = read_ports(root, pool, f);
	if (!err)
		err = read_nodes(root, pool, f);
	if (!err)
		err = json_object(root, "waiting", &waiting, f);
	for (item = waiting ? waiting->child : NULL; item && !err; item = item->next)
		err = read_waiting_at(item, pool, f);
	return err;
}

int seatpool_read(const char *text, size_t len, struct seatpool *out, struct fault *f)
{
	struct seatpool read = {0};
	_json_ cJSON *root = NULL;
	int err;

	if (len > SEATPOOL_MAX_BYTES)
		return fault_set(f, EBADMSG, "the pool: %zu bytes, at most %d", len,
				 SEATPOOL_MAX_BYTES);
	err = json_parse_object_in("the pool", text, len, &limits, &root, f);
	if (!err)
		err = read_members(root, &read, f);
	if (err) {
		seatpool_free(&read);
		return err == -ENOMEM ? err : -EBADMSG;
	}
	*out = read;
	return 0;
}

/* ---- writing ---- */

/* The ports that are used, in their order. */
static size_t used_ports(const struct seatpool *pool, size_t used[SEATPOOL_PORTS])
{
	size_t n = 0;

	for (size_t i = 0; i < pool->n_ports; i++)
		if (seatpool_port_used(pool, i))
			used[n++] = i;
	return n;
}

/* A number that is missing would give away what another node has: all or nothing. */
static bool put_node(cJSON *nodes, const struct seatpool_node *node, const size_t *used, size_t n)
{
	cJSON *list;

	while (n && !node->seats[used[n - 1]])
		n--;
	if (!n && !node->waits)
		return true;
	list = cJSON_AddArrayToObject(nodes, node->name);
	for (size_t i = 0; i < n; i++)
		if (!cJSON_AddItemToArray(list, cJSON_CreateNumber(node->seats[used[i]])))
			return false;
	return list;
}

static bool put_waiting(cJSON *waiting, const struct seatpool *pool, size_t port)
{
	cJSON *list = NULL;
	char text[PORTTEXT_LEN];

	for (size_t i = 0; i < pool->n_nodes; i++) {
		if (!(pool->nodes[i].waits >> port & 1))
			continue;
		if (!list)
			list = cJSON_AddArrayToObject(waiting, port_text(&pool->ports[port], text));
		if (!cJSON_AddItemToArray(list, cJSON_CreateString(pool->nodes[i].name)))
			return false;
	}
	return true;
}

static bool put_all(cJSON *root, const struct seatpool *pool)
{
	size_t used[SEATPOOL_PORTS], n = used_ports(pool, used);
	bool well = cJSON_AddStringToObject(root, "iss", pool->iss) &&
		    cJSON_AddStringToObject(root, "lid", pool->lid);
	cJSON *member = cJSON_AddArrayToObject(root, "ports");
	char text[PORTTEXT_LEN];

	for (size_t i = 0; well && i < n; i++)
		well = cJSON_AddItemToArray(
			member, cJSON_CreateString(port_text(&pool->ports[used[i]], text)));
	member = cJSON_AddObjectToObject(root, "nodes");
	well &= !!member;
	for (size_t i = 0; well && i < pool->n_nodes; i++)
		well = put_node(member, &pool->nodes[i], used, n);
	member = cJSON_AddObjectToObject(root, "waiting");
	for (size_t i = 0; well && i < n; i++)
		well = put_waiting(member, pool, used[i]);
	return well && member;
}

int seatpool_text(const struct seatpool *pool, char **out, struct fault *f)
{
	_json_ cJSON *root = cJSON_CreateObject();
	char *printed = put_all(root, pool) ? cJSON_PrintUnformatted(root) : NULL;

	if (!printed)
		return -ENOMEM;
	if (strlen(printed) > SEATPOOL_MAX_BYTES) {
		free(printed);
		return fault_set(f, EFBIG,
				 "the pool of \"%s\" would have more than %d bytes: too many nodes "
				 "or ports share its seats",
				 pool->lid, SEATPOOL_MAX_BYTES);
	}
	*out = printed;
	return 0;
}
