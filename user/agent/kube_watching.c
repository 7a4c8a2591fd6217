/* SPDX-License-Identifier: MIT */
/* kube_watching.c - the changes since a list, as they come. */
#include <errno.h>
#include <stdio.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_priv.h"

#define WATCH_S 270	  /* a watch ends by itself, after this and */
#define WATCH_SPREAD_S 40 /* ... up to so much more, by lot */
#define WATCH_SLACK_S 20  /* the server's clock is its own */
#define WATCH_SHORT_S 10  /* a watch that ends sooner and brought nothing didn't work */
#define NS_PER_S 1000000000ULL

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

int kube_watching_take(struct kube_watch *watch, char *json, size_t len, struct fault *f)
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

bool kube_watching_worked(const struct kube_watch *watch)
{
	return watch->heard || (watch->answered_ns &&
				clock_boot_ns() - watch->answered_ns >= WATCH_SHORT_S * NS_PER_S);
}

void kube_watching_done(struct kube_watch *watch)
{
	struct fault why = {0};

	/*
	 * Not even a bookmark: it may be that nothing happened, or that the server's store was put back to an
	 * older state, and version is in its future, from where nothing comes any more.
	 */
	watch->relist |= !watch->heard;
	if (kube_watching_worked(watch)) {
		watch->failures = watch->expiries = 0;
		kube_watch_begin(watch);
		return;
	}
	fault_set(&why, EIO, "the API server ended the watch at once");
	kube_watch_failed(watch, KUBE_FAIL_REFUSED, &why, 0);
}

static char *since(const struct kube_watch *watch, int64_t seconds)
{
	_free_ char *version = kube_escape(watch->version);
	char *query;

	return version && asprintf(&query,
				   "watch=1&allowWatchBookmarks=true&resourceVersion=%s"
				   "&timeoutSeconds=%d",
				   version, (int)seconds) >= 0
		       ? query
		       : NULL;
}

void kube_watching_begin(struct kube_watch *watch)
{
	int64_t seconds = WATCH_S + randombytes_uniform(WATCH_SPREAD_S);
	_free_ char *query = since(watch, seconds);

	watch->phase = KUBE_WATCHING;
	kube_stream_begin(&watch->stream, KUBE_STREAM_WATCH);
	watch->heard = false;
	watch->error_code = 0;
	watch->answered_ns = 0;
	kube_watch_request(watch, query, seconds + 2 * WATCH_SLACK_S, seconds + WATCH_SLACK_S);
}
