/* SPDX-License-Identifier: MIT */
/* trust.c - JWK Sets of vendors, each file taken whole or not at all. */
#include "trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "json.h"
#include "jwk.h"
#include "jws.h"
#include "portlist.h"

/* Keys and vendors are allocated one by one, so that pointers to them hold while files are added. */
struct trust {
	struct trust_key **keys;
	size_t n_keys;
	struct trust_vendor **vendors;
	size_t n_vendors;
};

int trust_new(struct trust **out)
{
	struct trust *trust;

	if (sodium_init() < 0)
		return -EIO;
	trust = calloc(1, sizeof(*trust));
	if (!trust)
		return -ENOMEM;
	*out = trust;
	return 0;
}

static void vendor_free(struct trust_vendor *vendor)
{
	if (!vendor)
		return;
	free(vendor->file);
	free(vendor->iss);
	free(vendor->allow);
	free(vendor->reserve);
	json_free_strings(vendor->allow_namespaces, vendor->n_allow_namespaces);
	free(vendor);
}

static void trust_clear(struct trust *trust)
{
	for (size_t i = 0; i < trust->n_keys; i++) {
		free(trust->keys[i]->kid);
		free(trust->keys[i]);
	}
	for (size_t i = 0; i < trust->n_vendors; i++)
		vendor_free(trust->vendors[i]);
	free(trust->keys);
	free(trust->vendors);
}

void trust_free(struct trust *trust)
{
	if (!trust)
		return;
	trust_clear(trust);
	free(trust);
}

static int refuse_unknown(const cJSON *object, const char *const *known, struct fault *f)
{
	const char *unknown = json_unknown(object, known);

	if (!unknown)
		return 0;
	return fault_set(f, EINVAL, "\"%.64s\" is unknown here; correct or remove it", unknown);
}

static int read_ports(const cJSON *object, struct port_range **out, size_t *n, struct fault *f)
{
	const cJSON *item = json_get(object, "ports");
	const char *text = cJSON_GetStringValue(item);
	int r;

	if (!item)
		return 0;
	r = text ? portlist_parse(text, out, n) : -EINVAL;
	if (r == -EINVAL)
		return fault_set(f, EINVAL,
				 "\"ports\" must be a list of ports like \"9443,9500-9599\"");
	return r ? fault_set(f, ENOMEM, "out of memory") : 0;
}

static int read_allow(const cJSON *allow, struct trust_vendor *vendor, struct fault *f)
{
	static const char *const known[] = {"ports", "namespaces", NULL};
	int r = refuse_unknown(allow, known, f);

	if (!r)
		r = read_ports(allow, &vendor->allow, &vendor->n_allow, f);
	if (!r)
		r = json_strings(allow, "namespaces", 1, 1024, 1, 253, &vendor->allow_namespaces,
				 &vendor->n_allow_namespaces, f);
	return r;
}

static int read_reserve(const cJSON *reserve, struct trust_vendor *vendor, struct fault *f)
{
	static const char *const known[] = {"ports", NULL};
	int r = refuse_unknown(reserve, known, f);

	return r ? r : read_ports(reserve, &vendor->reserve, &vendor->n_reserve, f);
}

/* What the operator says of the vendor. */
static int read_bounds(const cJSON *set, struct trust_vendor *vendor, struct fault *f)
{
	const cJSON *allow = NULL, *reserve = NULL;
	struct fault inner = {""};
	int r = json_object(set, "allow", &allow, f);

	if (!r && allow)
		r = json_within("allow", read_allow(allow, vendor, &inner), &inner, f);
	if (!r)
		r = json_object(set, "reserve", &reserve, f);
	if (!r && reserve)
		r = json_within("reserve", read_reserve(reserve, vendor, &inner), &inner, f);
	return r;
}

static int read_vendor(const cJSON *set, struct trust_vendor *vendor, struct fault *f)
{
	static const char *const known[] = {"iss", "allow", "reserve", "keys", NULL};
	const char *iss = NULL;
	int r;

	if (json_get(set, "d"))
		return fault_set(f, EINVAL,
				 "this is a PRIVATE key: remove it from this node at once and put "
				 "the vendor's trust file (*.jwks) here");
	r = refuse_unknown(set, known, f);
	if (!r)
		r = json_string(set, "iss", 1, LICENSE_MAX_ISS, &iss, f);
	if (r)
		return r;
	if (!iss)
		return fault_set(f, EINVAL,
				 "\"iss\" is missing; add the vendor's issuer name as it "
				 "stands in its licenses");
	vendor->iss = strdup(iss);
	if (!vendor->iss)
		return fault_set(f, ENOMEM, "out of memory");
	return read_bounds(set, vendor, f);
}

static int read_key(const cJSON *jwk, struct trust_key *key, struct fault *f)
{
	const char *kid = NULL;
	int r = jwk_read_public(jwk, key->x, f);

	if (!r)
		r = json_string(jwk, "kid", 1, JWS_MAX_KID, &kid, f);
	if (!r && !kid)
		r = fault_set(f, EINVAL, "\"kid\" is missing; tokens name their key by it");
	key->retired = INT64_MAX;
	if (!r)
		r = json_int(jwk, "retired", 1, LICENSE_TIME_MAX, &key->retired, f);
	if (r)
		return r;
	key->kid = strdup(kid);
	return key->kid ? 0 : fault_set(f, ENOMEM, "out of memory");
}

