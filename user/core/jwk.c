/* SPDX-License-Identifier: MIT */
/* jwk.c - reads and writes Ed25519 keys as JSON Web Keys. */
#include "jwk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base64.h"

#define KEY_CHARS BASE64_CHARS(32)

void jwk_thumbprint(const uint8_t public_key[32], char out[JWK_THUMBPRINT_CHARS + 1])
{
	char x[KEY_CHARS + 1], text[128];
	uint8_t hash[crypto_hash_sha256_BYTES];
	int n;

	base64_encode(public_key, 32, x);
	n = snprintf(text, sizeof(text), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
	crypto_hash_sha256(hash, (const uint8_t *)text, (unsigned long long)n);
	base64_encode(hash, sizeof(hash), out);
}

static int set_kid(struct jwk *key, const char *kid)
{
	size_t len;

	if (!kid) {
		jwk_thumbprint(key->public_key, key->kid);
		return 0;
	}
	len = strlen(kid);
	if (!len || len >= sizeof(key->kid))
		return -EINVAL;
	for (const char *c = kid; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return -EINVAL;
	memcpy(key->kid, kid, len + 1);
	return 0;
}

int jwk_from_seed(const uint8_t seed[32], const char *kid, struct jwk *out)
{
	struct jwk key = {0};
	int r;

	crypto_sign_seed_keypair(key.public_key, key.secret_key, seed);
	r = set_kid(&key, kid);
	if (!r)
		*out = key;
	jwk_wipe(&key);
	return r;
}

int jwk_generate(const char *kid, struct jwk *out)
{
	uint8_t seed[crypto_sign_SEEDBYTES];
	int r;

	if (sodium_init() < 0)
		return -EIO;
	randombytes_buf(seed, sizeof(seed));
	r = jwk_from_seed(seed, kid, out);
	sodium_memzero(seed, sizeof(seed));
	return r;
}

void jwk_wipe(struct jwk *key)
{
	sodium_memzero(key, sizeof(*key));
}

static bool add_public(cJSON *jwk, const struct jwk *key)
{
	char x[KEY_CHARS + 1];

	base64_encode(key->public_key, 32, x);
	return cJSON_AddStringToObject(jwk, "kty", "OKP") &&
	       cJSON_AddStringToObject(jwk, "crv", "Ed25519") &&
	       cJSON_AddStringToObject(jwk, "use", "sig") &&
	       cJSON_AddStringToObject(jwk, "kid", key->kid) &&
	       cJSON_AddStringToObject(jwk, "x", x);
}

/* The text of a tree with LF behind it; wipes the text that cJSON made. */
static int print_line(const cJSON *tree, char **out)
{
	char *text = cJSON_PrintUnformatted(tree), *line = NULL;

	if (!text)
		return -ENOMEM;
	if (asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	sodium_memzero(text, strlen(text));
	cJSON_free(text);
	if (!line)
		return -ENOMEM;
	*out = line;
	return 0;
}

int jwk_write_private(const struct jwk *key, char **out)
{
	_json_ cJSON *jwk = cJSON_CreateObject();
	char text[KEY_CHARS + 1];
	cJSON *d = NULL;
	int r = -ENOMEM;

	base64_encode(key->secret_key, crypto_sign_SEEDBYTES, text);
	if (jwk && add_public(jwk, key) && (d = cJSON_AddStringToObject(jwk, "d", text)))
		r = print_line(jwk, out);
	if (d)
		sodium_memzero(d->valuestring, strlen(d->valuestring));
	sodium_memzero(text, sizeof(text));
	return r;
}

int jwk_write_trust(const struct jwk *key, const char *iss, char **out)
{
	_json_ cJSON *set = cJSON_CreateObject();
	cJSON *keys, *jwk;

	if (!set || !cJSON_AddStringToObject(set, "iss", iss) ||
	    !(keys = cJSON_AddArrayToObject(set, "keys")) || !(jwk = cJSON_CreateObject()))
		return -ENOMEM;
	cJSON_AddItemToArray(keys, jwk);
	if (!add_public(jwk, key))
		return -ENOMEM;
	return print_line(set, out);
}

static int check_word(const cJSON *jwk, const char *name, const char *const *words, bool required,
		      struct fault *f)
{
	int index = -1, r = json_word(jwk, name, words, &index, f);

	if (!r && required && index < 0)
		return fault_set(f, EINVAL, "\"%s\" is missing, must be \"%s\"", name, words[0]);
	return r;
}

static int check_type(const cJSON *jwk, struct fault *f)
{
	static const char *const kty[] = {"OKP", NULL}, *const crv[] = {"Ed25519", NULL};
	static const char *const use[] = {"sig", NULL};
	static const char *const alg[] = {"EdDSA", "Ed25519", NULL};
	int r = check_word(jwk, "kty", kty, true, f);

	if (!r)
		r = check_word(jwk, "crv", crv, true, f);
	if (!r)
		r = check_word(jwk, "use", use, false, f);
	return r ? r : check_word(jwk, "alg", alg, false, f);
}

static int read_bytes(const cJSON *jwk, const char *name, uint8_t out[32], struct fault *f)
{
	const char *text = cJSON_GetStringValue(json_get(jwk, name));
	size_t n;

	if (!text || base64_decode(text, strlen(text), out, 32, &n) || n != 32)
		return fault_set(f, EINVAL, "\"%s\" must be 32 bytes in base64url without padding",
				 name);
	return 0;
}

int jwk_read_public(const cJSON *jwk, uint8_t public_key[32], struct fault *f)
{
	uint8_t x[32];
	int r;

	if (!cJSON_IsObject(jwk))
		return fault_set(f, EINVAL, "a key must be a JSON object");
	if (json_get(jwk, "d"))
		return fault_set(
			f, EINVAL,
			"\"d\" is a PRIVATE key: remove it from this node at once, have the "
			"vendor replace the key, install only its public half");
	r = check_type(jwk, f);
	if (!r)
		r = read_bytes(jwk, "x", x, f);
	if (r)
		return r;
	if (!crypto_core_ed25519_is_valid_point(x))
		return fault_set(
			f, EINVAL,
			"\"x\" is no sound Ed25519 public key (small order, mixed order or "
			"no point); ask the vendor for the right one");
	memcpy(public_key, x, 32);
	return 0;
}

static int read_private(const cJSON *jwk, struct jwk *out, struct fault *f)
{
	uint8_t seed[32], x[32];
	const char *kid = NULL;
	int r = check_type(jwk, f);

	if (!r && !json_get(jwk, "d"))
		r = fault_set(f, EINVAL,
			      "\"d\" is missing: this is a public key, sign with the "
			      "private one (PREFIX.jwk)");
	if (!r)
		r = json_string(jwk, "kid", 1, sizeof(out->kid) - 1, &kid, f);
	if (!r)
		r = read_bytes(jwk, "x", x, f);
	if (!r)
		r = read_bytes(jwk, "d", seed, f);
	if (!r) {
		jwk_from_seed(seed, kid, out);
		if (memcmp(out->public_key, x, sizeof(x)))
			r = fault_set(f, EINVAL,
				      "\"x\" isn't the public key of \"d\"; make a new "
				      "key with keygen");
	}
	sodium_memzero(seed, sizeof(seed));
	return r;
}

int jwk_read_private(const char *file, const void *buf, size_t len, struct jwk *out,
		     struct fault *f)
{
	struct fault why = {""};
	struct jwk key = {0};
	_json_ cJSON *jwk = NULL;
	char what[160];
	cJSON *d;
	int r;

	snprintf(what, sizeof(what), "key file \"%.128s\"", file);
	r = json_parse_object(what, buf, len, &jwk, f);
	if (r)
		return r;
	r = read_private(jwk, &key, &why);
	if (r)
		r = fault_set(f, EBADMSG, "%s: %s", what, why.text);
	else
		*out = key;
	d = json_get(jwk, "d");
	if (cJSON_IsString(d))
		sodium_memzero(d->valuestring, strlen(d->valuestring));
	jwk_wipe(&key);
	return r;
}
