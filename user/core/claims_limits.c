/* SPDX-License-Identifier: MIT */
/* claims_limits.c - seats, quota and rate: how much of a port a license gives. */
#include "claims.h"

#include <errno.h>

static const char *const scope_words[] = {
	[SCOPE_POD] = "pod", [SCOPE_NODE] = "node", [SCOPE_CLUSTER] = "cluster", NULL};

/* An unknown member could be a restriction, and dropping one would over-grant. */
static int refuse_unknown(const cJSON *object, const char *where, const char *const *known,
			  struct fault *f)
{
	const char *unknown = json_unknown(object, known);

	if (!unknown)
		return 0;
	return fault_set(f, EINVAL, "\"%s\": member \"%.64s\" is unknown; remove it", where,
			 unknown);
}

static int read_scope(const cJSON *object, enum license_scope *out, struct fault *f)
{
	int scope = SCOPE_POD, r = json_word(object, "scope", scope_words, &scope, f);

	if (!r)
		*out = (enum license_scope)scope;
	return r;
}

static int missing(const char *where, const char *what, struct fault *f)
{
	return fault_set(f, EINVAL, "\"%s\" needs %s", where, what);
}

int claims_seats(const cJSON *object, int64_t *seats, enum license_scope *scope, struct fault *f)
{
	static const char *const known[] = {"limit", "scope", NULL};
	const cJSON *item = json_get(object, "seats");
	int64_t limit = 0;
	int r;

	if (!cJSON_IsObject(item))
		return json_int(object, "seats", 1, JSON_INT_MAX, seats, f);
	r = refuse_unknown(item, "seats", known, f);
	if (!r)
		r = json_int(item, "limit", 1, JSON_INT_MAX, &limit, f);
	if (!r && !limit)
		r = missing("seats", "\"limit\"", f);
	if (!r)
		r = read_scope(item, scope, f);
	if (!r)
		*seats = limit;
	return r;
}

int claims_quota(const cJSON *object, struct license_quota *out, struct fault *f)
{
	static const char *const known[] = {"connections", "bytes", "window",
					    "over",	   "scope", NULL};
	static const char *const over_words[] = {"report", "block", NULL};
	struct license_quota quota = {.scope = SCOPE_POD};
	const cJSON *item = NULL;
	int over = 0, r = json_object(object, "quota", &item, f);

	if (r || !item)
		return r;
	r = refuse_unknown(item, "quota", known, f);
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
		r = missing("quota", "\"window\" and one of \"connections\" and \"bytes\"", f);
	if (r)
		return r;
	quota.block = over == 1;
	*out = quota;
	return 0;
}

int claims_rate(const cJSON *object, struct license_rate *out, struct fault *f)
{
	static const char *const known[] = {"connections", "per", "burst", NULL};
	struct license_rate rate = {.per_s = 1};
	const cJSON *item = NULL;
	int r = json_object(object, "rate", &item, f);

	if (r || !item)
		return r;
	r = refuse_unknown(item, "rate", known, f);
	if (!r)
		r = json_int(item, "connections", 1, JSON_INT_MAX, &rate.connections, f);
	if (!r && !rate.connections)
		r = missing("rate", "\"connections\"", f);
	if (!r)
		r = json_int(item, "per", 1, JSON_INT_MAX, &rate.per_s, f);
	rate.burst = rate.connections;
	if (!r)
		r = json_int(item, "burst", 1, JSON_INT_MAX, &rate.burst, f);
	if (!r)
		*out = rate;
	return r;
}
