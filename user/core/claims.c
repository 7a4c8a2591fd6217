/* SPDX-License-Identifier: MIT */
/* claims.c - reads the claims in the order in which the format judges them. */
#include "claims.h"

#include <errno.h>
#include <string.h>

#include "rejection.h"

#define MAX_GRACE_S 31622400 /* 366 days */
#define MIN_RL_MAX_AGE_S 3600
#define MAX_AUD 16
#define MAX_FEATURES 64

/* Every claim of this profile: what `must` may name. */
static const char *const known_claims[] = {
	"iss",	 "sub",	     "aud",  "jti",   "iat",	    "nbf",   "exp",
	"ver",	 "lid",	     "seq",  "plan",  "grace",	    "ports", "seats",
	"quota", "features", "bind", "lapse", "rl_max_age", "must",  NULL};

static const char *const required_claims[] = {"iss", "sub", "aud", "jti",   "iat",
					      "exp", "lid", "seq", "ports", NULL};

static int reject_missing(const char *name, struct rejection *why)
{
	return reject(why, LICENSE_MISSING_CLAIM,
		      "\"%s\" is missing; the issuer must sign the license with it", name);
}

int claims_time(const cJSON *object, const char *name, int64_t *out, struct rejection *why)
{
	const cJSON *item = json_get(object, name);
	int64_t value = json_int_value(item);

	if (!item)
		return reject_missing(name, why);
	if (value > LICENSE_TIME_MAX && value / 1000 <= LICENSE_TIME_MAX)
		return reject(why, LICENSE_BAD_TIME,
			      "\"%s\" %lld looks like milliseconds; times are seconds since 1970",
			      name, (long long)value);
	if (value < 1 || value > LICENSE_TIME_MAX)
		return reject(
			why, LICENSE_BAD_TIME,
			"\"%s\" must be an integer from 1 to %lld, seconds since 1970, without "
			"sign, fraction or exponent",
			name, LICENSE_TIME_MAX);
	*out = value;
	return 0;
}

int claims_text(const cJSON *object, const char *name, size_t max, char **out,
		struct rejection *why)
{
	struct fault f = {""};
	const char *text = NULL;
	int r = json_string(object, name, 1, max, &text, &f);

