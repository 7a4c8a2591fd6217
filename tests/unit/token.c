/* SPDX-License-Identifier: MIT */
/* token.c - keys, trust files and tokens for the tests. */
#include "token.h"

#include <errno.h>

#include <sodium.h>

#include "base64.h"
#include "jws.h"

struct jwk test_key(uint8_t byte, const char *kid)
{
	uint8_t seed[32];
	struct jwk key;

	memset(seed, byte, sizeof(seed));
	assert_int_equal(jwk_from_seed(seed, kid, &key), 0);
	return key;
}

int add_trust(struct trust *trust, const char *file, struct fault *f, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	assert_true(vasprintf(&text, fmt, ap) >= 0);
	va_end(ap);
	r = trust_add(trust, file, text, strlen(text), f);
	free(text);
	return r;
}

char *public_jwk(const struct jwk *key, const char *more)
{
	char x[44], *text = NULL;

	base64_encode(key->public_key, 32, x);
	assert_true(asprintf(&text,
			     "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"%s\"%s}",
			     key->kid, x, more) > 0);
	return text;
}

void world_setup(struct world *w)
{
	struct fault f = {""};
	char *text = NULL;

	memset(w, 0, sizeof(*w));
	assert_int_equal(trust_new(&w->trust), 0);
	w->key = test_key(1, NULL);
	assert_int_equal(jwk_write_trust(&w->key, ISS, &text), 0);
	assert_int_equal(trust_add(w->trust, "vendor.jwks", text, strlen(text), &f), 0);
	free(text);
	w->check = (struct license_check){.trust = w->trust, .audience = AUD, .now = NOW};
}

void world_teardown(struct world *w)
{
	trust_free(w->trust);
}

struct world world;

int world_begin(void **state)
{
	world_setup(&world);
	return 0;
}

int world_end(void **state)
{
	world_teardown(&world);
	return 0;
}

static cJSON *base_claims(void)
{
	static const char text[] =
		"{\"iss\":\"" ISS "\",\"sub\":\"Acme\",\"aud\":\"" AUD "\",\"jti\":\"j-1\","
		"\"iat\":1799990000,\"nbf\":1799990000,\"exp\":1800100000,\"ver\":1,"
		"\"lid\":\"line-1\",\"seq\":7,\"ports\":[{\"port\":8080}]}";

	return cJSON_Parse(text);
}

static void set_member(cJSON *claims, const char *member, const char *json)
{
	cJSON_DeleteItemFromObjectCaseSensitive(claims, member);
	if (json)
		cJSON_AddItemToObject(claims, member, cJSON_CreateRaw(json));
}

static char *print_and_delete(cJSON *claims)
{
	char *text = cJSON_PrintUnformatted(claims);

	assert_non_null(text);
	cJSON_Delete(claims);
	return text;
}

char *claims_with(const char *member, const char *json)
{
	cJSON *claims = base_claims();

	if (member)
		set_member(claims, member, json);
	return print_and_delete(claims);
}

char *claims_of(const char *member, ...)
{
	cJSON *claims = base_claims();
	va_list ap;

	va_start(ap, member);
	for (; member; member = va_arg(ap, const char *))
		set_member(claims, member, va_arg(ap, const char *));
	va_end(ap);
	return print_and_delete(claims);
}

char *sign_as(const struct jwk *key, const char *typ, const char *payload)
{
	char *token = NULL;

	assert_int_equal(jws_sign(key->secret_key, "EdDSA", typ ? typ : JWS_TYP_LICENSE, key->kid,
				  payload, strlen(payload), &token),
			 0);
	return token;
}

char *sign_raw(const struct jwk *key, const char *header, const char *payload)
{
	size_t h = BASE64_CHARS(strlen(header)), p = BASE64_CHARS(strlen(payload));
	char *token = malloc(h + p + 3 + BASE64_CHARS(64));
	uint8_t signature[64];

	base64_encode((const uint8_t *)header, strlen(header), token);
	token[h] = '.';
	base64_encode((const uint8_t *)payload, strlen(payload), token + h + 1);
	crypto_sign_detached(signature, NULL, (const uint8_t *)token, h + 1 + p, key->secret_key);
	token[h + 1 + p] = '.';
	base64_encode(signature, sizeof(signature), token + h + p + 2);
	return token;
}

const char *verdict(const struct world *w, char *token, struct rejection *why)
{
	struct rejection local = {0};
	struct license *lic = NULL;
	int r;

	if (!why)
		why = &local;
	*why = (struct rejection){0};
	r = license_read(&w->check, token, strlen(token), &lic, why);
	free(token);
	license_free(lic);
	if (!r)
		return "";
	assert_int_equal(r, -EBADMSG);
	assert_null(lic);
	assert_true(*why->detail != '\0');
	return license_reason_word(why->reason);
}

const char *verdict_of(const struct world *w, char *payload, struct rejection *why)
{
	char *token = sign_as(&w->key, NULL, payload);

	free(payload);
	return verdict(w, token, why);
}

struct license *accept_license(const struct world *w, char *payload)
{
	char *token = sign_as(&w->key, NULL, payload);
	struct license *lic = NULL;
	struct rejection why = {0};
	int r = license_read(&w->check, token, strlen(token), &lic, &why);

	if (r)
		fail_msg("%s: %s", license_reason_word(why.reason), why.detail);
	free(token);
	free(payload);
	return lic;
}
