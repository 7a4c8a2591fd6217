/* SPDX-License-Identifier: MIT */
/* peerset_json.c - {"version","namespaces":[{"name","labels"}]|null,"feeds":[{"namespace","selector","pods":[[uid,ns,created,ip…]]}]} */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "cleanup.h"
#include "json.h"
#include "jsonput.h"
#include "peerset_priv.h"

#define VERSION 1
#define MAX_PODS 1000000
#define MAX_FEEDS 100000
#define MAX_IPS 64
#define MAX_TEXT 65536 /* bytes of a selector */

static cJSON *address_json(const uint8_t at[16])
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = address_is_ipv4(at);

	return cJSON_CreateString(
		inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? at + 12 : at, text, sizeof(text)));
}

static cJSON *pod_array(const struct peer *peer)
{
	cJSON *pod = cJSON_CreateArray();

	cJSON_AddItemToArray(pod, cJSON_CreateString(peer->uid));
	cJSON_AddItemToArray(pod, cJSON_CreateString(peer->namespace->name));
	cJSON_AddItemToArray(pod, cJSON_CreateNumber((double)peer->created));
	for (size_t i = 0; i < peer->n_addresses; i++)
		if (peer->addresses[i]->owner == peer)
			cJSON_AddItemToArray(pod, address_json(peer->addresses[i]->at));
	return pod;
}

/* Has an address that is its own, and is of the feed. */
static bool is_of(const struct peer *peer, const struct peer_feed *feed)
{
	bool of = false, has = false;

	for (size_t i = 0; i < peer->n_feeds; i++)
		of |= peer->feeds[i].feed == feed;
	for (size_t i = 0; of && i < peer->n_addresses; i++)
		has |= peer->addresses[i]->owner == peer;
	return has;
}

static cJSON *feed_json(const struct peerset *ps, const struct peer_feed *feed)
{
	cJSON *object = cJSON_CreateObject();
	cJSON *pods = cJSON_AddArrayToObject(object, "pods");

	json_put_string(object, "namespace", feed->namespace);
	json_put_string(object, "selector", feed->text);
	for (size_t i = 0; feed->n_pods && i < ps->n_peers; i++)
		if (is_of(ps->peers[i], feed))
			cJSON_AddItemToArray(pods, pod_array(ps->peers[i]));
	return object;
}

/* Those of which no pod is known don't matter until the next list. */
static cJSON *namespaces_json(const struct peerset *ps)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; i < ps->n_namespaces; i++) {
		const struct peer_namespace *ns = ps->namespaces[i];
		cJSON *object;

		if (!ns->known || !ns->refs)
			continue;
		object = cJSON_CreateObject();
		json_put_string(object, "name", ns->name);
		cJSON_AddItemToObject(object, "labels", labels_json(&ns->labels));
		cJSON_AddItemToArray(array, object);
	}
	return array;
}

char *peerset_print(const struct peerset *ps)
{
	_json_ cJSON *object = cJSON_CreateObject();
	cJSON *feeds;

	json_put_u64(object, "version", VERSION);
	cJSON_AddItemToObject(object, "namespaces",
			      ps->namespaces_known ? namespaces_json(ps) : cJSON_CreateNull());
	feeds = cJSON_AddArrayToObject(object, "feeds");
	for (size_t i = 0; i < ps->n_feeds; i++)
		if (ps->feeds[i]->known)
			cJSON_AddItemToArray(feeds, feed_json(ps, ps->feeds[i]));
	return cJSON_PrintUnformatted(object);
}

bool peerset_changed(struct peerset *ps)
{
	bool changed = ps->changed;

	ps->changed = false;
	return changed;
}

/* --- and back */

static int read_ips(const cJSON *item, struct pod *pod)
{
	for (; item; item = item->next) {
		const char *text = json_string_value(item, 1, INET6_ADDRSTRLEN);

		if (!text || pod->n_ips == MAX_IPS ||
		    !address_parse(text, pod->ips[pod->n_ips].address))
			return -EINVAL;
		pod->ips[pod->n_ips++].len = 128;
	}
	return 0;
}

