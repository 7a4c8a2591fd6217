/* SPDX-License-Identifier: MIT */
/* kubepeers.c - the watches, one for each feed that a set takes from. */
#include "kubepeers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "agent.h"
#include "cleanup.h"
#include "json.h"
#include "kube.h"
#include "kubepeers_priv.h"
#include "log.h"
#include "reply.h"

#define REMEMBER_NS (600 * 1000000000ULL) /* feeds of before that no set has asked for yet */

struct feed_watch {
	struct agent *agent;
	struct peer_feed *feed;
	struct kube_watch *watch;
};

/* --- pods */

/*
 * Its containers have all ended and it won't start others: its address is free from now on, though it is
 * there for some seconds more.
 */
static bool is_over(const struct pod *pod, const cJSON *object)
{
	const cJSON *statuses = json_get(json_get(object, "status"), "containerStatuses"), *status;
	bool over = pod->terminating && cJSON_GetArraySize(statuses) > 0;

	cJSON_ArrayForEach (status, statuses)
		over = over && json_get(json_get(status, "state"), "terminated");
	return over;
}

static void pod_lost(const struct feed_watch *at, const struct fault *f)
{
	log_event(LOG_WARN, "peer_unreadable", LOG_FIELDS("selector", at->feed->text),
		  "a pod that policies may admit isn't admitted: %s",
		  f->text[0] ? f->text : "out of memory");
}

static void on_begin(void *arg)
{
	struct feed_watch *at = arg;

	peerset_begin(at->agent->kubepeers.set, at->feed);
}

static void on_present(void *arg, const cJSON *object)
{
	struct feed_watch *at = arg;
	struct peerset *set = at->agent->kubepeers.set;
	const char *uid = pod_uid(object);
	struct fault f = {0};
	struct pod pod = {0};
	int err = pod_read(object, &pod, &f);

	if (!err) {
		pod.ended |= is_over(&pod, object);
		err = peerset_pod(set, at->feed, &pod);
		pod_free(&pod);
	} else if (uid) {
		peerset_gone(set, at->feed, uid); /* what it was before proves nothing */
	}
	if (err)
		pod_lost(at, &f);
	kubepeers_due(at->agent);
}

static void on_gone(void *arg, const cJSON *object)
{
	struct feed_watch *at = arg;
	const char *uid = pod_uid(object);

	if (uid)
		peerset_gone(at->agent->kubepeers.set, at->feed, uid);
	kubepeers_due(at->agent);
}

static void on_end(void *arg)
{
	struct feed_watch *at = arg;

	peerset_end(at->agent->kubepeers.set, at->feed);
	kubepeers_due(at->agent);
}

/* "/api/v1/namespaces/shop/pods", "labelSelector=app%20in%20%28web%29", in words; the caller's to free. */
static int describe(const struct peer_feed *feed, char **path, char **query, char **what)
{
	char *escaped = curl_easy_escape(NULL, feed->text, 0);

	*path = *query = *what = NULL;
	if (feed->namespace ? asprintf(path, "/api/v1/namespaces/%s/pods", feed->namespace) < 0
			    : !(*path = strdup("/api/v1/pods")))
		*path = NULL;
	if (escaped && asprintf(query, "labelSelector=%s", escaped) < 0)
		*query = NULL;
	if (asprintf(what, "the pods of %s%s with labels \"%s\"",
		     feed->namespace ? "namespace " : "all namespaces",
		     feed->namespace ? feed->namespace : "", feed->text) < 0)
		*what = NULL;
	curl_free(escaped);
	return *path && *query && *what ? 0 : -ENOMEM;
}

static void watch_feed(struct agent *agent, struct peer_feed *feed)
{
	_free_ char *path = NULL, *query = NULL, *what = NULL;
	struct feed_watch *at = calloc(1, sizeof(*at));
	struct kube_watch_spec spec = {
		.kind = KUBE_PEERS,
		.consumer = {on_begin, on_present, on_gone, on_end},
		.arg = at,
	};

	if (at && !describe(feed, &path, &query, &what)) {
		*at = (struct feed_watch){.agent = agent, .feed = feed};
		spec.path = path;
		spec.query = feed->text[0] ? query : NULL;
		spec.what = what;
		at->watch = kube_watch(agent, &spec);
		if (at->watch)
			feed->watch = TAKE_PTR(at);
	}
	free(at);
}

static void unwatch_feed(struct peer_feed *feed)
{
	struct feed_watch *at = feed->watch;

	if (at)
		kube_unwatch(at->watch);
	free(at);
	feed->watch = NULL;
}

/* --- namespaces */

void kubepeers_namespaces_begin(struct agent *agent)
{
	peerset_begin_namespaces(agent->kubepeers.set);
}

static const char *name_of(const cJSON *object)
{
	return json_string_value(json_get(json_get(object, "metadata"), "name"), 1, 253);
}

