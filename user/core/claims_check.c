/* SPDX-License-Identifier: MIT */
/* claims_check.c - holds claims against the key, the installation and the clock. */
#include "claims.h"

#include <string.h>

#include "lifecycle.h"
#include "portlist.h"
#include "rejection.h"

int claims_check_issuer(const struct trust_key *key, const char *iss, int64_t iat,
			struct rejection *why)
{
	if (strcmp(key->vendor->iss, iss))
		return reject(why, LICENSE_ISSUER_MISMATCH,
			      "\"iss\" is \"%.64s\", but key \"%.48s\" belongs to \"%.64s\"", iss,
			      key->kid, key->vendor->iss);
	if (iat >= key->retired)
		return reject(
			why, LICENSE_UNKNOWN_KID,
			"key \"%.64s\" is retired since %lld, \"iat\" is %lld; the vendor must "
			"sign with its new key",
			key->kid, (long long)key->retired, (long long)iat);
	return 0;
}

/* Whether the license names value; "*" is a name like any other. */
static bool named(char *const *names, size_t n, const char *value)
{
	for (size_t i = 0; value && i < n; i++)
		if (!strcmp(names[i], value))
			return true;
	return false;
}

static int check_audience(const struct license_check *check, const struct license *lic,
			  struct rejection *why)
{
	if (named(lic->aud, lic->n_aud, check->audience))
		return 0;
	return reject(why, LICENSE_WRONG_AUDIENCE,
		      "\"aud\" names \"%.64s\"%s, this installation's audience is \"%.64s\"",
		      lic->aud[0], lic->n_aud > 1 ? " and others" : "",
		      check->audience ? check->audience : "");
}

static int check_binding(const struct license_check *check, const struct license *lic,
			 struct rejection *why)
{
	if (check->skip_bind)
		return 0;
	if (lic->bind_cluster && !named(&lic->bind_cluster, 1, check->bind_cluster))
		return reject(why, LICENSE_WRONG_BINDING,
			      "\"bind\" is for cluster \"%.64s\", this one is \"%.64s\"",
			      lic->bind_cluster,
			      check->bind_cluster ? check->bind_cluster : "not known");
	if (lic->n_bind_nodes && !named(lic->bind_nodes, lic->n_bind_nodes, check->bind_node))
		return reject(why, LICENSE_WRONG_BINDING,
			      "\"bind\" is for node \"%.64s\"%s, this one is \"%.64s\"",
			      lic->bind_nodes[0], lic->n_bind_nodes > 1 ? " and others" : "",
			      check->bind_node ? check->bind_node : "not known");
	return 0;
}

int claims_check_times(const struct license *lic, int64_t now, struct rejection *why)
{
	if (lic->exp <= lic->nbf)
		return reject(why, LICENSE_EXP_BEFORE_NBF,
			      "\"exp\" %lld isn't after \"%s\" %lld: the license is never valid",
			      (long long)lic->exp, lic->nbf == lic->iat ? "iat" : "nbf",
			      (long long)lic->nbf);
	if (lic->iat - LIFECYCLE_SLACK_S > now)
		return reject(why, LICENSE_IAT_FUTURE,
			      "\"iat\" %lld is more than %d s ahead of the clock (%lld); check the "
			      "clocks "
			      "of both sides",
			      (long long)lic->iat, LIFECYCLE_SLACK_S, (long long)now);
	return 0;
}

static int check_allowed(const struct trust_vendor *vendor, const struct license *lic,
			 struct rejection *why)
{
	for (size_t i = 0; vendor->n_allow && i < lic->n_ports; i++) {
		const struct license_port *p = &lic->ports[i];

		if (!portlist_covers(vendor->allow, vendor->n_allow, p->port, p->end_port))
			return reject(why, LICENSE_NOT_ALLOWED,
				      "\"ports\"[%zu] %u-%u reaches past \"allow\" of trust file "
				      "\"%.64s\"",
				      i, p->port, p->end_port, vendor->file);
	}
	return 0;
}

/* Ports that another vendor's trust file reserves: nobody else's license opens them. */
static int check_reserved(const struct trust *trust, const struct license *lic,
			  struct rejection *why)
{
	for (size_t i = 0; i < lic->n_ports; i++) {
		const struct license_port *p = &lic->ports[i];
		const struct trust_vendor *vendor =
			trust_reserved(trust, p->port, p->end_port, lic->iss);

		if (vendor)
			return reject(why, LICENSE_NOT_ALLOWED,
				      "\"ports\"[%zu] %u-%u: trust file \"%.64s\" reserves ports "
				      "there for another vendor",
				      i, p->port, p->end_port, vendor->file);
	}
	return 0;
}

int claims_check(const struct license_check *check, const struct trust_key *key,
		 const struct license *lic, struct rejection *why)
{
	int r = claims_check_issuer(key, lic->iss, lic->iat, why);

	if (!r)
		r = check_audience(check, lic, why);
	if (!r)
		r = check_binding(check, lic, why);
	if (!r)
		r = claims_check_times(lic, check->now, why);
	if (!r)
		r = check_allowed(key->vendor, lic, why);
	return r ? r : check_reserved(check->trust, lic, why);
}
