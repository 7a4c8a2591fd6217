/* SPDX-License-Identifier: MIT */
/* peers.c - the clients of a port, as `port show` has them. */
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client.h"
#include "output.h"
#include "when.h"

#define PEERS_SHOWN 8

int peers_get(const struct args *args, const char *gate, long port, const char *protocol,
	      cJSON **out, struct failure *why)
{
	_free_ char *named = client_path("/v1/peers?gate=", gate);
	_free_ char *path = NULL;
	_reply_ struct reply reply = {};
	int r;

	if (!named || asprintf(&path, "%s&port=%ld/%s", named, port, protocol) < 0)
		return fail(why, EXIT_USAGE, "out of memory");
	r = client_get(args, path, false, &reply, why);
	if (r)
		return r;
	*out = reply.json;
	reply.json = NULL;
	return 0;
}

/* "10.0.0.7: 2 connected, 5 connections, last 3m ago" */
static void print_peer(const cJSON *peer)
{
	double connected = member_number(peer, "connected");
	double connections = member_number(peer, "connections");
	const char *remote = member_text(peer, "remote");
	char line[160], relative[WHEN_LEN];
	int64_t t;
	int n = snprintf(line, sizeof(line), "%.45s:", remote ? remote : "?");

	if (connected)
		n += snprintf(line + n, sizeof(line) - n, " %.0f connected,", connected);
	if (connections)
		n += snprintf(line + n, sizeof(line) - n, " %.0f connection%s,", connections,
			      connections == 1 ? "" : "s");
	if (!when_parse(member_text(peer, "last"), &t))
		n += snprintf(line + n, sizeof(line) - n, " last %s,",
			      when_relative(t, time(NULL), relative));
	line[n - 1] = '\0';
	print_field("", line);
}

void peers_print(const cJSON *peers)
{
	const cJSON *list = json_get(peers, "peers"), *peer;
	double clients = member_number(peers, "clients");
	int shown = 0, n = cJSON_GetArraySize(list);
	char line[64];

	snprintf(line, sizeof(line), "%.0f in the last day", clients);
	print_field("clients", line);
	cJSON_ArrayForEach (peer, list) {
		if (shown++ == PEERS_SHOWN)
			break;
		print_peer(peer);
	}
	if (n > PEERS_SHOWN)
		print_field("", "...");
}
