/* SPDX-License-Identifier: MIT */
/* revocation.c - lists of what vendors took back; the newest of each issuer counts. */
#include "revocation.h"

#include <errno.h>
#include <string.h>

#include "claims.h"
#include "jws.h"
#include "lifecycle.h"
#include "rejection.h"
#include "sorted.h"

enum key { KEY_JTI, KEY_LID, KEY_KID, N_KEYS };

static const char *const key_words[] = {[KEY_JTI] = "jti", [KEY_LID] = "lid", [KEY_KID] = "kid"};

/* Revokes what has this value as its jti, lid or kid. */
struct entry {
	enum key key;
	char *value;
	int64_t at;
};

struct list {
	char *iss;
	int64_t iat, exp, seq;
	struct entry *entries; /* sorted by key, value, at */
	size_t n_entries;
	uint8_t sha256[32];
};

struct revocations {
	struct list **lists;
	size_t n_lists;
};

/* 20,000 entries with five members each and room to spare. */
static const struct json_limits list_limits = {.max_depth = 8, .max_members = 131072};

static void list_free(struct list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n_entries; i++)
		free(list->entries[i].value);
	free(list->entries);
	free(list->iss);
	free(list);
}

static void cleanup_list(struct list **list)
{
	list_free(*list);
}

int revocations_new(struct revocations **out)
{
	struct revocations *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*out = r;
	return 0;
}

void revocations_free(struct revocations *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_lists; i++)
		list_free(r->lists[i]);
	free(r->lists);
	free(r);
}

static int read_entry(const cJSON *item, struct entry *out, struct rejection *why)
{
	int named = 0, r;

	if (!cJSON_IsObject(item))
		return reject(why, LICENSE_BAD_CLAIM, "must be an object");
	for (int k = 0; k < N_KEYS; k++) {
		if (json_get(item, key_words[k])) {
			out->key = (enum key)k;
			named++;
		}
	}
	if (named != 1)
		return reject(why, LICENSE_BAD_CLAIM,
			      "must have exactly one of \"jti\", \"lid\" and \"kid\"");
	if (json_get(item, "why") && !json_string_value(json_get(item, "why"), 0, 128))
		return reject(why, LICENSE_BAD_CLAIM,
			      "\"why\" must be a string of up to 128 bytes");
	r = claims_time(item, "at", &out->at, why);
	return r ? r : claims_text(item, key_words[out->key], 128, &out->value, why);
}

static int compare_names(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->key != y->key ? (int)x->key - (int)y->key : strcmp(x->value, y->value);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_names(x, y);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

static int read_entries(const cJSON *payload, struct list *list, struct rejection *why)
{
	const cJSON *array = NULL, *item;
	struct rejection inner;
	struct fault f = {""};
	int r = json_array(payload, "revoked", 0, REVOCATION_MAX_ENTRIES, &array, &f);

	if (r)
		return reject_fault(why, LICENSE_BAD_CLAIM, r, &f);
	if (!array)
		return reject(why, LICENSE_MISSING_CLAIM,
			      "\"revoked\" is missing; an empty list is "
			      "\"revoked\":[]");
	list->entries = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*list->entries));
	if (!list->entries)
		return -ENOMEM;
	cJSON_ArrayForEach (item, array) {
		r = read_entry(item, &list->entries[list->n_entries], &inner);
		if (r == -EBADMSG)
			return reject(why, inner.reason, "\"revoked\"[%zu]: %s", list->n_entries,
				      inner.detail);
		if (r)
			return r;
		list->n_entries++;
	}
	qsort(list->entries, list->n_entries, sizeof(*list->entries), compare_entries);
	return 0;
}

static int read_head(const cJSON *payload, struct list *list, struct rejection *why)
{
	struct fault f = {""};
	int r = claims_text(payload, "iss", LICENSE_MAX_ISS, &list->iss, why);

	if (!r)
		r = claims_time(payload, "iat", &list->iat, why);
	if (!r)
		r = claims_time(payload, "exp", &list->exp, why);
	if (r)
		return r;
	if (!json_get(payload, "seq"))
		return reject(why, LICENSE_MISSING_CLAIM, "\"seq\" is missing; number the lists");
	r = json_int(payload, "seq", 0, JSON_INT_MAX, &list->seq, &f);
	return reject_fault(why, LICENSE_BAD_CLAIM, r, &f);
}

static int check_list(const struct license_check *check, const char *kid, const struct list *list,
		      struct rejection *why)
{
	int r = claims_check_issuer(trust_find(check->trust, kid), list->iss, list->iat, why);

