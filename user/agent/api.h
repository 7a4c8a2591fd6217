/* SPDX-License-Identifier: MIT */
/* api.h - the routes of docs/api.md. */
#ifndef PORTLIC_AGENT_API_H
#define PORTLIC_AGENT_API_H

#include "http.h"

http_handler api_local;	  /* everything, on the Unix socket */
http_handler api_metrics; /* /metrics, /healthz, /readyz, on the metrics address */

/* Handlers; `name` is the rest of the path, NULL or "" where the route has none. */
typedef void api_route(struct agent *agent, struct http_request *request, const char *name);

/* The query "gate": a gate's name, for NAMESPACE/POD too, or what was written if there is none; NULL: not given. */
const char *api_gate(const struct http_request *request);

api_route api_status;
api_route api_gates_get, api_gates_post, api_gate_patch, api_gate_delete;
api_route api_ports_get;
api_route api_entitlements_get;
api_route api_peers_get;
api_route api_events_get;
api_route api_explain_get;
api_route api_licenses_get, api_licenses_post, api_license_delete;
api_route api_policies_get, api_policies_post, api_policy_delete;
api_route api_rehearse;
api_route api_clock_reset;
api_route api_pull_get, api_pull_post;
api_route api_trial_confirm, api_trial_rollback;
api_route api_check;
api_route api_cni_post;
api_route api_metrics_get;

#endif
