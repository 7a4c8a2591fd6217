/* SPDX-License-Identifier: MIT */
/*
 * kube_watch.c - a list, then its changes, for ever.
 *
 * The list may come from the API server's cache (resourceVersion=0 the first time, later "not older than what is
 * known"): a thousand nodes that start don't each make it read all pods from its store. What is behind in the
 * cache comes by the watch.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_priv.h"
#include "log.h"
#include "pace.h"

#define PAGE 500	  /* objects of a list's page, where the server makes pages */
#define LIST_S 300	  /* a page, in all */
#define LIST_STALL_S 75	  /* a server under load lets requests wait for up to a minute */
#define WATCH_S 270	  /* a watch ends by itself, after this and */
#define WATCH_SPREAD_S 40 /* ... up to so much more, by lot */
#define WATCH_SLACK_S 20  /* the server's clock is its own */
#define WATCH_SHORT_S 10  /* a watch that ends sooner and brought nothing didn't work */
#define ABSENT_MS 60000	  /* until a kind that is unknown is asked for again */
#define NS_PER_S 1000000000ULL

static void begin(struct kube_watch *watch);

static void on_timer(uv_timer_t *timer)
{
	begin(timer->data);
}

static void wait_ms(struct kube_watch *watch, uint64_t ms)
{
	watch->phase = KUBE_WAITING;
	uv_timer_start(&watch->timer, on_timer, ms, 0);
}

/* ---- memory ---- */

static void on_closed(uv_handle_t *handle)
{
	struct kube_watch *watch = handle->data;

	free(watch->path);
	free(watch->query);
	free(watch->what);
	free(watch->continued);
	free(watch->token);
	free(watch);
}

static void discard(struct kube_watch *watch)
{
	if (!uv_is_closing((uv_handle_t *)&watch->timer))
		uv_close((uv_handle_t *)&watch->timer, on_closed);
}

void kube_watch_stop(struct kube_watch *watch)
{
	watch->phase = KUBE_STOPPED;
	uv_timer_stop(&watch->timer);
	transfer_cancel(watch->transfer);
	watch->transfer = NULL;
	if (!watch->busy)
		kube_stream_free(&watch->stream);
}

void kube_unwatch(struct kube_watch *watch)
{
	struct kube_watch **at;

	if (!watch || watch->unwatched)
		return;
	kube_watch_stop(watch);
	for (at = &watch->agent->kube.watches; *at != watch; at = &(*at)->next)
		;
	*at = watch->next;
	watch->unwatched = true;
	if (!watch->busy)
		discard(watch);
}

static void enter(struct kube_watch *watch)
{
	watch->busy++;
}

/* true: it was ended meanwhile, and is no more. */
static bool leave(struct kube_watch *watch)
{
	watch->busy--;
	if (watch->phase != KUBE_STOPPED)
		return false;
	if (!watch->busy)
		kube_stream_free(&watch->stream);
	if (!watch->busy && watch->unwatched)
		discard(watch);
	return true;
}

/* ---- what went wrong ---- */

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

static void failed(struct kube_watch *watch, enum kube_error reason, const struct fault *why,
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
	wait_ms(watch, pace_retry_ms(watch->failures, retry_after_s, randombytes_random()));
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
	wait_ms(watch, pace_retry_ms(watch->expiries, 0, randombytes_random()));
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
	wait_ms(watch, ABSENT_MS / 2 + randombytes_uniform(ABSENT_MS / 2));
}

static void fine(struct kube_watch *watch)
{
	watch->failing = watch->absent = false;
	kube_look(watch->agent, true);
}

static bool worked(const struct kube_watch *watch)
{
	return watch->heard || (watch->answered_ns &&
				clock_boot_ns() - watch->answered_ns >= WATCH_SHORT_S * NS_PER_S);
}

/* A watch that worked broke off, as load balancers and server's restarts do: news only if the next one fails. */
static void cut(struct kube_watch *watch)
{
	watch->agent->kube.errors[KUBE_FAIL_UNREACHABLE]++;
	watch->failures = 1;
	wait_ms(watch, pace_retry_ms(1, 0, randombytes_random()));
}

/* No good end of a list or of a watch. */
static void went_wrong(struct kube_watch *watch, const struct transfer_result *result)
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
	if (watching && reason == KUBE_FAIL_UNREACHABLE && worked(watch))
		return cut(watch);
	if (watching && reason == KUBE_FAIL_REFUSED)
		watch->relist = true;
	if (reason == KUBE_FAIL_UNAUTHORIZED && kube_token_changed(watch->agent, watch->token)) {
		watch->agent->kube.errors[reason]++;
		return wait_ms(watch, 0);
	}
	failed(watch, reason, &why, result->retry_after_s);
}

