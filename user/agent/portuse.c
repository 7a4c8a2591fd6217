/* SPDX-License-Identifier: MIT */
/* portuse.c - joins counters and sockets to the question that matters: who would notice? */
#include "portuse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "gates.h"
#include "reply.h"

int gate_use_read(const struct gate_entry *entry, uint64_t now_ns, struct gate_use *out)
{
	*out = (struct gate_use){.entry = entry, .now_ns = now_ns};
	out->known = entry->state == GATE_ATTACHED && entry->rules && entry->counters.traffic;
	return out->known ? ports_list(entry, PORTS_EACH, now_ns, &out->rows, &out->n) : 0;
}

void gate_use_free(struct gate_use *use)
{
	free(use->rows);
	*use = (struct gate_use){0};
}

static bool recent(const struct gate_use *use, uint64_t t)
{
	return t && (t > use->now_ns || use->now_ns - t < PORT_USE_RECENT_NS);
}

static bool is_in(const struct gate_listener *at, const struct span *ports)
{
	return at->ip_proto == ports->ip_proto && ports->first <= at->port &&
	       at->port <= ports->last;
}

/* The clients of a range that are gone again are known by its first port. */
static bool came_to(const struct gate_use *use, const struct gate_peer *peer,
		    const struct span *ports)
{
	const struct compiled *compiled = &use->entry->rules->compiled;
	size_t i;

	if (peer->ip_proto != ports->ip_proto)
		return false;
	if (ports->first <= peer->port && peer->port <= ports->last)
		return true;
	for (i = 0; !peer->live && i < compiled->n_ports; i++) {
		const struct compiled_port *at = &compiled->ports[i];

		if (at->ip_proto == peer->ip_proto && at->port == peer->port)
			return at->port <= ports->last && ports->first <= at->end_port;
	}
	return false;
}

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(((struct gate_peer *)NULL)->remote));
}

static void count_peers(const struct gate_use *use, const struct span *ports,
			struct port_use *found)
{
	const size_t size = sizeof(use->entry->peers->remote);
	_free_ uint8_t *remotes = calloc(use->entry->n_peers + 1, size);
	size_t i, n = 0;

	if (!use->entry->peers || !remotes)
		return;
	found->live = found->clients = 0;
	for (i = 0; i < use->entry->n_peers; i++) {
		const struct gate_peer *peer = &use->entry->peers[i];

		if (!came_to(use, peer, ports))
			continue;
		found->live += peer->live;
		memcpy(remotes + n++ * size, peer->remote, size);
	}
	qsort(remotes, n, size, by_address);
	for (i = 0; i < n; i++)
		found->clients += !i || by_address(remotes + (i - 1) * size, remotes + i * size);
}

struct port_use in_use_of(const struct gate_use *use, const struct span *ports)
{
	const struct gate_stand *stand = &use->entry->stand;
	struct port_use found = {.live = -1, .clients = -1};
	size_t i;

	if (!use->known || !ports->first)
		return found;
	for (i = 0; i < use->n; i++) {
		const struct port_row *row = &use->rows[i];

		if (row->port && row->ip_proto == ports->ip_proto && row->port <= ports->last &&
		    ports->first <= row->end_port && row->access_ns > found.access_ns)
			found.access_ns = row->access_ns;
	}
	for (i = 0; i < stand->n_inbound; i++)
		found.stands |= is_in(&stand->inbound[i], ports);
	count_peers(use, ports, &found);
	found.in_use = found.stands || found.live > 0 || recent(use, found.access_ns);
	return found;
}

static bool is_named(const struct gate_use *use, uint8_t ip_proto, uint16_t port)
{
	__u16 slot;

	ruleset_lookup(&use->entry->rules->compiled.set, ip_proto, port, use->now_ns, &slot);
	return slot;
}

/* Without a listener, it is as likely a connection that the pod itself has opened. */
static bool has_listener(const struct gate_stand *stand, const struct gate_listener *inbound)
{
	size_t i;

	for (i = 0; i < stand->n_listeners; i++)
		if (stand->listeners[i].ip_proto == inbound->ip_proto &&
		    stand->listeners[i].port == inbound->port)
			return true;
	return false;
}

int gate_use_unnamed(const struct gate_use *use, struct span **out, size_t *n)
{
	const struct gate_stand *stand = &use->entry->stand;
	struct span *spans = calloc(use->n + stand->n_inbound + 1, sizeof(*spans));
	size_t i;

	if (!spans)
		return -ENOMEM;
	*out = spans;
	*n = 0;
	for (i = 0; i < use->n; i++) {
		const struct port_row *row = &use->rows[i];

		if (row->port && !is_named(use, row->ip_proto, row->port) &&
		    recent(use, row->access_ns))
			spans[(*n)++] = (struct span){row->port, row->end_port, row->ip_proto};
	}
	for (i = 0; use->known && i < stand->n_inbound; i++) {
		const struct gate_listener *at = &stand->inbound[i];

		if (!is_named(use, at->ip_proto, at->port) && has_listener(stand, at))
			spans[(*n)++] = (struct span){at->port, at->port, at->ip_proto};
	}
	return 0;
}

static void put_count(cJSON *item, const char *name, int64_t count)
{
	if (count < 0)
		cJSON_AddNullToObject(item, name);
	else
		json_put_u64(item, name, count);
}

void port_use_json(cJSON *item, const struct clock *clock, const struct port_use *use)
{
	cJSON_AddBoolToObject(item, "in_use", use->in_use);
	put_count(item, "live", use->live);
	put_count(item, "clients_last_day", use->clients);
	json_put_moment(item, "last_access", clock, use->access_ns);
}

static void ago_text(uint64_t seconds, char text[32])
{
	if (seconds < 120)
		snprintf(text, 32, "%" PRIu64 "s", seconds);
	else if (seconds < 7200)
		snprintf(text, 32, "%" PRIu64 "m", seconds / 60);
	else
		snprintf(text, 32, "%" PRIu64 "h", seconds / 3600);
}

void port_use_text(const struct port_use *use, uint64_t now_ns, char *text, size_t size)
{
	uint64_t access = use->access_ns < now_ns ? now_ns - use->access_ns : 0;
	char past[64] = "", now[48] = "", ago[32];

	ago_text(access / 1000000000, ago);
	if (use->clients > 0)
		snprintf(past, sizeof(past), "%" PRId64 " client%s in the last day", use->clients,
			 use->clients == 1 ? "" : "s");
	else if (use->access_ns && access < PORT_USE_RECENT_NS)
		snprintf(past, sizeof(past), "last used %s ago", ago);
	if (use->live > 0)
		snprintf(now, sizeof(now), "%" PRId64 " connected now", use->live);
	else if (use->stands)
		snprintf(now, sizeof(now), "connected now");
	snprintf(text, size, "%s%s%s", past, past[0] && now[0] ? ", " : "", now);
	if (!text[0])
		snprintf(text, size, "not used in the last day");
}