	if (r)
		return r;
	if (list->exp <= list->iat)
		return reject(why, LICENSE_EXP_BEFORE_NBF,
			      "\"exp\", the next update, isn't after \"iat\"");
	if (list->iat - LIFECYCLE_SLACK_S > check->now)
		return reject(why, LICENSE_IAT_FUTURE,
			      "\"iat\" %lld is more than %d s ahead of the clock (%lld)",
			      (long long)list->iat, LIFECYCLE_SLACK_S, (long long)check->now);
	return 0;
}

static int read_list(const struct license_check *check, const void *buf, size_t len,
		     struct list *list, struct rejection *why)
{
	const struct jws_rules rules = {
		.typ = JWS_TYP_REVOCATION,
		.max_bytes = REVOCATION_MAX_BYTES,
		.find = trust_find_x,
		.keys = check->trust,
	};
	_cleanup_(jws_free) struct jws jws = {0};
	_json_ cJSON *payload = NULL;
	int r = jws_read(&rules, buf, len, &jws, why);

	if (!r)
		r = parse_or_reject("payload", jws.payload, jws.payload_len, &list_limits,
				    LICENSE_BAD_CLAIM, &payload, why);
	if (!r)
		r = read_head(payload, list, why);
	if (!r)
		r = read_entries(payload, list, why);
	if (!r)
		r = check_list(check, jws.kid, list, why);
	if (!r)
		memcpy(list->sha256, jws.sha256, sizeof(list->sha256));
	return r;
}

/* Which of two lists of an issuer counts: seq, then iat, then the larger SHA-256. */
static int compare_lists(const struct list *a, const struct list *b)
{
	if (a->seq != b->seq)
		return a->seq > b->seq ? 1 : -1;
	if (a->iat != b->iat)
		return a->iat > b->iat ? 1 : -1;
	return memcmp(a->sha256, b->sha256, sizeof(a->sha256));
}

static struct list **find_list(const struct revocations *r, const char *iss)
{
	for (size_t i = 0; i < r->n_lists; i++)
		if (!strcmp(r->lists[i]->iss, iss))
			return &r->lists[i];
	return NULL;
}

int revocations_take(struct revocations *r, const struct license_check *check, const void *buf,
		     size_t len, const char **iss, struct rejection *why)
{
	_cleanup_(cleanup_list) struct list *list = calloc(1, sizeof(*list));
	struct list **old, **lists;
	int err, order;

	if (!list)
		return -ENOMEM;
	err = read_list(check, buf, len, list, why);
	if (err)
		return err;
	old = find_list(r, list->iss);
	if (old) {
		order = compare_lists(list, *old);
		if (order < 0)
			return -ESTALE;
		if (order > 0) {
			list_free(*old);
			*old = TAKE_PTR(list);
		}
		*iss = (*old)->iss;
		return 0;
	}
	lists = reallocarray(r->lists, r->n_lists + 1, sizeof(*lists));
	if (!lists)
		return -ENOMEM;
	r->lists = lists;
	*iss = list->iss;
	lists[r->n_lists++] = TAKE_PTR(list);
	return 0;
}

int revocations_add(struct revocations *r, const struct license_check *check, const void *buf,
		    size_t len, struct rejection *why)
{
	const char *iss;

	return revocations_take(r, check, buf, len, &iss, why);
}

/* Earliest `at` of the entries with this name: the first of them, binary search. */
static int64_t entry_at(const struct list *list, enum key key, const char *value)
{
	const struct entry wanted = {.key = key, .value = (char *)value};
	size_t at;

	if (!value)
		return INT64_MAX;
	at = sorted_place(&wanted, list->entries, list->n_entries, sizeof(*list->entries),
			  compare_names);
	if (at == list->n_entries || compare_names(&wanted, &list->entries[at]))
		return INT64_MAX;
	return list->entries[at].at;
}

int64_t revocations_at(const struct revocations *r, const struct license *lic)
{
	struct list **list = find_list(r, lic->iss);
	const char *const values[] = {
		[KEY_JTI] = lic->jti, [KEY_LID] = lic->lid, [KEY_KID] = lic->kid};
	int64_t at = INT64_MAX;

	for (int k = 0; list && k < N_KEYS; k++) {
		int64_t t = entry_at(*list, (enum key)k, values[k]);

		if (t < at)
			at = t;
	}
	return at;
}

int64_t revocations_at_jti(const struct revocations *r, const struct license *lic)
{
	struct list **list = find_list(r, lic->iss);

	return list ? entry_at(*list, KEY_JTI, lic->jti) : INT64_MAX;
}

int64_t revocations_newest(const struct revocations *r, const char *iss)
{
	struct list **list = find_list(r, iss);

	return list ? (*list)->iat : -1;
}

int64_t revocations_latest(const struct revocations *r)
{
	int64_t latest = -1;

	for (size_t i = 0; i < r->n_lists; i++)
		if (r->lists[i]->iat > latest)
			latest = r->lists[i]->iat;
	return latest;
}
