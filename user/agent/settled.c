/* SPDX-License-Identifier: MIT */
/* settled.c - start, look, apply: then it is asked. */
#include "settled.h"

#include <microhttpd.h>
#include <stdlib.h>

#include "agent.h"
#include "inspect.h"
#include "reply.h"

struct question {
	struct http_request *request;
	void (*handle)(struct http_request *request);
};

static void on_applied(void *arg)
{
	struct question *question = arg;

	question->handle(question->request);
	free(question);
}

static void on_seen(void *arg)
{
	struct question *question = arg;

	rules_when_applied(question->request->http->agent, on_applied, question);
}

static void on_ready(void *arg)
{
	struct question *question = arg;
	struct agent *agent = question->request->http->agent;

	if (agent->ready) {
		inspect_gates(agent, NULL, INSPECT_COUNTERS | INSPECT_LISTENERS | INSPECT_PEERS,
			      on_seen, question);
		return;
	}
	reply_error(question->request, MHD_HTTP_SERVICE_UNAVAILABLE, "the agent is stopping");
	free(question);
}

void when_settled(struct http_request *request, void (*handle)(struct http_request *request))
{
	struct question *question = malloc(sizeof(*question));

	if (!question) {
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
		return;
	}
	*question = (struct question){request, handle};
	agent_when_ready(request->http->agent, on_ready, question);
}
