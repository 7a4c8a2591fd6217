/* SPDX-License-Identifier: MIT */
/* kube_watch.c - a list, then its changes, for ever: its life, and how one follows the other. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_priv.h"

static void on_timer(uv_timer_t *timer)
{
	kube_watch_begin(timer->data);
}

void kube_watch_wait(struct kube_watch *watch, uint64_t ms)
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

void kube_watch_enter(struct kube_watch *watch)
{
	watch->busy++;
}

bool kube_watch_leave(struct kube_watch *watch)
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

/* ---- requests ---- */

static int take(void *arg, char *json, size_t len, struct fault *f)
{
	struct kube_watch *watch = arg;

	return watch->phase == KUBE_LISTING ? kube_listing_take(watch, json, len, f)
					    : kube_watching_take(watch, json, len, f);
}

static void on_part(void *arg, const char *bytes, size_t len)
{
	struct kube_watch *watch = arg;
	struct fault why = {0};
	int err;

	if (watch->failing || watch->absent || !watch->agent->kube.connected)
		kube_watch_fine(watch);
	if (!watch->answered_ns)
		watch->answered_ns = clock_boot_ns();
	kube_watch_enter(watch);
	err = kube_stream_feed(&watch->stream, bytes, len, take, watch, &why);
	if (kube_watch_leave(watch))
		return;
	if (err)
		kube_watch_broke(watch, err, &why);
}

static void on_done(void *arg, const struct transfer_result *result)
{
	struct kube_watch *watch = arg;

	watch->transfer = NULL;
	if (result->err || result->status != KUBE_OK)
		kube_watch_went_wrong(watch, result);
	else if (watch->phase == KUBE_LISTING)
		kube_listing_done(watch);
	else
		kube_watching_done(watch);
}

void kube_watch_request(struct kube_watch *watch, const char *query, int64_t timeout_s,
			int64_t stall_s)
{
	struct kube_call call = {.timeout_s = timeout_s, .stall_s = stall_s, .part = on_part};
	const char *more = watch->query ? watch->query : "";
	enum kube_error reason = KUBE_FAIL_UNREACHABLE;
	_free_ char *path = NULL;
	struct fault why = {0};

	if (!query || asprintf(&path, "%s?%s%s%s", watch->path, query, *more ? "&" : "", more) < 0)
		path = NULL;
	call.path = path;
	if (path)
		watch->transfer = kube_call(watch->agent, &call, on_done, watch, &watch->token,
					    &reason, &why);
	else
		fault_set(&why, ENOMEM, "out of memory");
	if (!watch->transfer)
		kube_watch_failed(watch, reason, &why, 0);
}

void kube_watch_begin(struct kube_watch *watch)
{
	kube_stream_free(&watch->stream);
	if (watch->relist || watch->continued || !watch->version[0]) {
		kube_listing_begin(watch);
		return;
	}
	watch->agent->kube.restarts[watch->kind] += watch->begun;
	watch->begun = true;
	kube_watching_begin(watch);
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
				     .kind = spec->kind,
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
	kube_watch_wait(watch, 0);
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

const char *kube_watch_error(const struct kube_watch *watch)
{
	return watch->failing ? watch->why.text : NULL;
}

bool kube_watch_absent(const struct kube_watch *watch)
{
	return watch->absent;
}
