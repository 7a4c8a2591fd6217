/* SPDX-License-Identifier: MIT */
/* api_events.c - GET /v1/events: what was denied, or let through all the same, packet by packet. */
#include "api.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "moment.h"
#include "origin.h"
#include "ports.h"
#include "reply.h"

#define WAIT_MS 10000 /* of a request with "wait" that finds nothing */

struct filter {
	uint64_t after;
	int64_t since;
	long port;	     /* -1: all */
	const char *gate;    /* NULL: all */
	const char *verdict; /* NULL: all */
};

static bool wanted(const struct agent *agent, const struct filter *filter,
		   const struct observed *observed)
{
	const struct plic_event *event = &observed->event;

	return (filter->port < 0 || event->port == filter->port ||
		event->real_port == filter->port) &&
	       (!filter->gate || !strcmp(filter->gate, observed->gate)) &&
	       (!filter->verdict || !strcmp(filter->verdict, verdict_word(event->verdict))) &&
	       (!filter->since || clock_at(&agent->clock, event->time_ns) >= filter->since);
}

static cJSON *event_json(const struct agent *agent, const struct observed *observed)
{
	const struct plic_event *event = &observed->event;
	cJSON *item = cJSON_CreateObject();

	json_put_u64(item, "seq", observed->seq);
	json_put_moment(item, "time", &agent->clock, event->time_ns);
	json_put_string(item, "gate", observed->gate);
	json_put_string(item, "verdict", verdict_word(event->verdict));
	json_put_string(item, "reason", reason_word(event->reason));
	json_put_string(item, "hook", hook_word(event->hook));
	json_put_string(item, "protocol", event->proto ? proto_word(event->proto) : NULL);
	json_put_known(item, "port", event->port);
	json_put_known(item, "real_port", event->real_port);
	json_put_address(item, "remote", event->remote);
	json_put_known(item, "remote_port", event->remote_port);
	json_put_address(item, "local", event->local);
	json_put_known(item, "ifindex", event->ifindex);
	json_put_string(item, "origin", origin_word(event->origin));
	json_put_known(item, "cgroup", event->cgroup);
	json_put_string(item, "lid", observed->lid[0] ? observed->lid : NULL);
	json_put_u64(item, "generation", event->generation);
	return item;
}

static int read_number(const struct http_request *request, const char *name, uint64_t max,
		       uint64_t *out)
{
	const char *text = http_query(request, name);
	char *end;

	if (!text)
		return 0;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno || *end || end == text || *text == '-' || *out > max ? -EINVAL : 0;
}

static int read_filter(const struct agent *agent, struct http_request *request,
		       struct filter *filter, struct fault *f)
{
	const char *since = http_query(request, "since");
	uint64_t port = UINT64_MAX;

	*filter = (struct filter){.gate = api_gate(request),
				  .verdict = http_query(request, "verdict")};
	if (read_number(request, "after", UINT64_MAX, &filter->after))
		return fault_set(f, EINVAL, "\"after\" must be a number: the \"next\" of before");
	if (read_number(request, "port", UINT16_MAX, &port))
		return fault_set(f, EINVAL, "\"port\" must be a number from 0 to 65535");
	filter->port = port > UINT16_MAX ? -1 : (long)port;
	if (filter->verdict && strcmp(filter->verdict, "denied") &&
	    strcmp(filter->verdict, "audit"))
		return fault_set(f, EINVAL, "\"verdict\" must be \"denied\" or \"audit\"");
	return since ? moment_parse(since, clock_now(&agent->clock), &filter->since, f) : 0;
}

/* Is there one that the request asks for? */
static cJSON *find(const struct agent *agent, const struct filter *filter)
{
	const struct observe *observe = &agent->observe;
	uint64_t seq = observe->last > OBSERVE_KEPT ? observe->last - OBSERVE_KEPT + 1 : 1;
	cJSON *list = cJSON_CreateArray();

	/* A greater one is of an agent before this one. */
	if (filter->after >= seq && filter->after <= observe->last)
		seq = filter->after + 1;
	for (; observe->kept && seq <= observe->last; seq++) {
		const struct observed *observed = &observe->kept[seq % OBSERVE_KEPT];

		if (wanted(agent, filter, observed))
			cJSON_AddItemToArray(list, event_json(agent, observed));
	}
	return list;
}

static void answer(struct http_request *request, cJSON *list)
{
	const struct agent *agent = request->http->agent;
	cJSON *root = cJSON_CreateObject();

	json_put_u64(root, "next", agent->observe.last);
	json_put_u64(root, "lost", observe_lost(agent));
	cJSON_AddItemToObject(root, "events", list);
	reply_json(request, MHD_HTTP_OK, root);
}

/* The filter was good when the request came. */
static void woken(void *arg)
{
	struct http_request *request = arg;
	struct filter filter;

	read_filter(request->http->agent, request, &filter, NULL);
	answer(request, find(request->http->agent, &filter));
}

void api_events_get(struct agent *agent, struct http_request *request, const char *name)
{
	struct filter filter;
	struct fault f = {0};
	cJSON *list;

	if (read_filter(agent, request, &filter, &f)) {
		reply_error(request, MHD_HTTP_BAD_REQUEST, "%s", f.text);
		return;
	}
	if (filter.gate && !gates_find(&agent->gates, filter.gate)) {
		reply_error(request, MHD_HTTP_NOT_FOUND, "there is no gate \"%s\"", filter.gate);
		return;
	}
	list = find(agent, &filter);
	if (!http_query(request, "wait") || cJSON_GetArraySize(list)) {
		answer(request, list);
		return;
	}
	cJSON_Delete(list);
	observe_wait(agent, WAIT_MS, woken, request);
}