/* ---- objects ---- */

static int take_item(struct kube_watch *watch, char *json, size_t len, struct fault *f)
{
	_json_ cJSON *object = NULL;
	int err = kube_json(json, len, &object, f);

	if (err)
		return err;
	watch->n_items++;
	watch->consumer.present(watch->arg, object);
	return watch->phase == KUBE_STOPPED ? -ECANCELED : 0;
}

static void tell(struct kube_watch *watch, const struct kube_event *event)
{
	if (event->type == KUBE_DELETED) {
		watch->n_objects -= watch->n_objects > 0;
		watch->consumer.gone(watch->arg, event->object);
	} else if (event->type != KUBE_BOOKMARK) {
		watch->n_objects += event->type == KUBE_ADDED;
		watch->consumer.present(watch->arg, event->object);
	}
}

static int take_event(struct kube_watch *watch, char *json, size_t len, struct fault *f)
{
	struct kube_event event;
	int err = kube_event_read(json, len, &event, f);

	if (err)
		return err;
	if (event.type == KUBE_ERROR) {
		const char *text = kube_status_text(event.object);

		watch->error_code = event.code ? event.code : 500;
		err = fault_set(f, EREMOTE, "the API server ended the watch (%d)%s%.300s",
				event.code, text ? ": " : "", text ? text : "");
	} else {
		watch->heard = true;
		watch->failures = watch->expiries = 0;
		snprintf(watch->version, sizeof(watch->version), "%s", event.version);
		tell(watch, &event);
		err = watch->phase == KUBE_STOPPED ? -ECANCELED : 0;
	}
	kube_event_free(&event);
	return err;
}

static int take(void *arg, char *json, size_t len, struct fault *f)
{
	struct kube_watch *watch = arg;

	return watch->phase == KUBE_LISTING ? take_item(watch, json, len, f)
					    : take_event(watch, json, len, f);
}

/* The stream can't be read on. */
static void broke(struct kube_watch *watch, int err, struct fault *why)
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
	failed(watch, reason, why, 0);
}

static void on_part(void *arg, const char *bytes, size_t len)
{
	struct kube_watch *watch = arg;
	struct fault why = {0};
	int err;

	if (watch->failing || watch->absent || !watch->agent->kube.connected)
		fine(watch);
	if (!watch->answered_ns)
		watch->answered_ns = clock_boot_ns();
	enter(watch);
	err = kube_stream_feed(&watch->stream, bytes, len, take, watch, &why);
	if (leave(watch))
		return;
	if (err)
		broke(watch, err, &why);
}

/* ---- the list ---- */

static void list_done(struct kube_watch *watch)
{
	bool first = !watch->synced;

	watch->relist = watch->newest = false;
	watch->synced = true;
	watch->n_objects = watch->n_items;
	if (first)
		log_event(LOG_INFO, "kube_synced", LOG_FIELDS("watch", watch->what), "%s: %zu",
			  watch->what, watch->n_objects);
	enter(watch);
	watch->consumer.end(watch->arg);
	if (!leave(watch))
		begin(watch);
}

static void page_done(struct kube_watch *watch)
{
	struct kube_stream *stream = &watch->stream;
	struct kube_list list = {0};
	struct fault why = {0};
	int err = kube_stream_end(stream, &why);

	if (!err)
		err = kube_list_read(stream->envelope.at, stream->envelope.n, &list, &why);
	if (err) {
		broke(watch, err, &why);
		return;
	}
	free(watch->continued);
	watch->continued = list.continued ? kube_escape(list.continued) : NULL;
	snprintf(watch->version, sizeof(watch->version), "%s", list.version);
	err = list.continued && !watch->continued;
	kube_list_free(&list);
	if (err)
		broke(watch, -ENOMEM, &why);
	else if (watch->continued)
		begin(watch);
	else
		list_done(watch);
}

/* ---- the watch ---- */

static void watch_done(struct kube_watch *watch)
{
	struct fault why = {0};

	/*
	 * Not even a bookmark: it may be that nothing happened, or that the server's store was put back to an
	 * older state, and version is in its future, from where nothing comes any more.
	 */
	watch->relist |= !watch->heard;
	if (worked(watch)) {
		watch->failures = watch->expiries = 0;
		begin(watch);
		return;
	}
	fault_set(&why, EIO, "the API server ended the watch at once");
	failed(watch, KUBE_FAIL_REFUSED, &why, 0);
}

static void on_done(void *arg, const struct transfer_result *result)
{
	struct kube_watch *watch = arg;

	watch->transfer = NULL;
	if (result->err || result->status != KUBE_OK)
		went_wrong(watch, result);
	else if (watch->phase == KUBE_LISTING)
		page_done(watch);
	else
		watch_done(watch);
}

