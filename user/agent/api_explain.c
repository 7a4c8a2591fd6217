/* SPDX-License-Identifier: MIT */
/* api_explain.c - GET /v1/explain: what the gate would say to a connection, and why. */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "agent.h"
#include "explain.h"
#include "jobs.h"
#include "moment.h"
#include "origin.h"
#include "ports.h"
#include "portstate.h"
#include "remedy.h"
#include "reply.h"

#define CLOCKS_DIFFER_S 60  /* whoever writes "now" has another clock than the agent */
#define OUTSIDE "192.0.2.1" /* RFC 5737: who asks for nobody in particular */

struct explain_job {
	struct job job;
	struct explain_job *next; /* that waits behind it */
	struct http_request *request;
	struct gate_entry *entry;
	struct gate_question question;
	int64_t at;
	int result;
	struct fault fault;
	struct gate_answer answer;
};

static const struct compiled_port *find_port(const struct gate_entry *entry,
					     const struct gate_question *q)
{
	for (size_t i = 0; entry->rules && i < entry->rules->compiled.n_ports; i++) {
		const struct compiled_port *port = &entry->rules->compiled.ports[i];

		if (port->ip_proto == q->ip_proto && port->port <= q->port &&
		    q->port <= port->end_port)
			return port;
	}
	return NULL;
}

/* "8080/TCP", "9000-9010/TCP (metrics)", "default": no rule names the port. */
static void rule_text(const struct compiled_port *port, char *out, size_t size)
{
	int n;

	if (!port) {
		snprintf(out, size, "default");
		return;
	}
	n = snprintf(out, size, "%u", port->port);
	if (port->end_port != port->port)
		n += snprintf(out + n, size - n, "-%u", port->end_port);
	n += snprintf(out + n, size - n, "/%s", proto_word(port->ip_proto));
	if (port->name[0])
		snprintf(out + n, size - n, " (%s)", port->name);
}

/* lid and deadline: of the license that stands for the port at that time. */
static void put_rule(cJSON *root, const struct explain_job *explain, struct remedy_case *remedy)
{
	const struct gate_entry *entry = explain->entry;
	const struct compiled_port *port = find_port(entry, &explain->question);
	const struct roster *roster = entry->rules ? entry->rules->roster : NULL;
	struct port_condition condition = {0};
	char text[128];

	rule_text(port, text, sizeof(text));
	cJSON_AddStringToObject(root, "rule", text);
	if (port)
		condition = port_condition(
			compiled_rule(&entry->rules->compiled, port, explain->question.at_ns),
			port->ip_proto, roster ? roster->licenses : NULL, roster ? roster->n : 0,
			explain->question.at_ns);
	remedy->lid = condition.lid;
	json_put_string(root, "lid", condition.lid);
	json_put_moment(root, "deadline", &explain->job.agent->clock, condition.deadline_ns);
}

static void put_remedy(cJSON *root, const struct explain_job *explain, struct remedy_case *remedy)
{
	const struct policy *policy = rules_policy(explain->job.agent, explain->entry);
	char port[32], seats[384] = "", text[512];

	if (explain->answer.verdict == PLIC_ALLOWED) {
		cJSON_AddNullToObject(root, "remedy");
		return;
	}
	snprintf(port, sizeof(port), "%u/%s", explain->question.port,
		 proto_word(explain->question.ip_proto));
	remedy->reason = explain->answer.reason;
	remedy->port = port;
	remedy->policy = policy ? policy->name : NULL;
	remedy->origin = origin_word(explain->answer.origin);
	if (kube_seats_explain(explain->job.agent, explain->entry, explain->question.ip_proto,
			       explain->question.port, seats, sizeof(seats)))
		remedy->seats = seats;
	remedy_text(remedy, text, sizeof(text));
	cJSON_AddStringToObject(root, "remedy", text);
}

static void answer(struct explain_job *explain)
{
	const struct gate_answer *said = &explain->answer;
	bool allowed = said->verdict == PLIC_ALLOWED;
	struct remedy_case remedy = {0};
	cJSON *root = cJSON_CreateObject();

	cJSON_AddStringToObject(root, "gate", explain->entry->name);
	cJSON_AddNumberToObject(root, "port", explain->question.port);
	cJSON_AddStringToObject(root, "protocol", proto_word(explain->question.ip_proto));
	json_put_address(root, "from", explain->question.from);
	json_put_string(root, "origin", origin_word(said->origin));
	json_put_time(root, "at", explain->at);
	cJSON_AddStringToObject(root, "verdict", verdict_word(said->verdict));
	json_put_string(root, "reason", allowed ? NULL : reason_word(said->reason));
	json_put_string(root, "hook", allowed ? NULL : hook_word(said->hook));
	put_rule(root, explain, &remedy);
	put_remedy(root, explain, &remedy);
	reply_json(explain->request, MHD_HTTP_OK, root);
}