static int read_pod(struct peerset *ps, struct peer_feed *feed, const cJSON *array, struct fault *f)
{
	const cJSON *uid = cJSON_GetArrayItem(array, 0);
	const cJSON *namespace = uid ? uid->next : NULL;
	const cJSON *created = namespace ? namespace->next : NULL;
	struct cidr ips[MAX_IPS] = {0};
	struct pod pod = {
		.uid = (char *)json_string_value(uid, 1, POD_UID_MAX),
		.namespace = (char *)json_string_value(namespace, 1, 253),
		.created = created ? json_int_value(created) : -1,
		.ips = ips,
	};

	if (!cJSON_IsArray(array) || !pod.uid || !pod.namespace || pod.created < 0 ||
	    pod.created > JSON_INT_MAX || read_ips(created->next, &pod))
		return fault_set(f, EINVAL, "\"pods\" must hold UID, namespace, time, addresses");
	return peerset_pod(ps, feed, &pod);
}

static int read_feed(const cJSON *item, void *arg, struct fault *f)
{
	struct peerset *ps = arg;
	const char *namespace = NULL, *text = NULL;
	const cJSON *pods = NULL, *pod;
	struct peer_feed *feed;
	int err = 0;

	if (!cJSON_IsNull(json_get(item, "namespace")))
		err = json_string(item, "namespace", 1, 253, &namespace, f);
	if (!err)
		err = json_string(item, "selector", 0, MAX_TEXT, &text, f);
	if (!err)
		err = json_array(item, "pods", 0, MAX_PODS, &pods, f);
	if (!err && (!text || !pods))
		err = fault_set(f, EINVAL, "\"selector\" and \"pods\" must be there");
	if (err)
		return err;
	feed = peerset_feed_of(ps, namespace, text, NULL);
	if (!feed)
		return -ENOMEM;
	peerset_begin(ps, feed);
	cJSON_ArrayForEach (pod, pods)
		if (!err)
			err = read_pod(ps, feed, pod, f);
	if (!err)
		peerset_end(ps, feed);
	return err;
}

static int read_namespace(const cJSON *item, void *arg, struct fault *f)
{
	struct labels labels = {0};
	const char *name = NULL;
	int err = json_string(item, "name", 1, 253, &name, f);

	if (!err && !name)
		err = fault_set(f, EINVAL, "\"name\" must be there");
	if (!err)
		err = labels_read(json_get(item, "labels"), &labels, f);
	if (!err)
		err = peerset_namespace(arg, name, &labels);
	labels_free(&labels);
	return err;
}

static int read_all(const cJSON *object, struct peerset *ps, struct fault *f)
{
	const cJSON *namespaces = NULL, *feeds = NULL;
	int64_t version = 0;
	int err = json_int(object, "version", VERSION, VERSION, &version, f);

	if (!err && !version)
		err = fault_set(f, EINVAL, "\"version\" must be there");
	if (!err && !cJSON_IsNull(json_get(object, "namespaces")))
		err = json_array(object, "namespaces", 0, MAX_PODS, &namespaces, f);
	if (!err)
		err = json_array(object, "feeds", 0, MAX_FEEDS, &feeds, f);
	if (!err && namespaces) {
		peerset_begin_namespaces(ps);
		err = json_objects("namespaces", namespaces, read_namespace, ps, f);
		if (!err)
			peerset_end_namespaces(ps);
	}
	return !err && feeds ? json_objects("feeds", feeds, read_feed, ps, f) : err;
}

int peerset_parse(const char *buf, size_t len, struct peerset **out, struct fault *f)
{
	static const struct json_limits limits = {.max_depth = 8, .max_members = 8 * MAX_PODS};
	struct peerset *ps = peerset_new();
	_json_ cJSON *object = NULL;
	struct json_error why = {0};
	int err = ps ? json_parse(buf, len, &limits, &object, &why) : -ENOMEM;

	if (!err)
		err = read_all(object, ps, f);
	else if (err != -ENOMEM)
		fault_set(f, EBADMSG, "not strict JSON: %s", why.text);
	if (err) {
		peerset_free(ps);
		return err == -ENOMEM ? err : -EBADMSG;
	}
	ps->changed = false;
	*out = ps;
	return 0;
}