/* ---- requests ---- */

static char *list_path(const struct kube_watch *watch)
{
	_free_ char *from = kube_escape(watch->version[0] ? watch->version : "0");
	char *path;
	int n;

	if (!from)
		return NULL;
	if (watch->continued)
		n = asprintf(&path, "%s?limit=%d&continue=%s%s%s", watch->path, PAGE,
			     watch->continued, watch->query ? "&" : "",
			     watch->query ? watch->query : "");
	else if (watch->newest)
		n = asprintf(&path, "%s?limit=%d%s%s", watch->path, PAGE, watch->query ? "&" : "",
			     watch->query ? watch->query : "");
	else if (watch->version[0]) /* pages would send it past the cache */
		n = asprintf(&path, "%s?resourceVersion=%s%s%s", watch->path, from,
			     watch->query ? "&" : "", watch->query ? watch->query : "");
	else
		n = asprintf(&path, "%s?limit=%d&resourceVersion=%s%s%s", watch->path, PAGE, from,
			     watch->query ? "&" : "", watch->query ? watch->query : "");
	return n < 0 ? NULL : path;
}

static char *watch_path(const struct kube_watch *watch, int64_t seconds)
{
	_free_ char *version = kube_escape(watch->version);
	char *path;

	return version && asprintf(&path,
				   "%s?watch=1&allowWatchBookmarks=true&resourceVersion=%s"
				   "&timeoutSeconds=%d%s%s",
				   watch->path, version, (int)seconds, watch->query ? "&" : "",
				   watch->query ? watch->query : "") >= 0
		       ? path
		       : NULL;
}

static void request(struct kube_watch *watch, const char *path, int64_t timeout_s, int64_t stall_s)
{
	const struct kube_call call = {
		.path = path, .timeout_s = timeout_s, .stall_s = stall_s, .part = on_part};
	enum kube_error reason = KUBE_FAIL_UNREACHABLE;
	struct fault why = {0};

	if (path)
		watch->transfer = kube_call(watch->agent, &call, on_done, watch, &watch->token,
					    &reason, &why);
	else
		fault_set(&why, ENOMEM, "out of memory");
	if (!watch->transfer)
		failed(watch, reason, &why, 0);
}

static void begin_list(struct kube_watch *watch)
{
	_free_ char *path = list_path(watch);

	watch->phase = KUBE_LISTING;
	kube_stream_begin(&watch->stream, KUBE_STREAM_LIST);
	if (!watch->continued) {
		watch->n_items = 0;
		enter(watch);
		watch->consumer.begin(watch->arg);
		if (leave(watch))
			return;
	}
	request(watch, path, LIST_S, LIST_STALL_S);
}

static void begin_watch(struct kube_watch *watch)
{
	int64_t seconds = WATCH_S + randombytes_uniform(WATCH_SPREAD_S);
	_free_ char *path = watch_path(watch, seconds);

	watch->phase = KUBE_WATCHING;
	kube_stream_begin(&watch->stream, KUBE_STREAM_WATCH);
	watch->heard = false;
	watch->error_code = 0;
	watch->answered_ns = 0;
	request(watch, path, seconds + 2 * WATCH_SLACK_S, seconds + WATCH_SLACK_S);
}

static void begin(struct kube_watch *watch)
{
	kube_stream_free(&watch->stream);
	if (watch->relist || watch->continued || !watch->version[0]) {
		begin_list(watch);
		return;
	}
	watch->restarts += watch->begun;
	watch->begun = true;
	begin_watch(watch);
}

struct kube_watch *kube_watch(struct agent *agent, const struct kube_watch_spec *spec)
{
	struct kube_watch *watch;

	if (!agent->kube.on)
		return NULL;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	*watch = (struct kube_watch){.agent = agent,
				     .path = strdup(spec->path),
				     .query = spec->query ? strdup(spec->query) : NULL,
				     .what = strdup(spec->what),
				     .optional = spec->optional,
				     .consumer = spec->consumer,
				     .arg = spec->arg,
				     .relist = true};
	uv_timer_init(&agent->loop, &watch->timer);
	watch->timer.data = watch;
	if (!watch->path || !watch->what || (spec->query && !watch->query)) {
		discard(watch);
		return NULL;
	}
	watch->next = agent->kube.watches;
	agent->kube.watches = watch;
	wait_ms(watch, 0);
	return watch;
}

bool kube_watch_synced(const struct kube_watch *watch)
{
	return watch->synced;
}

bool kube_watch_failing(const struct kube_watch *watch)
{
	return watch->failing;
}

bool kube_watch_absent(const struct kube_watch *watch)
{
	return watch->absent;
}
