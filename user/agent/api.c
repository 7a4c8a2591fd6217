/* SPDX-License-Identifier: MIT */
/* api.c - finds the handler of a request. */
#include "api.h"

#include <microhttpd.h>
#include <string.h>

#include "agent.h"
#include "pods.h"
#include "reply.h"

static void healthz(struct agent *agent, struct http_request *request, const char *name)
{
	http_reply(request, MHD_HTTP_OK, "text/plain", strdup("ok\n"));
}

static void readyz(struct agent *agent, struct http_request *request, const char *name)
{
	if (agent->ready)
		http_reply(request, MHD_HTTP_OK, "text/plain", strdup("ready\n"));
	else
		http_reply(request, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain",
			   strdup("the gates aren't all up yet\n"));
}

const char *api_gate(const struct http_request *request)
{
	const char *text = http_query(request, "gate");
	const struct gate_entry *entry =
		text ? gates_named(&request->http->agent->gates, text) : NULL;

	return entry ? entry->name : text;
}

static void pods(struct agent *agent, struct http_request *request, const char *name)
{
	reply_json(request, MHD_HTTP_OK, pods_json(agent));
}

static const struct route {
	const char *method, *path;
	bool named; /* path ends with '/', a name follows */
	bool open;  /* on the metrics address too */
	api_route *handle;
} routes[] = {
	{"GET", "/v1/status", .handle = api_status},
	{"GET", "/v1/gates", .handle = api_gates_get},
	{"POST", "/v1/gates", .handle = api_gates_post},
	{"PATCH", "/v1/gates/", .named = true, .handle = api_gate_patch},
	{"DELETE", "/v1/gates/", .named = true, .handle = api_gate_delete},
	{"GET", "/v1/pods", .handle = pods},
	{"GET", "/v1/ports", .handle = api_ports_get},
	{"GET", "/v1/entitlements", .handle = api_entitlements_get},
	{"GET", "/v1/events", .handle = api_events_get},
	{"GET", "/v1/explain", .handle = api_explain_get},
	{"GET", "/v1/peers", .handle = api_peers_get},
	{"GET", "/v1/licenses", .handle = api_licenses_get},
	{"POST", "/v1/licenses", .handle = api_licenses_post},
	{"DELETE", "/v1/licenses/", .named = true, .handle = api_license_delete},
	{"GET", "/v1/policies", .handle = api_policies_get},
	{"POST", "/v1/policies", .handle = api_policies_post},
	{"DELETE", "/v1/policies/", .named = true, .handle = api_policy_delete},
	{"POST", "/v1/rehearse", .handle = api_rehearse},
	{"POST", "/v1/clock/reset", .handle = api_clock_reset},
	{"GET", "/v1/pull", .handle = api_pull_get},
	{"POST", "/v1/pull", .handle = api_pull_post},
	{"POST", "/v1/trial/confirm", .handle = api_trial_confirm},
	{"POST", "/v1/trial/rollback", .handle = api_trial_rollback},
	{"POST", "/v1/check", .handle = api_check},
	{"POST", "/v1/cni", .handle = api_cni_post},
	{"GET", "/metrics", .open = true, .handle = api_metrics_get},
	{"GET", "/healthz", .open = true, .handle = healthz},
	{"GET", "/readyz", .open = true, .handle = readyz},
};

static const char *match(const struct route *route, const char *path)
{
	size_t len = strlen(route->path);

	if (!route->named)
		return strcmp(path, route->path) ? NULL : "";
	return strncmp(path, route->path, len) || !path[len] ? NULL : path + len;
}

/* HEAD is GET, of which libmicrohttpd leaves the body out. */
static bool takes(const struct route *route, const char *method)
{
	return !strcmp(route->method, strcmp(method, "HEAD") ? method : "GET");
}

static void dispatch(struct agent *agent, struct http_request *request, bool open_only)
{
	bool known = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(routes); i++) {
		const char *name = match(&routes[i], request->path);

		if (!name || (open_only && !routes[i].open))
			continue;
		known = true;
		if (!takes(&routes[i], request->method))
			continue;
		if (agent->stopping)
			reply_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the agent is stopping");
		else
			routes[i].handle(agent, request, name);
		return;
	}
	if (known)
		reply_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, "\"%s\" doesn't take %s",
			    request->path, request->method);
	else
		reply_error(request, MHD_HTTP_NOT_FOUND, "there is no \"%s\"", request->path);
}

void api_local(struct agent *agent, struct http_request *request)
{
	dispatch(agent, request, false);
}

void api_metrics(struct agent *agent, struct http_request *request)
{
	dispatch(agent, request, true);
}
