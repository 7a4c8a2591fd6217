/* SPDX-License-Identifier: MIT */
/* jws.c - takes a compact token apart, verifies it, and makes one. */
#include "jws.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base64.h"
#include "rejection.h"

/* Segments of the token, in the buffer that was read. */
struct segment {
	const char *text;
	size_t len;
};

enum { HEADER, PAYLOAD, SIGNATURE, N_SEGMENTS };

/* Bytes of the token without the one LF or CRLF that may end the file. */
static size_t without_line_end(const char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		len -= len > 1 && text[len - 2] == '\r' ? 2 : 1;
	return len;
}

static int check_characters(const char *text, size_t len, struct rejection *why)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' || text[i] == '\r')
			return reject(why, LICENSE_BAD_FRAMING,
				      "a line end at byte %zu; a file holds one token on one line",
				      i);
		if ((unsigned char)text[i] >= 0x80)
			return reject(why, LICENSE_BAD_FRAMING,
				      "byte %zu isn't US-ASCII; store the token as the issuer made "
				      "it",
				      i);
	}
	return 0;
}

static int split(const char *text, size_t len, struct segment out[N_SEGMENTS],
		 struct rejection *why)
{
	size_t n = 0, start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '.')
			continue;
		if (n < N_SEGMENTS)
			out[n] = (struct segment){text + start, i - start};
		n++;
		start = i + 1;
	}
	if (n != N_SEGMENTS)
		return reject(why, LICENSE_BAD_FRAMING,
			      "%zu segments, a compact JWS has 3 (header.payload.signature)", n);
	return check_characters(text, len, why);
}

static int decode(const struct segment *s, const char *what, uint8_t **out, size_t *n,
		  struct rejection *why)
{
	size_t size = BASE64_BYTES(s->len);
	_free_ uint8_t *bytes = malloc(size);

	if (!bytes)
		return -ENOMEM;
	if (base64_decode(s->text, s->len, bytes, size, n))
		return reject(why, LICENSE_BAD_BASE64,
			      "%s: not base64url without padding and white space", what);
	*out = TAKE_PTR(bytes);
	return 0;
}

static int check_alg(const cJSON *header, struct jws *out, struct rejection *why)
{
	const char *alg = cJSON_GetStringValue(json_get(header, "alg"));

	if (!alg || (strcmp(alg, "EdDSA") && strcmp(alg, "Ed25519")))
		return reject(why, LICENSE_BAD_ALG,
			      "\"alg\" is \"%.32s\", must be \"EdDSA\" or \"Ed25519\"",
			      alg ? alg : "");
	strcpy(out->alg, alg);
	return 0;
}

static int check_header(const cJSON *header, const char *typ, struct jws *out,
			struct rejection *why)
{
	static const char *const known[] = {"alg", "typ", "kid", NULL};
	const char *got, *kid, *unknown;
	int r = check_alg(header, out, why);

	if (r)
		return r;
	got = cJSON_GetStringValue(json_get(header, "typ"));
	if (!got || strcmp(got, typ))
		return reject(why, LICENSE_BAD_TYP, "\"typ\" is \"%.32s\", must be \"%s\"",
			      got ? got : "", typ);
	unknown = json_unknown(header, known);
	if (unknown)
		return reject(why, LICENSE_BAD_HEADER,
			      "header member \"%.64s\": only alg, typ and kid may stand there",
			      unknown);
	kid = json_string_value(json_get(header, "kid"), 1, JWS_MAX_KID);
	if (!kid)
		return reject(why, LICENSE_BAD_HEADER,
			      "\"kid\" must be a string of 1 to %d bytes that names the key",
			      JWS_MAX_KID);
	out->kid = strdup(kid);
	return out->kid ? 0 : -ENOMEM;
}

static int read_header(const uint8_t *text, size_t len, const char *typ, struct jws *out,
		       struct rejection *why)
{
	_json_ cJSON *header = NULL;
	int r;

	if (len > JWS_MAX_HEADER)
		return reject(why, LICENSE_BAD_HEADER, "the header has %zu bytes, at most %d", len,
			      JWS_MAX_HEADER);
	r = parse_or_reject("header", text, len, NULL, LICENSE_BAD_HEADER, &header, why);
	return r ? r : check_header(header, typ, out, why);
}

