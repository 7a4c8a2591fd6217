/* SPDX-License-Identifier: MIT */
/* license_keygen.c - portlic license keygen: a vendor's key pair, as two files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "files.h"
#include "output.h"
#include "trust_store.h"

static void wipe_text(char **text)
{
	if (*text)
		sodium_memzero(*text, strlen(*text));
	free(*text);
}

/* The private JWK remembers its vendor, so that `sign` can't issue in another's name. */
static char *private_text(const struct jwk *key, const char *iss)
{
	_cleanup_(wipe_text) char *bare = NULL, *text = NULL;
	_json_ cJSON *jwk = NULL;
	char *line = NULL;

	if (jwk_write_private(key, &bare))
		return NULL;
	jwk = cJSON_Parse(bare);
	if (!cJSON_AddStringToObject(jwk, "iss", iss))
		return NULL;
	text = cJSON_PrintUnformatted(jwk);
	sodium_memzero(cJSON_GetStringValue(json_get(jwk, "d")),
		       strlen(cJSON_GetStringValue(json_get(jwk, "d"))));
	return text && asprintf(&line, "%s\n", text) >= 0 ? line : NULL;
}

static int report(const struct args *args, const struct jwk *key, const char *private_file,
		  const char *trust_file, struct failure *why)
{
	_json_ cJSON *object = cJSON_CreateObject();

	if (!args->json) {
		printf("kid          %s\nprivate key  %s  (signs; keep it secret)\n"
		       "trust file   %s  (for the trust.d of those who check)\n",
		       key->kid, private_file, trust_file);
		return 0;
	}
	cJSON_AddStringToObject(object, "kid", key->kid);
	cJSON_AddStringToObject(object, "private", private_file);
	cJSON_AddStringToObject(object, "trust", trust_file);
	return print_json_line(object, why);
}

/* Both files or none. */
static int write_pair(const struct jwk *key, const char *iss, const char *private_file,
		      const char *trust_file, struct failure *why)
{
	_cleanup_(wipe_text) char *secret = private_text(key, iss);
	_free_ char *trust = NULL;
	int r;

	if (!secret || jwk_write_trust(key, iss, &trust))
		return fail(why, EXIT_USAGE, "out of memory");
	r = file_create(private_file, 0600, secret, why);
	if (r)
		return r;
	r = file_create(trust_file, 0644, trust, why);
	if (r)
		unlink(private_file);
	return r;
}

int cmd_license_keygen(const struct args *args, struct failure *why)
{
	const char *iss = option_text(args, OPT_ISS), *prefix = option_text(args, OPT_OUT);
	_free_ char *private_file = NULL, *trust_file = NULL;
	_cleanup_(jwk_wipe) struct jwk key = {};
	_trust_ struct trust *trust = NULL;
	int r;

	if (asprintf(&private_file, "%s.jwk", prefix) < 0 ||
	    asprintf(&trust_file, "%s.jwks", prefix) < 0)
		return fail(why, EXIT_USAGE, "out of memory");
	if (jwk_generate(option_text(args, OPT_KID), &key))
		return fail(why, EXIT_USAGE, "--kid \"%s\" has to be 1 to 128 printable characters",
			    option_text(args, OPT_KID));
	r = trust_store_own(&key, iss, &trust, why); /* a node would take this iss and kid */
	if (r)
		return r;
	r = write_pair(&key, iss, private_file, trust_file, why);
	return r ? r : report(args, &key, private_file, trust_file, why);
}