static void explain_work(struct job *job)
{
	struct explain_job *explain = (struct explain_job *)job;

	explain->result = explain->entry->gate
				  ? gate_explain(explain->entry->gate, &explain->question,
						 &explain->answer, &explain->fault)
				  : fault_set(&explain->fault, ENOENT,
					      "gate \"%s\" isn't up: its namespace isn't there",
					      explain->entry->name);
}

static void ask(struct agent *agent, struct http_request *request);

/* Each waits in the .arg of the one before. */
static void ask_waiting(struct agent *agent)
{
	struct http_request *request;

	while (!agent->explaining && (request = agent->explains)) {
		agent->explains = request->arg;
		request->arg = NULL;
		if (agent->stopping)
			reply_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the agent is stopping");
		else
			ask(agent, request);
	}
}

static void explain_done(struct job *job)
{
	struct explain_job *explain = (struct explain_job *)job;
	struct agent *agent = job->agent;

	if (explain->result)
		reply_error(explain->request,
			    explain->result == -ENOENT ? MHD_HTTP_CONFLICT
						       : MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "%s", explain->fault.text);
	else
		answer(explain);
	free(explain);
	agent->explaining = false;
	ask_waiting(agent);
}

/* Those that only a sender's cgroup on `lo` tells. */
static bool lives_on_lo(int origin)
{
	return origin == PLIC_ORIGIN_SAME_CONTAINER || origin == PLIC_ORIGIN_SIBLING ||
	       origin == PLIC_ORIGIN_RUNTIME;
}

static int read_client(const struct http_request *request, struct explain_job *explain,
		       struct fault *f)
{
	const char *from = http_query(request, "from"), *origin = http_query(request, "origin");
	struct gate_question *q = &explain->question;
	int asked = origin ? origin_of_word(origin) : -1; /* -1: as the address tells */

	if (origin && asked < 0)
		return fault_set(
			f, EINVAL,
			"\"%.64s\" is no origin; there are same-container, sibling, runtime, "
			"node, probe, pod, external and unknown",
			origin);
	q->origins = origin ? 1U << asked : 0;
	if (!from)
		from = lives_on_lo(asked) ? "127.0.0.1" : OUTSIDE;
	if (!address_parse(from, q->from))
		return fault_set(f, EINVAL, "\"%.64s\" is no IPv4 or IPv6 address", from);
	q->on_lo = lives_on_lo(asked) || address_is_loopback(q->from);
	return 0;
}

static int read_question(const struct agent *agent, const struct http_request *request,
			 struct explain_job *explain, struct fault *f)
{
	const char *port = http_query(request, "port"), *at = http_query(request, "at");
	int64_t now = clock_now(&agent->clock);
	struct time_base base = clock_base(&agent->clock);
	int r = 0;

	if (!port || !port_read(port, &explain->question.port, &explain->question.ip_proto))
		return fault_set(f, EINVAL, "\"%.64s\" is no port; give one like 8080 or 53/udp",
				 port ? port : "");
	explain->at = now;
	if (at)
		r = moment_parse(at, now, &explain->at, f);
	if (at && r == 0 && explain->at < now - CLOCKS_DIFFER_S)
		r = fault_set(f, EINVAL,
			      "\"%.64s\" is past, and the rules are those of now: "
			      "`portlic observe --since` tells what was",
			      at);
	explain->question.at_ns = at ? time_base_boot_ns(&base, explain->at) : clock_boot_ns();
	return r ? r : read_client(request, explain, f);
}

static void ask(struct agent *agent, struct http_request *request)
{
	const char *gate = api_gate(request);
	struct explain_job *explain;
	struct fault f = {0};
	struct gate_entry *entry = gate ? gates_find(&agent->gates, gate) : NULL;

	if (!entry) {
		reply_error(request, MHD_HTTP_NOT_FOUND, "there is no gate \"%s\"",
			    gate ? gate : "");
		return;
	}
	explain = calloc(1, sizeof(*explain));
	if (!explain) {
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
		return;
	}
	if (read_question(agent, request, explain, &f)) {
		reply_error(request, MHD_HTTP_BAD_REQUEST, "%s", f.text);
		free(explain);
		return;
	}
	explain->job.work = explain_work;
	explain->job.done = explain_done;
	explain->request = request;
	explain->entry = entry;
	agent->explaining = true;
	job_submit(agent, &explain->job);
}

/* One after another: each keeps all other jobs waiting for a fifth of a second, and rules may be in between. */
void api_explain_get(struct agent *agent, struct http_request *request, const char *name)
{
	struct http_request *last = agent->explains;

	while (last && last->arg)
		last = last->arg;
	if (last)
		last->arg = request;
	else
		agent->explains = request;
	ask_waiting(agent);
}