/* part: the file so far; trust: the store it is meant for. */
static int add_key(struct trust *part, const struct trust *trust, const cJSON *jwk, struct fault *f)
{
	_free_ struct trust_key *key = calloc(1, sizeof(*key));
	const struct trust_key *other;
	int r;

	if (!key)
		return fault_set(f, ENOMEM, "out of memory");
	r = read_key(jwk, key, f);
	if (r)
		return r;
	other = trust_find(part, key->kid);
	if (!other)
		other = trust_find(trust, key->kid);
	if (other) {
		r = fault_set(f, EINVAL,
			      "\"kid\" \"%.128s\" stands twice, also in \"%.80s\"; keep one",
			      key->kid, other->vendor->file);
		free(key->kid);
		return r;
	}
	key->vendor = part->vendors[0];
	part->keys[part->n_keys++] = TAKE_PTR(key);
	return 0;
}

static int read_keys(const cJSON *set, struct trust *part, const struct trust *trust,
		     struct fault *f)
{
	const cJSON *keys = json_get(set, "keys"), *jwk;
	struct fault why = {""};
	size_t i = 0;

	if (!cJSON_IsArray(keys))
		return fault_set(f, EINVAL, "\"keys\" must be an array of JSON Web Keys");
	part->keys = calloc((size_t)cJSON_GetArraySize(keys) + 1, sizeof(*part->keys));
	if (!part->keys)
		return fault_set(f, ENOMEM, "out of memory");
	cJSON_ArrayForEach (jwk, keys) {
		int r = add_key(part, trust, jwk, &why);

		if (r)
			return fault_set(f, -r, "\"keys\"[%zu]: %s", i, why.text);
		i++;
	}
	return 0;
}

static int read_set(const char *file, const cJSON *set, struct trust *part,
		    const struct trust *trust, struct fault *f)
{
	struct trust_vendor *vendor = calloc(1, sizeof(*vendor));
	int r;

	part->vendors = calloc(1, sizeof(struct trust_vendor *));
	if (!vendor || !part->vendors) {
		free(vendor);
		return fault_set(f, ENOMEM, "out of memory");
	}
	part->vendors[part->n_vendors++] = vendor;
	vendor->file = strdup(file);
	if (!vendor->file)
		return fault_set(f, ENOMEM, "out of memory");
	r = read_vendor(set, vendor, f);
	return r ? r : read_keys(set, part, trust, f);
}

/* Moves what part owns to trust, or leaves both as they are. */
static int merge(struct trust *trust, struct trust *part)
{
	struct trust_key **keys =
		reallocarray(trust->keys, trust->n_keys + part->n_keys + 1, sizeof(*keys));
	struct trust_vendor **vendors;

	if (!keys)
		return -ENOMEM;
	trust->keys = keys;
	vendors =
		reallocarray(trust->vendors, trust->n_vendors + part->n_vendors, sizeof(*vendors));
	if (!vendors)
		return -ENOMEM;
	trust->vendors = vendors;
	memcpy(keys + trust->n_keys, part->keys, part->n_keys * sizeof(*keys));
	memcpy(vendors + trust->n_vendors, part->vendors, part->n_vendors * sizeof(*vendors));
	trust->n_keys += part->n_keys;
	trust->n_vendors += part->n_vendors;
	part->n_keys = part->n_vendors = 0;
	return 0;
}

int trust_add(struct trust *trust, const char *file, const void *buf, size_t len, struct fault *f)
{
	struct trust part = {0};
	struct fault why = {""};
	_json_ cJSON *set = NULL;
	char what[160];
	int r;

	snprintf(what, sizeof(what), "trust file \"%.128s\"", file);
	if (len > TRUST_MAX_BYTES)
		return fault_set(f, EBADMSG, "%s: %zu bytes, at most %d", what, len,
				 TRUST_MAX_BYTES);
	r = json_parse_object(what, buf, len, &set, f);
	if (r)
		return r;
	r = read_set(file, set, &part, trust, &why);
	if (!r)
		r = merge(trust, &part);
	trust_clear(&part);
	if (r == -ENOMEM)
		return fault_set(f, ENOMEM, "%s: out of memory", what);
	return r ? fault_set(f, EBADMSG, "%s: %s", what, why.text) : 0;
}

const struct trust_key *trust_find(const struct trust *trust, const char *kid)
{
	for (size_t i = 0; i < trust->n_keys; i++)
		if (!strcmp(trust->keys[i]->kid, kid))
			return trust->keys[i];
	return NULL;
}

const uint8_t *trust_find_x(const void *trust, const char *kid)
{
	const struct trust_key *key = trust_find(trust, kid);

	return key ? key->x : NULL;
}

size_t trust_n_keys(const struct trust *trust)
{
	return trust->n_keys;
}

size_t trust_n_vendors(const struct trust *trust)
{
	return trust->n_vendors;
}

const struct trust_vendor *trust_vendor(const struct trust *trust, size_t i)
{
	return trust->vendors[i];
}

const struct trust_vendor *trust_reserved(const struct trust *trust, uint16_t first, uint16_t last,
					  const char *iss)
{
	for (size_t i = 0; i < trust->n_vendors; i++) {
		const struct trust_vendor *vendor = trust->vendors[i];

		if (iss && !strcmp(vendor->iss, iss))
			continue;
		if (portlist_meets(vendor->reserve, vendor->n_reserve, first, last))
			return vendor;
	}
	return NULL;
}
