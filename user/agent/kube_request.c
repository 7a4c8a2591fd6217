/* SPDX-License-Identifier: MIT */
/* kube_request.c - one request, one answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_priv.h"

#define REQUEST_S 10

struct kube_request {
	struct kube_request *next;
	struct agent *agent;
	struct transfer *transfer;
	bool creates; /* an object that isn't there yet */
	kube_done *done;
	void *arg;
};

struct kube_request *kube_request_next(const struct kube_request *request)
{
	return request->next;
}

void kube_request_stop(struct kube_request *request)
{
	transfer_cancel(request->transfer);
	request->transfer = NULL;
}

static void forget(struct kube_request *request)
{
	struct kube_request **at = &request->agent->kube.requests;

	while (*at != request)
		at = &(*at)->next;
	*at = request->next;
	free(request);
}

void kube_cancel(struct kube_request *request)
{
	if (!request)
		return;
	kube_request_stop(request);
	forget(request);
}

/* What is asked for, changed or deleted by its name may have gone; who creates one misses what it was to be in. */
static bool is_error(const struct kube_request *request, const struct transfer_result *result)
{
	if (!result->err && kube_judge_status((int)result->status) == KUBE_FAIL_UNKNOWN)
		return request->creates;
	return result->err || result->status / 100 != 2;
}

static void on_done(void *arg, const struct transfer_result *result)
{
	struct kube_request *request = arg;
	struct kube_answer answer = {
		.err = result->err, .why = result->why, .status = result->status};
	struct agent *agent = request->agent;
	kube_done *done = request->done;
	_free_ char *copy = malloc(result->len + 1);
	_json_ cJSON *body = NULL;
	void *for_whom = request->arg;
	struct fault why = {0};

	if (is_error(request, result))
		agent->kube.errors[kube_judge(result, &why)]++;
	if (copy && !result->err && result->len) {
		memcpy(copy, result->body, result->len);
		kube_json(copy, result->len, &body, NULL);
	}
	answer.body = body;
	forget(request);
	kube_look(agent, !result->err);
	done(for_whom, &answer);
}

struct kube_request *kube_request(struct agent *agent, const struct kube_request_spec *spec,
				  kube_done *done, void *arg, struct fault *f)
{
	const struct kube_call call = {.method = spec->method,
				       .path = spec->path,
				       .type = spec->content_type,
				       .body = spec->body,
				       .timeout_s = REQUEST_S};
	_free_ struct kube_request *request = NULL;
	enum kube_error reason;

	if (!agent->kube.on) {
		fault_set(f, ENOTCONN, "no Kubernetes is configured, or the agent stops");
		return NULL;
	}
	request = calloc(1, sizeof(*request));
	if (!request) {
		fault_set(f, ENOMEM, "out of memory");
		return NULL;
	}
	*request = (struct kube_request){
		.agent = agent, .creates = !strcmp(spec->method, "POST"), .done = done, .arg = arg};
	request->transfer = kube_call(agent, &call, on_done, request, NULL, &reason, f);
	if (!request->transfer) {
		agent->kube.errors[reason]++;
		return NULL;
	}
	request->next = agent->kube.requests;
	agent->kube.requests = request;
	return TAKE_PTR(request);
}