	if (r)
		return reject_fault(why, LICENSE_BAD_CLAIM, r, &f);
	if (!text)
		return reject_missing(name, why);
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

static int check_version(const cJSON *payload, struct rejection *why)
{
	const cJSON *item = json_get(payload, "ver");
	int64_t ver = json_int_value(item);

	if (!item)
		return reject_missing("ver", why);
	if (ver < 0)
		return reject(why, LICENSE_BAD_CLAIM, "\"ver\" must be the integer 1");
	if (ver != 1)
		return reject(why, LICENSE_UNSUPPORTED,
			      "\"ver\" is %lld, this program reads 1; update it", (long long)ver);
	return 0;
}

static int check_must(const cJSON *payload, struct rejection *why)
{
	const cJSON *array = NULL, *item;
	struct fault f = {""};
	int r = json_array(payload, "must", 0, json_default_limits.max_members, &array, &f);

	if (r)
		return reject_fault(why, LICENSE_BAD_CLAIM, r, &f);
	cJSON_ArrayForEach (item, array) {
		const char *name = cJSON_GetStringValue(item);
		size_t i = 0;

		if (!name)
			return reject(why, LICENSE_BAD_CLAIM, "\"must\" must be an array of names");
		while (known_claims[i] && strcmp(known_claims[i], name))
			i++;
		if (!known_claims[i])
			return reject(why, LICENSE_UNSUPPORTED,
				      "\"must\" names \"%.64s\", which this program doesn't know; "
				      "update it",
				      name);
	}
	return 0;
}

static int check_required(const cJSON *payload, struct rejection *why)
{
	for (size_t i = 0; required_claims[i]; i++)
		if (!json_get(payload, required_claims[i]))
			return reject_missing(required_claims[i], why);
	return 0;
}

/* A string, or an array of them. */
static int read_aud(const cJSON *payload, struct license *lic, struct rejection *why)
{
	struct fault f = {""};

	if (cJSON_IsString(json_get(payload, "aud"))) {
		lic->aud = calloc(1, sizeof(*lic->aud));
		if (!lic->aud)
			return -ENOMEM;
		lic->n_aud = 1;
		return claims_text(payload, "aud", LICENSE_MAX_ISS, lic->aud, why);
	}
	return reject_fault(why, LICENSE_BAD_CLAIM,
			    json_strings(payload, "aud", 1, MAX_AUD, 1, LICENSE_MAX_ISS, &lic->aud,
					 &lic->n_aud, &f),
			    &f);
}

static int read_names(const cJSON *payload, struct license *lic, struct rejection *why)
{
	int r = claims_text(payload, "iss", LICENSE_MAX_ISS, &lic->iss, why);

	if (!r)
		r = claims_text(payload, "sub", 256, &lic->sub, why);
	if (!r)
		r = read_aud(payload, lic, why);
	if (!r)
		r = claims_text(payload, "jti", 128, &lic->jti, why);
	if (!r)
		r = claims_text(payload, "lid", 128, &lic->lid, why);
	if (!r && json_get(payload, "plan"))
		r = claims_text(payload, "plan", 64, &lic->plan, why);
	return r;
}

static int read_times(const cJSON *payload, struct license *lic, struct rejection *why)
{
	int r = claims_time(payload, "iat", &lic->iat, why);

	lic->nbf = lic->iat;
	if (!r && json_get(payload, "nbf"))
		r = claims_time(payload, "nbf", &lic->nbf, why);
	return r ? r : claims_time(payload, "exp", &lic->exp, why);
}

static int read_binding(const cJSON *bind, struct license *lic, struct fault *f)
{
	static const char *const known[] = {"cluster", "nodes", NULL};
	const char *cluster = NULL, *unknown = json_unknown(bind, known);
	int r;

	if (unknown)
		return fault_set(f, EINVAL, "\"%.64s\" is unknown; remove it", unknown);
	r = json_string(bind, "cluster", 1, LICENSE_MAX_ISS, &cluster, f);
	if (!r)
		r = json_strings(bind, "nodes", 1, json_default_limits.max_members, 1,
				 LICENSE_MAX_ISS, &lic->bind_nodes, &lic->n_bind_nodes, f);
	if (!r && !cluster && !lic->n_bind_nodes)
		r = fault_set(f, EINVAL, "needs \"cluster\" or \"nodes\"");
	if (!r && cluster && !(lic->bind_cluster = strdup(cluster)))
		r = -ENOMEM;
	return r;
}

static int read_bind(const cJSON *payload, struct license *lic, struct fault *f)
{
	const cJSON *bind = NULL;
	struct fault inner = {""};
	int r = json_object(payload, "bind", &bind, f);

	if (r || !bind)
		return r;
	return json_within("bind", read_binding(bind, lic, &inner), &inner, f);
}

static int read_terms(const cJSON *payload, struct license *lic, struct fault *f)
{
	static const char *const lapse_words[] = {[PLIC_BLOCK_NEW] = "block-new",
						  [PLIC_BLOCK] = "block",
						  [PLIC_REPORT] = "report",
						  NULL};
	int lapse = PLIC_BLOCK_NEW, r = json_int(payload, "seq", 0, JSON_INT_MAX, &lic->seq, f);

	if (!r)
		r = json_int(payload, "grace", 0, MAX_GRACE_S, &lic->grace_s, f);
	if (!r)
		r = json_strings(payload, "features", 0, MAX_FEATURES, 1, 64, &lic->features,
				 &lic->n_features, f);
	if (!r)
		r = claims_seats(payload, &lic->seats, &lic->seats_scope, f);
	if (!r)
		r = claims_quota(payload, &lic->quota, f);
	if (!r)
		r = read_bind(payload, lic, f);
	if (!r)
		r = json_int(payload, "rl_max_age", MIN_RL_MAX_AGE_S, JSON_INT_MAX,
			     &lic->rl_max_age_s, f);
	if (!r)
		r = json_word(payload, "lapse", lapse_words, &lapse, f);
	lic->lapse = (enum plic_lapse)lapse;
	return r;
}

static int read_claims(const cJSON *payload, struct license *lic, struct rejection *why)
{
	struct fault f = {""};
	int r = check_version(payload, why);

	if (!r)
		r = check_must(payload, why);
	if (!r)
		r = check_required(payload, why);
	if (!r)
		r = read_names(payload, lic, why);
	if (!r)
		r = read_times(payload, lic, why);
	if (!r)
		r = reject_fault(why, LICENSE_BAD_CLAIM, read_terms(payload, lic, &f), &f);
	return r ? r : claims_ports(payload, lic, why);
}

static void cleanup_license(struct license **lic)
{
	license_free(*lic);
}

int claims_parse(const void *payload, size_t len, struct license **out, struct rejection *why)
{
	_cleanup_(cleanup_license) struct license *lic = NULL;
	_json_ cJSON *tree = NULL;
	int r = parse_or_reject("payload", payload, len, NULL, LICENSE_BAD_CLAIM, &tree, why);

	if (r)
		return r;
	lic = calloc(1, sizeof(*lic));
	if (!lic)
		return -ENOMEM;
	r = read_claims(tree, lic, why);
	if (r)
		return r;
	*out = TAKE_PTR(lic);
	return 0;
}
