/* SPDX-License-Identifier: MIT */
/* kube.c - requests to the API server: address, token, and what its answers mean. */
#include "kube.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_priv.h"
#include "log.h"
#include "token.h"

#define TEXT_MAX_BYTES 1048576 /* of an answer that isn't handed on as it comes, other than a 200 */

struct transfer *kube_call(struct agent *agent, const struct kube_call *call, transfer_done *done,
			   void *arg, char **token, enum kube_error *reason, struct fault *f)
{
	const struct kube_config *config = &agent->config.kubernetes;
	bool plain = !strncmp(config->api, "http://", 7);
	_free_ char *url = NULL, *secret = NULL;
	struct transfer_request request = {.method = call->method ? call->method : "GET",
					   .json = call->body,
					   .type = call->type,
					   .plain_http = plain,
					   .http2 = true,
					   .ca = config->ca_file,
					   .max_bytes = call->part ? TEXT_MAX_BYTES
								   : KUBE_VALUE_MAX_BYTES,
					   .timeout_s = call->timeout_s,
					   .stall_s = call->stall_s,
					   .part = call->part};

	*reason = KUBE_FAIL_TOKEN;
	if (!plain && token_read(config->token_file, &secret, f))
		return NULL;
	*reason = KUBE_FAIL_UNREACHABLE;
	if (asprintf(&url, "%s%s", config->api, call->path) < 0) {
		url = NULL;
		fault_set(f, ENOMEM, "out of memory");
		return NULL;
	}
	request.url = url;
	request.token = secret;
	if (token) {
		free(*token);
		*token = secret ? strdup(secret) : NULL;
	}
	return transfer_start(&agent->transfers, &request, done, arg, f);
}

bool kube_token_changed(const struct agent *agent, const char *token)
{
	_free_ char *now = NULL;

	return token && !token_read(agent->config.kubernetes.token_file, &now, NULL) &&
	       strcmp(now, token) != 0;
}

const char *kube_error_word(enum kube_error reason)
{
	static const char *const words[] = {
#define KUBE_ERROR_WORD(name, word) word,
		KUBE_ERRORS(KUBE_ERROR_WORD)
#undef KUBE_ERROR_WORD
	};

	return words[reason];
}

enum kube_error kube_judge_status(int status)
{
	switch (status) {
	case 401:
		return KUBE_FAIL_UNAUTHORIZED;
	case 403:
		return KUBE_FAIL_FORBIDDEN;
	case 404:
		return KUBE_FAIL_UNKNOWN;
	case KUBE_GONE:
		return KUBE_FAIL_EXPIRED;
	case 429:
		return KUBE_FAIL_THROTTLED;
	default:
		return status >= 500 ? KUBE_FAIL_SERVER : KUBE_FAIL_REFUSED;
	}
}

/* What to do about it, where there is something to do. */
static const char *remedy(enum kube_error reason)
{
	switch (reason) {
	case KUBE_FAIL_UNAUTHORIZED:
		return "; the token in token_file isn't valid (any more)";
	case KUBE_FAIL_FORBIDDEN:
		return "; give its service account that right (deploy/kubernetes/base has the "
		       "roles)";
	case KUBE_FAIL_UNKNOWN:
		return "; this server doesn't know that kind or object";
	default:
		return "";
	}
}

enum kube_error kube_judge(const struct transfer_result *result, struct fault *why)
{
	enum kube_error reason;
	_json_ cJSON *body = NULL;
	_free_ char *copy = NULL;
	const char *text = NULL;

	if (result->err) {
		*why = result->why;
		return result->err == -EFBIG ? KUBE_FAIL_MALFORMED : KUBE_FAIL_UNREACHABLE;
	}
	copy = malloc(result->len + 1);
	if (copy) {
		memcpy(copy, result->body, result->len);
		if (!kube_json(copy, result->len, &body, NULL))
			text = kube_status_text(body);
	}
	reason = kube_judge_status((int)result->status);
	fault_set(why, EIO, "the API server answered %u%s%.300s%s", result->status,
		  text ? ": " : "", text ? text : "", remedy(reason));
	return reason;
}

/* ---- connected or not ---- */

void kube_look(struct agent *agent, bool answered)
{
	struct kube *kube = &agent->kube;
	const struct kube_watch *watch;
	bool connected;

	kube->answered = answered;
	connected = answered;
	for (watch = kube->watches; watch; watch = watch->next)
		connected &= !watch->failing;
	if (connected == kube->connected)
		return;
	kube->connected = connected;
	kube->since_ns = clock_boot_ns();
	if (connected)
		log_event(LOG_INFO, "kube_connected",
			  LOG_FIELDS("api", agent->config.kubernetes.api),
			  "the API server answers");
}

void kube_start(struct agent *agent)
{
	if (!agent->config.kubernetes.on)
		return;
	agent->kube.on = true;
	agent->kube.since_ns = clock_boot_ns();
}

void kube_stop(struct agent *agent)
{
	struct kube *kube = &agent->kube;
	struct kube_request *request;
	struct kube_watch *watch;

	kube->on = false;
	for (watch = kube->watches; watch; watch = watch->next)
		kube_watch_stop(watch);
	for (request = kube->requests; request; request = kube_request_next(request))
		kube_request_stop(request);
}
