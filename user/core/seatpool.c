/* SPDX-License-Identifier: MIT */
/* seatpool.c - a pool in memory. */
#include "seatpool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "sorted.h"

int seatpool_new(struct seatpool *pool, const char *iss, const char *lid)
{
	struct seatpool made = {.iss = strdup(iss), .lid = strdup(lid)};

	if (!made.iss || !made.lid) {
		seatpool_free(&made);
		return -ENOMEM;
	}
	*pool = made;
	return 0;
}

void seatpool_free(struct seatpool *pool)
{
	for (size_t i = 0; i < pool->n_nodes; i++)
		free(pool->nodes[i].name);
	free(pool->nodes);
	free(pool->iss);
	free(pool->lid);
	*pool = (struct seatpool){0};
}

int seatpool_copy(const struct seatpool *pool, struct seatpool *out)
{
	struct seatpool copy;
	int err = seatpool_new(&copy, pool->iss, pool->lid);

	if (err)
		return err;
	memcpy(copy.ports, pool->ports, sizeof(copy.ports));
	copy.n_ports = pool->n_ports;
	copy.nodes = calloc(pool->n_nodes + 1, sizeof(*copy.nodes));
	copy.room = copy.nodes ? pool->n_nodes + 1 : 0;
	for (size_t i = 0; copy.nodes && i < pool->n_nodes; i++) {
		copy.nodes[i] = pool->nodes[i];
		copy.nodes[i].name = strdup(pool->nodes[i].name);
		copy.n_nodes = i + 1;
		if (!copy.nodes[i].name)
			break;
	}
	if (copy.n_nodes != pool->n_nodes || !copy.nodes ||
	    (copy.n_nodes && !copy.nodes[copy.n_nodes - 1].name)) {
		seatpool_free(&copy);
		return -ENOMEM;
	}
	*out = copy;
	return 0;
}

static int compare(const void *name, const void *node)
{
	return strcmp(name, ((const struct seatpool_node *)node)->name);
}

struct seatpool_node *seatpool_node(const struct seatpool *pool, const char *name)
{
	return pool->n_nodes
		       ? bsearch(name, pool->nodes, pool->n_nodes, sizeof(*pool->nodes), compare)
		       : NULL;
}

struct seatpool_node *seatpool_add_node(struct seatpool *pool, const char *name)
{
	struct seatpool_node *node = seatpool_node(pool, name);
	size_t at;
	char *copy;

	if (node)
		return node;
	if (pool->n_nodes >= SEATPOOL_NODES ||
	    array_grow(&pool->nodes, pool->n_nodes, &pool->room, sizeof(*pool->nodes)))
		return NULL;
	copy = strdup(name);
	if (!copy)
		return NULL;
	at = sorted_place(name, pool->nodes, pool->n_nodes, sizeof(*pool->nodes), compare);
	memmove(&pool->nodes[at + 1], &pool->nodes[at],
		(pool->n_nodes++ - at) * sizeof(*pool->nodes));
	pool->nodes[at] = (struct seatpool_node){.name = copy};
	return &pool->nodes[at];
}

bool seatpool_remove(struct seatpool *pool, const char *name)
{
	struct seatpool_node *node = seatpool_node(pool, name);
	size_t at;

	if (!node)
		return false;
	at = (size_t)(node - pool->nodes);
	free(node->name);
	memmove(node, node + 1, (--pool->n_nodes - at) * sizeof(*node));
	return true;
}

size_t seatpool_port(const struct seatpool *pool, uint8_t proto, uint16_t port)
{
	for (size_t i = 0; i < pool->n_ports; i++)
		if (pool->ports[i].proto == proto && pool->ports[i].port == port)
			return i;
	return SEATPOOL_PORTS;
}

bool seatpool_port_used(const struct seatpool *pool, size_t port)
{
	for (size_t i = 0; i < pool->n_nodes; i++)
		if (pool->nodes[i].seats[port] || pool->nodes[i].waits >> port & 1)
			return true;
	return false;
}

/* All its numbers are 0 where nobody uses it: it can become another. */
static size_t free_port(const struct seatpool *pool)
{
	size_t at = 0;

	while (at < pool->n_ports && seatpool_port_used(pool, at))
		at++;
	return at;
}

bool seatpool_has_room(const struct seatpool *pool)
{
	return free_port(pool) < SEATPOOL_PORTS;
}

size_t seatpool_add_port(struct seatpool *pool, uint8_t proto, uint16_t port)
{
	size_t at = seatpool_port(pool, proto, port);

	if (at < SEATPOOL_PORTS)
		return at;
	at = free_port(pool);
	if (at == SEATPOOL_PORTS)
		return at;
	if (at == pool->n_ports)
		pool->n_ports++;
	pool->ports[at] = (struct seatpool_port){.port = port, .proto = proto};
	return at;
}

uint64_t seatpool_lent(const struct seatpool *pool, size_t port)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < pool->n_nodes; i++)
		sum += pool->nodes[i].seats[port];
	return sum;
}

size_t seatpool_waiting(const struct seatpool *pool, size_t port, const char *but)
{
	size_t n = 0;

	for (size_t i = 0; i < pool->n_nodes; i++)
		n += pool->nodes[i].waits >> port & 1 && strcmp(pool->nodes[i].name, but) != 0;
	return n;
}

static bool has_nothing(const struct seatpool_node *node)
{
	for (size_t i = 0; i < SEATPOOL_PORTS; i++)
		if (node->seats[i])
			return false;
	return !node->waits;
}

bool seatpool_empty(const struct seatpool *pool)
{
	for (size_t i = 0; i < pool->n_nodes; i++)
		if (!has_nothing(&pool->nodes[i]))
			return false;
	return true;
}
