/* SPDX-License-Identifier: MIT */
/* api_peers.c - GET /v1/peers: who connected to a gate's ports within a day, and who is connected. */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "jobs.h"
#include "ports.h"
#include "reply.h"

#define PEERS_SINCE_NS (24 * 3600 * 1000000000ULL)
#define PEERS_MAX 256 /* in an answer; the rest is counted */

/* What is asked for. first 0: all ports of the gate. */
struct wanted {
	uint16_t first, last;
	uint8_t ip_proto;
};

struct peers_job {
	struct job job;
	struct http_request *request;
	struct gate_entry *entry;
	uint64_t since_ns;
	int result;
	struct fault fault;
	struct gate_peer *peers;
	size_t n;
};

static bool parse_port(const char *text, struct wanted *out)
{
	if (!port_read(text, &out->first, &out->ip_proto))
		return false;
	out->last = out->first;
	return true;
}

/* A port of a range stands for the range: that is how its past clients are known. */
static void widen(const struct gate_entry *entry, struct wanted *wanted)
{
	size_t i;

	for (i = 0; entry->rules && i < entry->rules->compiled.n_ports; i++) {
		const struct compiled_port *at = &entry->rules->compiled.ports[i];

		if (at->ip_proto != wanted->ip_proto || wanted->first < at->port ||
		    wanted->first > at->end_port)
			continue;
		wanted->first = at->port;
		wanted->last = at->end_port;
		return;
	}
}

static bool is_wanted(const struct wanted *wanted, const struct gate_peer *peer)
{
	return !wanted->first || (peer->ip_proto == wanted->ip_proto &&
				  wanted->first <= peer->port && peer->port <= wanted->last);
}

static int by_address(const void *a, const void *b)
{
	const struct gate_peer *x = a, *y = b;

	return memcmp(x->remote, y->remote, sizeof(x->remote));
}

/* Those that are connected first, then the last to come. */
static int by_presence(const void *a, const void *b)
{
	const struct gate_peer *x = a, *y = b;

	if (!x->live != !y->live)
		return !x->live - !y->live;
	if (x->last_ns != y->last_ns)
		return x->last_ns > y->last_ns ? -1 : 1;
	return x->port != y->port ? x->port - y->port : by_address(a, b);
}

static cJSON *peer_json(const struct agent *agent, const struct gate_peer *peer)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddNumberToObject(item, "port", peer->port);
	cJSON_AddStringToObject(item, "protocol", proto_word(peer->ip_proto));
	json_put_address(item, "remote", peer->remote);
	json_put_moment(item, "last", &agent->clock, peer->last_ns);
	json_put_u64(item, "connections", peer->connections);
	cJSON_AddNumberToObject(item, "connected", peer->live);
	return item;
}

/* Keeps what is wanted, at the front. How many addresses that are. */
static size_t keep(struct peers_job *peers, const struct wanted *wanted)
{
	size_t i, n = 0, addresses = 0;

	for (i = 0; i < peers->n; i++)
		if (is_wanted(wanted, &peers->peers[i]))
			peers->peers[n++] = peers->peers[i];
	peers->n = n;
	if (n)
		qsort(peers->peers, n, sizeof(*peers->peers), by_address);
	for (i = 0; i < n; i++)
		addresses += !i || by_address(&peers->peers[i - 1], &peers->peers[i]);
	if (n)
		qsort(peers->peers, n, sizeof(*peers->peers), by_presence);
	return addresses;
}

static void answer(struct peers_job *peers)
{
	const struct agent *agent = peers->job.agent;
	const char *port = http_query(peers->request, "port");
	struct wanted wanted = {0};
	cJSON *root = cJSON_CreateObject(), *list;
	size_t i;

	if (port && parse_port(port, &wanted))
		widen(peers->entry, &wanted);
	cJSON_AddStringToObject(root, "gate", peers->entry->name);
	json_put_moment(root, "since", &agent->clock, peers->since_ns);
	json_put_u64(root, "clients", keep(peers, &wanted));
	list = cJSON_AddArrayToObject(root, "peers");
	for (i = 0; i < peers->n && i < PEERS_MAX; i++)
		cJSON_AddItemToArray(list, peer_json(agent, &peers->peers[i]));
	reply_json(peers->request, MHD_HTTP_OK, root);
}

static void peers_work(struct job *job)
{
	struct peers_job *peers = (struct peers_job *)job;

	/* A gate that waits for its namespace has none. */
	if (peers->entry->gate)
		peers->result = gate_peers(peers->entry->gate, peers->since_ns, &peers->peers,
					   &peers->n, &peers->fault);
}

static void peers_done(struct job *job)
{
	struct peers_job *peers = (struct peers_job *)job;

	if (peers->result)
		reply_error(peers->request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s",
			    peers->fault.text);
	else
		answer(peers);
	free(peers->peers);
	free(peers);
}

static void ready(void *arg)
{
	struct http_request *request = arg;
	struct agent *agent = request->http->agent;
	struct gate_entry *entry = gates_find(&agent->gates, api_gate(request));
	uint64_t now_ns = clock_boot_ns(), since_ns = 0;
	struct peers_job *peers;

	if (!entry) {
		reply_error(request, MHD_HTTP_NOT_FOUND, "the gate \"%s\" has just gone",
			    api_gate(request));
		return;
	}
	peers = calloc(1, sizeof(*peers));
	if (!peers) {
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
		return;
	}
	if (now_ns > PEERS_SINCE_NS)
		since_ns = now_ns - PEERS_SINCE_NS;
	peers->job.work = peers_work;
	peers->job.done = peers_done;
	peers->request = request;
	peers->entry = entry;
	peers->since_ns = since_ns > entry->since_ns ? since_ns : entry->since_ns;
	job_submit(agent, &peers->job);
}

void api_peers_get(struct agent *agent, struct http_request *request, const char *name)
{
	const char *gate = api_gate(request), *port = http_query(request, "port");
	struct wanted wanted;

	if (!gate) {
		reply_error(request, MHD_HTTP_BAD_REQUEST, "whose peers? Add \"?gate=NAME\"");
		return;
	}
	if (!gates_find(&agent->gates, gate)) {
		reply_error(request, MHD_HTTP_NOT_FOUND, "there is no gate \"%s\"", gate);
		return;
	}
	if (port && !parse_port(port, &wanted)) {
		reply_error(request, MHD_HTTP_BAD_REQUEST,
			    "\"%s\" is no port; give one like 8080 or 53/udp", port);
		return;
	}
	agent_when_ready(agent, ready, request);
}
