/* SPDX-License-Identifier: MIT */
/* kube_taint.c - one look at the node; a patch, if it has the taint; again until it hasn't. */
#include "kube_taint.h"

#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "json.h"
#include "log.h"
#include "pods.h"

#define AGAIN_TICKS 10

static void ask(struct agent *agent, const char *method, const char *body, kube_done *done)
{
	_free_ char *path = NULL;
	struct fault why = {0};

	if (asprintf(&path, "/api/v1/nodes/%s", agent->config.kubernetes.node) < 0) {
		path = NULL;
		return;
	}
	agent->kube_taint.request =
		kube_request(agent,
			     &(struct kube_request_spec){
				     .method = method,
				     .path = path,
				     .content_type = body ? "application/json-patch+json" : NULL,
				     .body = body},
			     done, agent, &why);
}

static void failed(struct agent *agent, const char *what, const struct kube_answer *answer)
{
	const char *text = json_get(answer->body, "message")
				   ? cJSON_GetStringValue(json_get(answer->body, "message"))
				   : NULL;

	/* No answer, 401 and 5xx are told of as kube_failed, and a node that isn't there by `status`. */
	if (agent->kube_taint.told || answer->err || answer->status == 401 ||
	    answer->status == 404 || answer->status >= 500)
		return;
	agent->kube_taint.told = true;
	log_event(LOG_WARN, "taint_stays", LOG_FIELDS("node", agent->config.kubernetes.node),
		  "the node can't be %s: %s%s", what, text ? text : "the API server refused it",
		  answer->status == 403
			  ? "; if it has the taint " KUBE_TAINT
			    ", apply deploy/kubernetes/startup-taint, or take it off by hand"
			  : "");
}

static void patched(void *arg, const struct kube_answer *answer)
{
	struct agent *agent = arg;

	agent->kube_taint.request = NULL;
	if (answer->err || answer->status / 100 != 2) {
		failed(agent, "patched", answer);
		return;
	}
	agent->kube_taint.over = true;
	log_event(LOG_INFO, "taint_removed", LOG_FIELDS("node", agent->config.kubernetes.node),
		  "pods may come: " KUBE_TAINT);
}

/* Where it stands among the node's taints, -1: nowhere. */
static int find_taint(const cJSON *taints)
{
	const cJSON *taint;
	int i = 0;

	cJSON_ArrayForEach (taint, taints) {
		const char *key = cJSON_GetStringValue(json_get(taint, "key"));

		if (key && !strcmp(key, KUBE_TAINT))
			return i;
		i++;
	}
	return -1;
}

/* By its place, which the test holds to: another one may have changed the list meanwhile. */
static void looked(void *arg, const struct kube_answer *answer)
{
	struct agent *agent = arg;
	char patch[256];
	int at;

	agent->kube_taint.request = NULL;
	if (answer->err || answer->status != 200) {
		failed(agent, "read", answer);
		return;
	}
	at = find_taint(json_get(json_get(answer->body, "spec"), "taints"));
	agent->kube_taint.over = at < 0;
	if (at < 0)
		return;
	snprintf(patch, sizeof(patch),
		 "[{\"op\":\"test\",\"path\":\"/spec/taints/%d/key\",\"value\":\"" KUBE_TAINT "\"},"
		 "{\"op\":\"remove\",\"path\":\"/spec/taints/%d\"}]",
		 at, at);
	ask(agent, "PATCH", patch, patched);
}

/* Which pods are to be gated: before that is known the taint is all that keeps them from starting without. */
static bool selection_is_known(const struct agent *agent)
{
	const struct kube_watch *policies = agent->kube_sync.policies.watch;

	return agent->pods && pods_selection_known(agent->pods) &&
	       (!policies || kube_watch_synced(policies) || kube_watch_absent(policies));
}

void kube_taint_tick(struct agent *agent)
{
	struct kube_taint *taint = &agent->kube_taint;

	if (!agent->config.kubernetes.on || !agent->config.kubernetes.node || !agent->ready ||
	    taint->over || taint->request || !selection_is_known(agent))
		return;
	if (taint->waited++ % AGAIN_TICKS == 0)
		ask(agent, "GET", NULL, looked);
}

void kube_taint_stop(struct agent *agent)
{
	kube_cancel(agent->kube_taint.request);
	agent->kube_taint.request = NULL;
}
