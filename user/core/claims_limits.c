/* SPDX-License-Identifier: MIT */
/* claims_limits.c - seats, quota and rate: how much of a port a license gives. */
#include "claims.h"

#include <errno.h>

static const char *const scope_words[] = {
	[SCOPE_POD] = "pod", [SCOPE_NODE] = "node", [SCOPE_CLUSTER] = "cluster", NULL};

/* An unknown member could be a restriction, and dropping one would over-grant. */
static int refuse_unknown(const cJSON *object, const char *const *known, struct fault *f)
{
	const char *unknown = json_unknown(object, known);

	return unknown ? fault_set(f, EINVAL, "\"%.64s\" is unknown; remove it", unknown) : 0;
}

static int read_scope(const cJSON *object, enum license_scope *out, struct fault *f)
{
	int scope = SCOPE_POD, r = json_word(object, "scope", scope_words, &scope, f);

	if (!r)
		*out = (enum license_scope)scope;
	return r;
}

static int read_seats(const cJSON *item, int64_t *seats, enum license_scope *scope, struct fault *f)
{
	static const char *const known[] = {"limit", "scope", NULL};
	int64_t limit = 0;
	int r = refuse_unknown(item, known, f);

	if (!r)
		r = json_int(item, "limit", 1, JSON_INT_MAX, &limit, f);
	if (!r && !limit)
		r = fault_set(f, EINVAL, "\"limit\" is missing");
	if (!r)
		r = read_scope(item, scope, f);
	if (!r)
		*seats = limit;
	return r;
}

int claims_seats(const cJSON *object, int64_t *seats, enum license_scope *scope, struct fault *f)
{
	const cJSON *item = json_get(object, "seats");
	struct fault inner = {""};

	if (!cJSON_IsObject(item))
		return json_int(object, "seats", 1, JSON_INT_MAX, seats, f);
	return json_within("seats", read_seats(item, seats, scope, &inner), &inner, f);
}

static int read_quota(const cJSON *item, struct license_quota *out, struct fault *f)
{
	static const char *const known[] = {"connections", "bytes", "window",
					    "over",	   "scope", NULL};
	static const char *const over_words[] = {"report", "block", NULL};
	struct license_quota quota = {.scope = SCOPE_POD};
	int over = 0, r = refuse_unknown(item, known, f);

	if (!r)
		r = json_int(item, "connections", 1, JSON_INT_MAX, &quota.connections, f);
	if (!r)
		r = json_int(item, "bytes", 1, JSON_INT_MAX, &quota.bytes, f);
	if (!r)
		r = json_int(item, "window", 1, JSON_INT_MAX, &quota.window_s, f);
	if (!r)
		r = json_word(item, "over", over_words, &over, f);
	if (!r)
		r = read_scope(item, &quota.scope, f);
	if (!r && (!quota.window_s || (!quota.connections && !quota.bytes)))
		r = fault_set(f, EINVAL,
			      "needs \"window\" and one of \"connections\" and \"bytes\"");
	if (r)
		return r;
	quota.block = over == 1;
	*out = quota;
	return 0;
}

int claims_quota(const cJSON *object, struct license_quota *out, struct fault *f)
{
	const cJSON *item = NULL;
	struct fault inner = {""};
	int r = json_object(object, "quota", &item, f);

	if (r || !item)
		return r;
	return json_within("quota", read_quota(item, out, &inner), &inner, f);
}

static int read_rate(const cJSON *item, struct license_rate *out, struct fault *f)
{
	static const char *const known[] = {"connections", "per", "burst", NULL};
	struct license_rate rate = {.per_s = 1};
	int r = refuse_unknown(item, known, f);

	if (!r)
		r = json_int(item, "connections", 1, JSON_INT_MAX, &rate.connections, f);
	if (!r && !rate.connections)
		r = fault_set(f, EINVAL, "\"connections\" is missing");
	if (!r)
		r = json_int(item, "per", 1, JSON_INT_MAX, &rate.per_s, f);
	rate.burst = rate.connections;
	if (!r)
		r = json_int(item, "burst", 1, JSON_INT_MAX, &rate.burst, f);
	if (!r)
		*out = rate;
	return r;
}

int claims_rate(const cJSON *object, struct license_rate *out, struct fault *f)
{
	const cJSON *item = NULL;
	struct fault inner = {""};
	int r = json_object(object, "rate", &item, f);

	if (r || !item)
		return r;
	return json_within("rate", read_rate(item, out, &inner), &inner, f);
}
