/* SPDX-License-Identifier: MIT */
/* api_ports.c - GET /v1/ports. */
#include "api.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "inspect.h"
#include "limitview.h"
#include "origin.h"
#include "ports.h"
#include "reply.h"

static void put_counts(cJSON *item, const struct port_row *row)
{
	cJSON *packets = cJSON_AddObjectToObject(item, "packets");
	cJSON *bytes = cJSON_AddObjectToObject(item, "bytes");
	cJSON *connections = cJSON_AddObjectToObject(item, "connections");
	cJSON *denied = cJSON_AddObjectToObject(item, "denied");
	cJSON *origins = cJSON_AddObjectToObject(item, "origins");
	size_t i;

	for (i = 0; i < PORTS_N_VERDICTS; i++) {
		json_put_u64(packets, verdict_word(i), row->count[i].packets);
		json_put_u64(bytes, verdict_word(i), row->count[i].bytes);
		json_put_u64(connections, verdict_word(i), row->count[i].connections);
	}
	for (i = 1; i < PORTS_N_REASONS; i++)
		if (row->denied[i])
			json_put_u64(denied, reason_word(i), row->denied[i]);
	for (i = 0; i < PLIC_N_ORIGINS; i++)
		if (row->arrivals[i])
			json_put_u64(origins, origin_word(i), row->arrivals[i]);
}

static void put_seats(cJSON *item, const struct port_row *row)
{
	cJSON *seats;

	if (!row->has_seats) {
		cJSON_AddNullToObject(item, "seats");
		return;
	}
	seats = cJSON_AddObjectToObject(item, "seats");
	json_put_u64(seats, "used", row->seats_used);
	json_put_u64(seats, "limit", row->seats);
	if (row->seats_total)
		json_put_u64(seats, "total", row->seats_total);
}

static cJSON *row_json(const struct agent *agent, const struct gate_entry *entry,
		       const struct port_row *row)
{
	cJSON *item = cJSON_CreateObject();
	struct limit_view limits;

	cJSON_AddStringToObject(item, "gate", entry->name);
	json_put_known(item, "port", row->port);
	json_put_known(item, "end_port", row->end_port);
	json_put_string(item, "protocol", row->ip_proto ? proto_word(row->ip_proto) : NULL);
	cJSON_AddStringToObject(item, "name", row->name);
	cJSON_AddStringToObject(item, "state", row->state);
	cJSON_AddBoolToObject(item, "probed", row->rule && row->rule->flags & PLIC_RULE_PROBE);
	json_put_string(item, "lid", row->lid);
	json_put_moment(item, "deadline", &agent->clock, row->deadline_ns);
	limit_view(agent, entry, row, clock_boot_ns(), &limits);
	limit_json(agent, &limits, item);
	put_counts(item, row);
	put_seats(item, row);
	json_put_moment(item, "last_access", &agent->clock, row->access_ns);
	json_put_moment(item, "last_denied", &agent->clock, row->denied_ns);
	json_put_string(item, "last_origin",
			row->access_ns ? origin_word(row->arrival_origin) : NULL);
	return item;
}

static void put_gate(cJSON *list, const struct agent *agent, const struct gate_entry *entry)
{
	_free_ struct port_row *rows = NULL;
	size_t i, n = 0;

	ports_list(entry, PORTS_EACH, clock_boot_ns(), &rows, &n);
	for (i = 0; i < n; i++)
		cJSON_AddItemToArray(list, row_json(agent, entry, &rows[i]));
}

static void counted(void *arg)
{
	struct http_request *request = arg;
	const struct agent *agent = request->http->agent;
	const char *gate = api_gate(request);
	cJSON *list = cJSON_CreateArray();
	size_t i;

	for (i = 0; i < agent->gates.n_entries; i++)
		if (!gate || !strcmp(gate, agent->gates.entries[i]->name))
			put_gate(list, agent, agent->gates.entries[i]);
	reply_json(request, MHD_HTTP_OK, list);
}

/* Right after the start gates of before have their ports and no counters yet. */
static void adopted(void *arg)
{
	struct http_request *request = arg;

	inspect_gates(request->http->agent, api_gate(request), INSPECT_COUNTERS | INSPECT_AHEAD,
		      counted, request);
}

void api_ports_get(struct agent *agent, struct http_request *request, const char *name)
{
	const char *gate = api_gate(request);

	if (gate && !gates_find(&agent->gates, gate)) {
		reply_error(request, MHD_HTTP_NOT_FOUND, "there is no gate \"%s\"", gate);
		return;
	}
	agent_when_ready(agent, adopted, request);
}
