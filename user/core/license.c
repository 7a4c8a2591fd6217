/* SPDX-License-Identifier: MIT */
/* license.c - one license from the bytes of its file to a verdict on it. */
#include "license.h"

#include <errno.h>
#include <string.h>

#include "claims.h"
#include "jws.h"

void license_free(struct license *lic)
{
	if (!lic)
		return;
	free(lic->iss);
	free(lic->sub);
	free(lic->jti);
	free(lic->lid);
	free(lic->kid);
	free(lic->plan);
	json_free_strings(lic->aud, lic->n_aud);
	json_free_strings(lic->features, lic->n_features);
	json_free_strings(lic->bind_nodes, lic->n_bind_nodes);
	free(lic->bind_cluster);
	free(lic->ports);
	free(lic);
}

static int read_license(const struct jws_rules *rules, const struct license_check *check,
			const void *buf, size_t len, struct license **out, struct rejection *why)
{
	_cleanup_(jws_free) struct jws jws = {0};
	struct license *lic;
	int r = jws_read(rules, buf, len, &jws, why);

	if (!r)
		r = claims_parse(jws.payload, jws.payload_len, &lic, why);
	if (r)
		return r;
	if (check)
		r = claims_check(check, trust_find(check->trust, jws.kid), lic, why);
	if (r) {
		license_free(lic);
		return r;
	}
	lic->kid = TAKE_PTR(jws.kid);
	memcpy(lic->sha256, jws.sha256, sizeof(lic->sha256));
	*out = lic;
	return 0;
}

int license_read(const struct license_check *check, const void *buf, size_t len,
		 struct license **out, struct rejection *why)
{
	const struct jws_rules rules = {
		.typ = JWS_TYP_LICENSE,
		.max_bytes = LICENSE_MAX_BYTES,
		.find = trust_find_x,
		.keys = check->trust,
	};

	return read_license(&rules, check, buf, len, out, why);
}

int license_peek(const void *buf, size_t len, struct license **out, struct rejection *why)
{
	const struct jws_rules rules = {.typ = JWS_TYP_LICENSE, .max_bytes = LICENSE_MAX_BYTES};

	return read_license(&rules, NULL, buf, len, out, why);
}

int license_check_claims(const void *payload, size_t len, int64_t now, struct rejection *why)
{
	struct license *lic;
	int r = claims_parse(payload, len, &lic, why);

	if (r)
		return r;
	r = claims_check_times(lic, now, why);
	license_free(lic);
	return r;
}