void kubepeers_namespace(struct agent *agent, const cJSON *object)
{
	const char *name = name_of(object);
	struct labels labels = {0};
	struct fault f = {0};
	int err = labels_read(json_get(json_get(object, "metadata"), "labels"), &labels, &f);

	if (name && !err)
		err = peerset_namespace(agent->kubepeers.set, name, &labels);
	else if (name)
		peerset_namespace(agent->kubepeers.set, name, NULL);
	labels_free(&labels);
	if (err)
		log_event(LOG_WARN, "peer_unreadable", LOG_FIELDS("namespace", name ? name : "?"),
			  "no pod of it is admitted by the namespace's labels: %s",
			  f.text[0] ? f.text : "out of memory");
	kubepeers_due(agent);
}

void kubepeers_namespace_gone(struct agent *agent, const cJSON *object)
{
	const char *name = name_of(object);

	if (name)
		peerset_namespace(agent->kubepeers.set, name, NULL);
	kubepeers_due(agent);
}

void kubepeers_namespaces_end(struct agent *agent)
{
	peerset_end_namespaces(agent->kubepeers.set);
	kubepeers_due(agent);
}

/* --- sets */

/* Opens the watches that sets ask for. Without Kubernetes there is none to be had. */
static void watch(struct agent *agent)
{
	struct kubepeers *peers = &agent->kubepeers;

	if (agent->stopping || !peers->started)
		return;
	for (size_t i = 0; i < peerset_n_feeds(peers->set); i++) {
		struct peer_feed *feed = peerset_feed(peers->set, i);

		if (peerset_is_used(feed) && !feed->watch)
			watch_feed(agent, feed);
	}
}

int kubepeers_add(struct agent *agent, uint32_t id, const struct from *from, const char *namespace)
{
	int err = peerset_add(agent->kubepeers.set, id, from->pods, from->n_pods, namespace);

	if (err)
		return err;
	watch(agent);
	kubepeers_due(agent);
	return 0;
}

/* No set takes from it. One that is remembered gets the time that gates need to come up. */
static bool is_old(const struct kubepeers *peers, const struct peer_feed *feed)
{
	return !peerset_is_used(feed) &&
	       (feed->watch || clock_boot_ns() - peers->began_ns > REMEMBER_NS);
}

static void forget_old(struct kubepeers *peers)
{
	for (size_t i = peerset_n_feeds(peers->set); i-- > 0;) {
		struct peer_feed *feed = peerset_feed(peers->set, i);

		if (!is_old(peers, feed))
			continue;
		unwatch_feed(feed);
		peerset_forget(peers->set, feed);
	}
}

void kubepeers_keep(struct agent *agent, const uint32_t *ids, size_t n)
{
	peerset_keep(agent->kubepeers.set, ids, n);
	forget_old(&agent->kubepeers);
	kubepeers_due(agent);
}

void kubepeers_claim(struct agent *agent, const struct pod *pod)
{
	peerset_claim(agent->kubepeers.set, pod);
	kubepeers_due(agent);
}

/* --- life */

void kubepeers_start(struct agent *agent)
{
	struct kubepeers *peers = &agent->kubepeers;

	uv_timer_init(&agent->loop, &peers->timer);
	peers->timer.data = agent;
	peers->started = true;
	peers->began_ns = clock_boot_ns();
	kubepeers_look_again(agent);
	watch(agent);
}

void kubepeers_stop(struct agent *agent)
{
	struct kubepeers *peers = &agent->kubepeers;

	if (peers->started)
		uv_close((uv_handle_t *)&peers->timer, NULL);
	peers->started = false;
	for (size_t i = 0; i < peerset_n_feeds(peers->set); i++)
		unwatch_feed(peerset_feed(peers->set, i));
}

void kubepeers_close(struct kubepeers *peers)
{
	peerset_free(peers->set);
	free(peers->path);
}

void kubepeers_tick(struct agent *agent)
{
	watch(agent);
	if (agent->kubepeers.lost_track || peerset_is_dirty(agent->kubepeers.set))
		kubepeers_due(agent);
	kubepeers_save_soon(agent);
}

void kubepeers_warn(const struct agent *agent, cJSON *warnings)
{
	const struct kubepeers *peers = &agent->kubepeers;
	struct peerset_size size = peerset_size(peers->set);
	size_t n_unknown = 0, n_used = 0;

	for (size_t i = 0; i < peerset_n_feeds(peers->set); i++) {
		const struct peer_feed *feed = peerset_feed(peers->set, i);

		n_used += peerset_is_used(feed);
		n_unknown += peerset_is_used(feed) && !feed->known;
	}
	if (n_used && !agent->kube.on)
		json_warn(warnings, "policies admit pods by their labels, which nobody tells: the "
				    "configuration has no \"kubernetes\"");
	else if (n_unknown)
		json_warn(warnings,
			  "the pods of %zu selectors of policies are not known yet: they admit "
			  "nobody",
			  n_unknown);
	if (size.lacking)
		json_warn(warnings,
			  "%zu addresses of pods have no room beside %zu others, so they aren't "
			  "admitted; let policies name fewer pods",
			  size.lacking, size.in_force);
	if (peers->trouble.text[0])
		json_warn(warnings, "%s", peers->trouble.text);
	if (peers->unread.text[0])
		json_warn(warnings, "%s", peers->unread.text);
	if (peers->unwritable.text[0])
		json_warn(warnings, "\"%s\" can't be written: %s", peers->path,
			  peers->unwritable.text);
}