/* input: the bytes header.payload as they were received. */
static int verify(const struct jws_rules *rules, const char *kid, const struct segment *input,
		  const uint8_t *signature, size_t len, struct rejection *why)
{
	const uint8_t *key = rules->find(rules->keys, kid);

	if (!key)
		return reject(why, LICENSE_UNKNOWN_KID,
			      "no trust file has the key \"%.128s\"; install the vendor's", kid);
	if (len != crypto_sign_BYTES)
		return reject(why, LICENSE_BAD_SIGNATURE, "the signature has %zu bytes, must be %u",
			      len, crypto_sign_BYTES);
	if (crypto_sign_verify_detached(signature, (const uint8_t *)input->text, input->len, key))
		return reject(why, LICENSE_BAD_SIGNATURE,
			      "the token was altered, or key \"%.128s\" didn't sign it", kid);
	return 0;
}

static int read_token(const struct jws_rules *rules, const char *text, size_t len, struct jws *out,
		      struct rejection *why)
{
	struct segment part[N_SEGMENTS], input;
	_free_ uint8_t *header = NULL, *signature = NULL;
	size_t header_len, signature_len;
	int r = split(text, len, part, why);

	if (!r)
		r = decode(&part[HEADER], "header", &header, &header_len, why);
	if (!r)
		r = decode(&part[PAYLOAD], "payload", &out->payload, &out->payload_len, why);
	if (!r)
		r = decode(&part[SIGNATURE], "signature", &signature, &signature_len, why);
	if (!r)
		r = read_header(header, header_len, rules->typ, out, why);
	if (r || !rules->find)
		return r;
	input = (struct segment){text, part[HEADER].len + 1 + part[PAYLOAD].len};
	return verify(rules, out->kid, &input, signature, signature_len, why);
}

int jws_read(const struct jws_rules *rules, const void *buf, size_t len, struct jws *out,
	     struct rejection *why)
{
	struct jws jws = {0};
	size_t token_len;
	int r;

	if (len > rules->max_bytes)
		return reject(why, LICENSE_TOO_BIG, "%zu bytes, at most %zu", len,
			      rules->max_bytes);
	token_len = without_line_end(buf, len);
	r = read_token(rules, buf, token_len, &jws, why);
	if (r) {
		jws_free(&jws);
		return r;
	}
	crypto_hash_sha256(jws.sha256, buf, token_len);
	*out = jws;
	return 0;
}

void jws_free(struct jws *jws)
{
	free(jws->kid);
	free(jws->payload);
}

static char *header_text(const char *alg, const char *typ, const char *kid)
{
	_json_ cJSON *header = cJSON_CreateObject();

	if (!header || !cJSON_AddStringToObject(header, "alg", alg) ||
	    !cJSON_AddStringToObject(header, "typ", typ) ||
	    !cJSON_AddStringToObject(header, "kid", kid))
		return NULL;
	return cJSON_PrintUnformatted(header);
}

int jws_sign(const uint8_t secret_key[64], const char *alg, const char *typ, const char *kid,
	     const void *payload, size_t len, char **token)
{
	uint8_t signature[crypto_sign_BYTES];
	_free_ char *header = NULL;
	size_t header_len, at;
	char *text;

	if ((strcmp(alg, "EdDSA") && strcmp(alg, "Ed25519")) || !*kid || strlen(kid) > JWS_MAX_KID)
		return -EINVAL;
	header = header_text(alg, typ, kid);
	if (!header)
		return -ENOMEM;
	header_len = strlen(header);
	text = malloc(BASE64_CHARS(header_len) + BASE64_CHARS(len) +
		      BASE64_CHARS(sizeof(signature)) + N_SEGMENTS);
	if (!text)
		return -ENOMEM;
	base64_encode((const uint8_t *)header, header_len, text);
	at = strlen(text);
	text[at++] = '.';
	base64_encode(payload, len, text + at);
	at += BASE64_CHARS(len);
	crypto_sign_detached(signature, NULL, (const uint8_t *)text, at, secret_key);
	text[at++] = '.';
	base64_encode(signature, sizeof(signature), text + at);
	*token = text;
	return 0;
}
