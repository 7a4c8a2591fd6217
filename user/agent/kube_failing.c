/* SPDX-License-Identifier: MIT */
/* kube_failing.c - a list or a watch went wrong: what that means, and when it is tried again. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "kube_priv.h"
#include "log.h"
#include "pace.h"

#define ABSENT_MS 60000 /* until a kind that is unknown is asked for again */

/* Of the server or the token, and so of all watches; the others are of one path. */
static bool is_of_all(enum kube_error reason)
{
	return reason == KUBE_FAIL_UNREACHABLE || reason == KUBE_FAIL_TOKEN ||
	       reason == KUBE_FAIL_UNAUTHORIZED || reason == KUBE_FAIL_THROTTLED ||
	       reason == KUBE_FAIL_SERVER;
}

/* An outage is one event, however many watches it ends. */
static bool is_news(const struct kube_watch *watch, enum kube_error reason)
{
	const struct kube_watch *other;

	if (watch->failing && watch->reason == reason)
		return false;
	for (other = watch->agent->kube.watches; other; other = other->next)
		if (is_of_all(reason) && other != watch && other->failing &&
		    other->reason == reason)
			return false;
	return true;
}

void kube_watch_failed(struct kube_watch *watch, enum kube_error reason, const struct fault *why,
		       int64_t retry_after_s)
{
	bool news = is_news(watch, reason);

	watch->agent->kube.errors[reason]++;
	watch->failures++;
	watch->failing = true;
	watch->reason = reason;
	watch->why = *why;
	log_event(news ? LOG_WARN : LOG_DEBUG, "kube_failed",
		  LOG_FIELDS("watch", watch->what, "reason", kube_error_word(reason)),
		  "%s: %s; it is tried again, and what is known stays in force", watch->what,
		  why->text);
	kube_look(watch->agent, watch->agent->kube.answered);
	kube_watch_wait(watch, pace_retry_ms(watch->failures, retry_after_s, randombytes_random()));
}

/* Nothing is wrong with the server, but the changes since version are gone: a list is due. */
static void expired(struct kube_watch *watch)
{
	watch->agent->kube.errors[KUBE_FAIL_EXPIRED]++;
	watch->relist = true;
	watch->expiries++;
	log_event(LOG_INFO, "kube_expired", LOG_FIELDS("watch", watch->what),
		  "the changes since %s aren't to be had any more: %s are listed anew",
		  watch->version, watch->what);
	kube_watch_wait(watch, pace_retry_ms(watch->expiries, 0, randombytes_random()));
}

static void absent(struct kube_watch *watch)
{
	if (!watch->absent)
		log_event(LOG_INFO, "kube_absent", LOG_FIELDS("watch", watch->what),
			  "%s: this API server doesn't know them; it is asked again each minute",
			  watch->what);
	watch->absent = true;
	watch->failing = false;
	watch->relist = true;
	watch->failures = 0;
	kube_look(watch->agent, true);
	kube_watch_wait(watch, ABSENT_MS / 2 + randombytes_uniform(ABSENT_MS / 2));
}

void kube_watch_fine(struct kube_watch *watch)
{
	watch->failing = watch->absent = false;
	kube_look(watch->agent, true);
}

/* A watch that worked broke off, as load balancers and server's restarts do: news only if the next one fails. */
static void cut(struct kube_watch *watch)
{
	watch->agent->kube.errors[KUBE_FAIL_UNREACHABLE]++;
	watch->failures = 1;
	kube_watch_wait(watch, pace_retry_ms(1, 0, randombytes_random()));
}

void kube_watch_went_wrong(struct kube_watch *watch, const struct transfer_result *result)
{
	bool watching = watch->phase == KUBE_WATCHING;
	enum kube_error reason;
	struct fault why = {0};

	reason = kube_judge(result, &why);
	if (!watching) {
		free(watch->continued);
		watch->continued = NULL;
		/* The cache lags behind, or has lost what this agent knows already. */
		watch->newest = result->status == KUBE_GONE || result->status == 400 ||
				result->status == KUBE_TIMED_OUT;
	}
	if (reason == KUBE_FAIL_UNKNOWN && watch->optional)
		return absent(watch);
	if (reason == KUBE_FAIL_EXPIRED)
		return expired(watch);
	if (watching && reason == KUBE_FAIL_UNREACHABLE && kube_watching_worked(watch))
		return cut(watch);
	if (watching && reason == KUBE_FAIL_REFUSED)
		watch->relist = true;
	if (reason == KUBE_FAIL_UNAUTHORIZED && kube_token_changed(watch->agent, watch->token)) {
		watch->agent->kube.errors[reason]++;
		return kube_watch_wait(watch, 0);
	}
	kube_watch_failed(watch, reason, &why, result->retry_after_s);
}

void kube_watch_broke(struct kube_watch *watch, int err, struct fault *why)
{
	bool watching = watch->phase == KUBE_WATCHING;
	enum kube_error reason = watching && err == -EREMOTE ? kube_judge_status(watch->error_code)
							     : KUBE_FAIL_MALFORMED;

	transfer_cancel(watch->transfer);
	watch->transfer = NULL;
	if (!watching) {
		free(watch->continued);
		watch->continued = NULL;
	}
	if (reason == KUBE_FAIL_EXPIRED)
		return expired(watch);
	/* What can't be read would come again after this version: a list goes around it. */
	watch->relist |= reason == KUBE_FAIL_MALFORMED;
	if (!why->text[0])
		fault_set(why, -err, "%s", strerror(-err));
	kube_watch_failed(watch, reason, why, 0);
}
