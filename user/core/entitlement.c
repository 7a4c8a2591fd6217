/* SPDX-License-Identifier: MIT */
/* entitlement.c - builds entitlements.json. */
#include "entitlement.h"

#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "jsonput.h"
#include "outlook.h"
#include "porttext.h"

static bool listed(const struct license_view *views, size_t i)
{
	enum license_state state = views[i].state;
	size_t j;

	if (state == STATE_REJECTED || state == STATE_SUPERSEDED)
		return false;
	for (j = 0; j < i; j++) /* one license in two files is one license */
		if (!memcmp(views[j].lic->sha256, views[i].lic->sha256,
			    sizeof(views[i].lic->sha256)))
			return false;
	return true;
}

/* ---- what is in force, in short ---- */

static void put_plan(cJSON *root, const struct license_view *views, size_t n)
{
	const struct license_view *last = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if (outlook_in_force(&views[i]) &&
		    (!last || views[i].deadlines.new_until > last->deadlines.new_until))
			last = &views[i];
	json_put_string(root, "plan", last ? last->lic->plan : NULL);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int put_features(cJSON *root, const struct license_view *views, size_t n)
{
	_free_ char **all = NULL;
	size_t i, j, n_all = 0, kept = 0;

	for (i = 0; i < n; i++)
		n_all += views[i].lic->n_features;
	all = calloc(n_all + 1, sizeof(*all));
	if (!all)
		return -1;
	for (i = n_all = 0; i < n; i++)
		for (j = 0; outlook_in_force(&views[i]) && j < views[i].lic->n_features; j++)
			all[n_all++] = views[i].lic->features[j];
	qsort(all, n_all, sizeof(*all), by_text);
	for (i = 0; i < n_all; i++)
		if (!kept || strcmp(all[kept - 1], all[i]) != 0)
			all[kept++] = all[i];
	json_put_strings(root, "features", all, kept);
	return 0;
}

static int put_ends(cJSON *root, const struct license_view *views, size_t n)
{
	_free_ struct outlook *o = calloc(n + 1, sizeof(*o));
	int64_t expires = 0, deadline = 0;
	size_t next;

	if (!o || outlook(views, n, o))
		return -1;
	next = outlook_next(o, n);
	if (next < n) {
		deadline = o[next].until;
		expires = views[next].lic->exp < deadline ? views[next].lic->exp : deadline;
	}
	json_put_time(root, "expires", expires);
	json_put_time(root, "deadline", deadline);
	return 0;
}

/* ---- each license ---- */

static void put_quota(cJSON *item, const struct license_quota *quota)
{
	static const char *const scopes[] = {
		[SCOPE_POD] = "pod", [SCOPE_NODE] = "node", [SCOPE_CLUSTER] = "cluster"};
	cJSON *object;

	if (!quota->window_s)
		return;
	object = cJSON_AddObjectToObject(item, "quota");
	json_put_known(object, "connections", quota->connections);
	json_put_known(object, "bytes", quota->bytes);
	json_put_u64(object, "window", quota->window_s);
	cJSON_AddStringToObject(object, "over", quota->block ? "block" : "report");
	cJSON_AddStringToObject(object, "scope", scopes[quota->scope]);
}

static void put_remaining(cJSON *item, int64_t until, int64_t now)
{
	if (until > LICENSE_TIME_MAX)
		cJSON_AddNullToObject(item, "remaining_seconds");
	else
		json_put_u64(item, "remaining_seconds", until > now ? until - now : 0);
}

static cJSON *license_item(const struct license_view *view, int64_t now)
{
	const struct license *lic = view->lic;
	cJSON *item = cJSON_CreateObject(), *list;
	char text[PORTTEXT_LEN];
	size_t i;

	cJSON_AddStringToObject(item, "lid", lic->lid);
	cJSON_AddStringToObject(item, "sub", lic->sub);
	json_put_string(item, "plan", lic->plan);
	cJSON_AddStringToObject(item, "state", license_state_word(view->state));
	cJSON_AddBoolToObject(item, "warn", view->warn);
	json_put_strings(item, "features", lic->features, lic->n_features);
	json_put_known(item, "seats", lic->seats);
	put_quota(item, &lic->quota);
	json_put_time(item, "nbf", lic->nbf);
	json_put_time(item, "exp", lic->exp);
	json_put_time(item, "deadline", view->deadlines.new_until);
	put_remaining(item, view->deadlines.new_until, now);
	list = cJSON_AddArrayToObject(item, "ports");
	for (i = 0; i < lic->n_ports; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(porttext(&lic->ports[i], text)));
	return item;
}

cJSON *entitlement_rights(const struct license_view *views, size_t n, int64_t now)
{
	_json_ cJSON *root = cJSON_CreateObject();
	cJSON *list;
	size_t i;

	if (!root)
		return NULL;
	put_plan(root, views, n);
	if (put_features(root, views, n) || put_ends(root, views, n))
		return NULL;
	list = cJSON_AddArrayToObject(root, "licenses");
	for (i = 0; i < n; i++)
		if (listed(views, i))
			cJSON_AddItemToArray(list, license_item(&views[i], now));
	return TAKE_PTR(root);
}

/* ---- a gate ---- */

static cJSON *port_item(const struct entitlement_port *port)
{
	cJSON *item = cJSON_CreateObject();

	json_put_u64(item, "port", port->port);
	json_put_u64(item, "end_port", port->end_port);
	cJSON_AddStringToObject(item, "protocol", port->protocol);
	cJSON_AddStringToObject(item, "state", port->state);
	json_put_time(item, "deadline", port->deadline);
	return item;
}

cJSON *entitlement_json(const char *gate, const char *audience, int64_t now, const cJSON *rights,
			const struct entitlement_port *ports, size_t n_ports)
{
	_json_ cJSON *root = cJSON_CreateObject();
	const cJSON *part;
	cJSON *list;
	size_t i;

	cJSON_AddStringToObject(root, "gate", gate);
	cJSON_AddStringToObject(root, "audience", audience);
	json_put_time(root, "as_of", now);
	cJSON_ArrayForEach (part, rights) {
		cJSON *copy = cJSON_Duplicate(part, true);

		if (!cJSON_AddItemToObject(root, part->string, copy)) {
			cJSON_Delete(copy);
			return NULL;
		}
	}
	list = cJSON_AddArrayToObject(root, "ports");
	for (i = 0; i < n_ports; i++)
		cJSON_AddItemToArray(list, port_item(&ports[i]));
	return list ? TAKE_PTR(root) : NULL;
}

/* ---- has anything changed? FNV-1a ---- */

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len--)
		hash = (hash ^ *at++) * 0x100000001b3ULL;
	return hash;
}

uint64_t entitlement_digest(const struct license_view *views, size_t n)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < n; i++) {
		uint8_t words[] = {views[i].state, views[i].warn, views[i].lapse};

		hash = mix(hash, views[i].lic->sha256, sizeof(views[i].lic->sha256));
		hash = mix(hash, words, sizeof(words));
		hash = mix(hash, &views[i].deadlines.new_until,
			   sizeof(views[i].deadlines.new_until));
	}
	return hash;
}

uint64_t entitlement_gate_digest(uint64_t rights, const struct entitlement_port *ports,
				 size_t n_ports)
{
	uint64_t hash = rights;
	size_t i;

	for (i = 0; i < n_ports; i++) {
		uint16_t numbers[] = {ports[i].port, ports[i].end_port};

		hash = mix(hash, numbers, sizeof(numbers));
		hash = mix(hash, ports[i].protocol, strlen(ports[i].protocol));
		hash = mix(hash, ports[i].state, strlen(ports[i].state));
		hash = mix(hash, &ports[i].deadline, sizeof(ports[i].deadline));
	}
	return hash;
}
