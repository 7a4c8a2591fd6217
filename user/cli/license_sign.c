/* SPDX-License-Identifier: MIT */
/* license_sign.c - portlic license sign: claims to a token, refused where a node would refuse it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <sodium.h>

#include "files.h"
#include "jws.h"
#include "output.h"
#include "refusal.h"
#include "revocation.h"
#include "trust_store.h"

#define MAX_KEY_FILE 65536
#define UNKNOWN_ISS "?" /* stands where neither key nor claims name the vendor */

struct signer {
	struct jwk key;
	char *iss; /* NULL: the key file doesn't name its vendor */
};

static void signer_free(struct signer *signer)
{
	jwk_wipe(&signer->key);
	free(signer->iss);
}

static void revocations_cleanup(struct revocations **list)
{
	revocations_free(*list);
}

static void license_cleanup(struct license **lic)
{
	license_free(*lic);
}

static void wipe_member(cJSON *jwk, const char *name)
{
	char *text = cJSON_GetStringValue(json_get(jwk, name));

	if (text)
		sodium_memzero(text, strlen(text));
}

static int read_signer(const char *file, struct signer *out, struct failure *why)
{
	_buffer_ struct buffer text = {};
	_json_ cJSON *jwk = NULL;
	const char *iss;
	struct stat st;
	int r = file_read(file, MAX_KEY_FILE, &text, why);

	if (r)
		return r;
	if (jwk_read_private(file, text.bytes, text.len, &out->key, &why->fault))
		return EXIT_USAGE;
	jwk = cJSON_Parse(text.bytes); /* strictly checked by jwk_read_private */
	iss = json_string_value(json_get(jwk, "iss"), 1, 256);
	out->iss = iss ? strdup(iss) : NULL;
	wipe_member(jwk, "d");
	if (!stat(file, &st) && st.st_mode & 077)
		warning("others may read the private key \"%s\"; chmod 600 it", file);
	return 0;
}

/* White space around the JSON text doesn't belong to the payload. */
static void trim(const struct buffer *text, const char **start, size_t *len)
{
	static const char space[] = " \t\r\n";
	const char *from = text->bytes, *to = text->bytes + text->len;

	while (from < to && *from && strchr(space, *from))
		from++;
	while (to > from && to[-1] && strchr(space, to[-1]))
		to--;
	*start = from;
	*len = (size_t)(to - from);
}

static char *payload_iss(const char *payload, size_t len)
{
	static const struct json_limits limits = {.max_depth = 8, .max_members = 131072};
	struct json_error error;
	_json_ cJSON *claims = NULL;
	const char *iss = NULL;

	if (!json_parse(payload, len, &limits, &claims, &error))
		iss = json_string_value(json_get(claims, "iss"), 1, 256);
	return strdup(iss ? iss : UNKNOWN_ISS);
}

/* `verify` itself judges the token, as a node that trusts the key would, in its first audience. */
static int check_license(const char *token, struct license_check *check,
			 struct rejection *rejection)
{
	_cleanup_(license_cleanup) struct license *seen = NULL, *lic = NULL;
	int r = license_peek(token, strlen(token), &seen, rejection);

	if (r)
		return r;
	check->audience = seen->aud[0];
	return license_read(check, token, strlen(token), &lic, rejection);
}

static int check_list(const char *token, const struct license_check *check,
		      struct rejection *rejection)
{
	_cleanup_(revocations_cleanup) struct revocations *list = NULL;
	int r = revocations_new(&list);

	return r ? r : revocations_add(list, check, token, strlen(token), rejection);
}

static int check_token(const struct signer *signer, bool is_list, const char *iss,
		       const char *token, const char *file, struct failure *why)
{
	_trust_ struct trust *trust = NULL;
	struct license_check check = {.skip_bind = true, .now = time(NULL)};
	struct rejection rejection = {};
	int r = trust_store_own(&signer->key, iss, &trust, why);

	if (r)
		return r;
	check.trust = trust;
	r = is_list ? check_list(token, &check, &rejection)
		    : check_license(token, &check, &rejection);
	return r ? refusal(why, "not signed", file, &rejection) : 0;
}

int cmd_license_sign(const struct args *args, struct failure *why)
{
	const char *file = args->operands[0], *payload;
	const char *alg = args->options[OPT_ALG].number ? "Ed25519" : "EdDSA";
	bool is_list = option_text(args, OPT_REVOCATION_LIST);
	_cleanup_(signer_free) struct signer signer = {};
	_buffer_ struct buffer claims = {};
	_free_ char *token = NULL, *iss = NULL;
	size_t len;
	int r = read_signer(option_text(args, OPT_KEY), &signer, why);

	if (!r)
		r = file_read(file, is_list ? REVOCATION_MAX_BYTES : LICENSE_MAX_BYTES, &claims,
			      why);
	if (r)
		return r;
	trim(&claims, &payload, &len);
	iss = signer.iss ? strdup(signer.iss) : payload_iss(payload, len);
	if (!iss ||
	    jws_sign(signer.key.secret_key, alg, is_list ? JWS_TYP_REVOCATION : JWS_TYP_LICENSE,
		     signer.key.kid, payload, len, &token))
		return fail(why, EXIT_USAGE, "out of memory");
	r = check_token(&signer, is_list, iss, token, file, why);
	if (!r)
		puts(token);
	return r;
}
