/* SPDX-License-Identifier: MIT */
/*
 * kube_listing.c - the list of a watch, page by page.
 *
 * It may come from the API server's cache (resourceVersion=0 the first time, later "not older than what is
 * known"): a thousand nodes that start don't each make it read all pods from its store. What is behind in the
 * cache comes by the watch.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_priv.h"
#include "log.h"

#define PAGE 500	/* objects of a list's page, where the server makes pages */
#define LIST_S 300	/* a page, in all */
#define LIST_STALL_S 75 /* a server under load lets requests wait for up to a minute */

int kube_listing_take(struct kube_watch *watch, char *json, size_t len, struct fault *f)
{
	_json_ cJSON *object = NULL;
	int err = kube_json(json, len, &object, f);

	if (err)
		return err;
	watch->n_items++;
	watch->consumer.present(watch->arg, object);
	return watch->phase == KUBE_STOPPED ? -ECANCELED : 0;
}

static void list_done(struct kube_watch *watch)
{
	bool first = !watch->synced;

	watch->relist = watch->newest = false;
	watch->synced = true;
	watch->n_objects = watch->n_items;
	if (first)
		log_event(LOG_INFO, "kube_synced", LOG_FIELDS("watch", watch->what), "%s: %zu",
			  watch->what, watch->n_objects);
	kube_watch_enter(watch);
	watch->consumer.end(watch->arg);
	if (!kube_watch_leave(watch))
		kube_watch_begin(watch);
}

void kube_listing_done(struct kube_watch *watch)
{
	struct kube_stream *stream = &watch->stream;
	struct kube_list list = {0};
	struct fault why = {0};
	int err = kube_stream_end(stream, &why);

	if (!err)
		err = kube_list_read(stream->envelope.at, stream->envelope.n, &list, &why);
	if (err) {
		kube_watch_broke(watch, err, &why);
		return;
	}
	free(watch->continued);
	watch->continued = list.continued ? kube_escape(list.continued) : NULL;
	snprintf(watch->version, sizeof(watch->version), "%s", list.version);
	err = list.continued && !watch->continued;
	kube_list_free(&list);
	if (err)
		kube_watch_broke(watch, -ENOMEM, &why);
	else if (watch->continued)
		kube_watch_begin(watch);
	else
		list_done(watch);
}

/* What the query asks of the list; NULL: no memory. */
static char *extent(const struct kube_watch *watch)
{
	_free_ char *from = kube_escape(watch->version[0] ? watch->version : "0");
	char *text;
	int n;

	if (!from)
		return NULL;
	if (watch->continued)
		n = asprintf(&text, "limit=%d&continue=%s", PAGE, watch->continued);
	else if (watch->newest)
		n = asprintf(&text, "limit=%d", PAGE);
	else if (watch->version[0]) /* pages would send it past the cache */
		n = asprintf(&text, "resourceVersion=%s", from);
	else
		n = asprintf(&text, "limit=%d&resourceVersion=%s", PAGE, from);
	return n < 0 ? NULL : text;
}

void kube_listing_begin(struct kube_watch *watch)
{
	_free_ char *query = extent(watch);

	watch->phase = KUBE_LISTING;
	kube_stream_begin(&watch->stream, KUBE_STREAM_LIST);
	if (!watch->continued) {
		watch->n_items = 0;
		kube_watch_enter(watch);
		watch->consumer.begin(watch->arg);
		if (kube_watch_leave(watch))
			return;
	}
	kube_watch_request(watch, query, LIST_S, LIST_STALL_S);
}
