/* SPDX-License-Identifier: MIT */
/* test_jws.c - framing, header, signature: each refusal with its reason, in the order of the format. */
#include <errno.h>

#include <sodium.h>

#include "base64.h"
#include "jws.h"
#include "token.h"

static struct jwk key;

static const uint8_t *find(const void *keys, const char *kid)
{
	return strcmp(kid, "k1") ? NULL : ((const struct jwk *)keys)->public_key;
}

static const struct jws_rules rules = {
	.typ = JWS_TYP_LICENSE, .max_bytes = LICENSE_MAX_BYTES, .find = find, .keys = &key};

/* Reads a copy of the exact size; the word of the reason, "" when it is accepted. */
static const char *read_n(const char *text, size_t len)
{
	char *copy = malloc(len + !len);
	struct rejection why = {0};
	struct jws jws;
	int r;

	memcpy(copy, text, len);
	r = jws_read(&rules, copy, len, &jws, &why);
	free(copy);
	if (r) {
		assert_int_equal(r, -EBADMSG);
		assert_true(*why.detail != '\0');
		return license_reason_word(why.reason);
	}
	assert_string_equal(jws.kid, "k1");
	jws_free(&jws);
	return "";
}

static const char *read_text(const char *text)
{
	return read_n(text, strlen(text));
}

/* Reads a token with this header over {}, signed well. */
static const char *read_header(const char *header)
{
	char *token = sign_raw(&key, header, "{}");
	const char *word = read_text(token);

	free(token);
	return word;
}

#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"k1\"}"

static void sign_and_read(void **state)
{
	static const char *const algs[] = {"EdDSA", "Ed25519"};
	struct rejection why;

	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		uint8_t hash[32];
		char *token;
		struct jws jws;

		assert_int_equal(jws_sign(key.secret_key, algs[i], JWS_TYP_LICENSE, "k1",
					  "{\"a\":1}", 7, &token),
				 0);
		assert_int_equal(jws_read(&rules, token, strlen(token), &jws, &why), 0);
		assert_string_equal(jws.alg, algs[i]);
		assert_string_equal(jws.kid, "k1");
		assert_int_equal(jws.payload_len, 7);
		assert_memory_equal(jws.payload, "{\"a\":1}", 7);
		crypto_hash_sha256(hash, (uint8_t *)token, strlen(token));
		assert_memory_equal(jws.sha256, hash, 32);
		jws_free(&jws);
		free(token);
	}
}

static void sign_refuses(void **state)
{
	char kid[JWS_MAX_KID + 2], *token;

	memset(kid, 'k', sizeof(kid));
	kid[sizeof(kid) - 1] = '\0';
	assert_int_equal(jws_sign(key.secret_key, "none", JWS_TYP_LICENSE, "k1", "", 0, &token),
			 -EINVAL);
	assert_int_equal(jws_sign(key.secret_key, "EdDSA", JWS_TYP_LICENSE, "", "", 0, &token),
			 -EINVAL);
	assert_int_equal(jws_sign(key.secret_key, "EdDSA", JWS_TYP_LICENSE, kid, "", 0, &token),
			 -EINVAL);
}

/* What may stand before and behind the token in its file. */
static void line_ends(void **state)
{
	static const struct {
		const char *before, *behind, *word;
	} cases[] = {
		{"", "", ""},
		{"", "\n", ""},
		{"", "\r\n", ""},
		{"", "\r", "bad_framing"},
		{"", "\n\n", "bad_framing"},
		{"", "\n\r\n", "bad_framing"},
		{"\n", "", "bad_framing"},
		{"", "\n ", "bad_framing"},
		{" ", "", "bad_base64"},
		{"", " ", "bad_base64"},
		{"", "\t\n", "bad_base64"},
		{"\xef\xbb\xbf", "", "bad_framing"},
		{"", "\na.b.c\n", "bad_framing"},
		{"", "\n# a comment", "bad_framing"},
	};
	char *token = sign_raw(&key, HEADER, "{}"), text[512];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(text, sizeof(text), "%s%s%s", cases[i].before, token, cases[i].behind);
		if (strcmp(read_text(text), cases[i].word))
			fail_msg("case %zu: %s", i, read_text(text));
	}
	free(token);
}

static void hash_leaves_the_line_end_out(void **state)
{
	char *token = sign_raw(&key, HEADER, "{}"), text[512];
	struct rejection why;
	struct jws a, b;

	snprintf(text, sizeof(text), "%s\r\n", token);
	assert_int_equal(jws_read(&rules, token, strlen(token), &a, &why), 0);
	assert_int_equal(jws_read(&rules, text, strlen(text), &b, &why), 0);
	assert_memory_equal(a.sha256, b.sha256, 32);
	jws_free(&a);
	jws_free(&b);
	free(token);
}

static void framing(void **state)
{
	static const char *const bad[] = {"",	  ".",	       "a",  "a.b", "a.b.c.d",
					  "....", "a.b.c.d.e", "\n", "\r\n"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (strcmp(read_text(bad[i]), "bad_framing"))
			fail_msg("case %zu: %s", i, read_text(bad[i]));
	assert_string_equal(read_n("a.\xc3\xa9.c", 6), "bad_framing");
}

static void base64_of_each_segment(void **state)
{
	assert_string_equal(read_text("e30=.e30.AAAA"), "bad_base64");
	assert_string_equal(read_text("e30.e30=.AAAA"), "bad_base64");
	assert_string_equal(read_text("e30.e30.AAA="), "bad_base64");
	assert_string_equal(read_text("e30.e3 0.AAAA"), "bad_base64");
	assert_string_equal(read_text("e31.e30.AAAA"), "bad_base64"); /* trailing bits */
	assert_string_equal(read_text("e30.e30.+/AA"), "bad_base64");
	assert_string_equal(read_n("e30.e3\0000.AAAA", 13), "bad_base64");
}

/* The limit counts the file, its line end included. */
static void size(void **state)
{
	char *file = malloc(LICENSE_MAX_BYTES + 1), *token, *payload = malloc(LICENSE_MAX_BYTES);
	size_t room = LICENSE_MAX_BYTES - BASE64_CHARS(strlen(HEADER)) - 86 - 2, len = room / 4 * 3;

	while (BASE64_CHARS(len + 1) <= room)
		len++;
	memset(payload, ' ', len);
	payload[len] = '\0';
	token = sign_raw(&key, HEADER, payload);
	assert_int_equal(strlen(token), LICENSE_MAX_BYTES);
	memcpy(file, token, LICENSE_MAX_BYTES);
	file[LICENSE_MAX_BYTES] = '\n';
	assert_string_equal(read_n(file, LICENSE_MAX_BYTES), "");
	assert_string_equal(read_n(file, LICENSE_MAX_BYTES + 1), "too_big");
	free(token);
	free(payload);
	free(file);
}

static void header(void **state)
{
	static const struct {
		const char *header, *word;
	} cases[] = {
		{HEADER, ""},
		{"{\"kid\":\"k1\",\"typ\":\"portlic+jwt\",\"alg\":\"Ed25519\"}", ""},
		{"", "bad_json"},
		{"{", "bad_json"},
		{"[]", "bad_header"},
		{"\"x\"", "bad_header"},
		{"{\"alg\":\"EdDSA\",\"alg\":\"none\",\"typ\":\"portlic+jwt\",\"kid\":\"k1\"}",
		 "duplicate_name"},
		{"[[[[[[[[[[]]]]]]]]]]", "too_deep"},
		{"{}", "bad_alg"},
		{"{\"alg\":\"none\",\"typ\":\"portlic+jwt\",\"kid\":\"k1\"}", "bad_alg"},
		{"{\"alg\":\"HS256\",\"typ\":\"portlic+jwt\",\"kid\":\"k1\"}", "bad_alg"},
		{"{\"alg\":\"eddsa\",\"typ\":\"portlic+jwt\",\"kid\":\"k1\"}", "bad_alg"},
		{"{\"alg\":\"Ed448\",\"typ\":\"portlic+jwt\",\"kid\":\"k1\"}", "bad_alg"},
		{"{\"Alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"k1\"}", "bad_alg"},
		{"{\"alg\":[\"EdDSA\"],\"typ\":\"portlic+jwt\",\"kid\":\"k1\"}", "bad_alg"},
		{"{\"alg\":\"EdDSA\",\"kid\":\"k1\"}", "bad_typ"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"k1\"}", "bad_typ"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"PORTLIC+JWT\",\"kid\":\"k1\"}", "bad_typ"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"portlic-rl+jwt\",\"kid\":\"k1\"}", "bad_typ"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"application/portlic+jwt\",\"kid\":\"k1\"}",
		 "bad_typ"},
		{"{\"alg\":\"EdDSA\",\"typ\":1,\"kid\":\"k1\"}", "bad_typ"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\"}", "bad_header"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"\"}", "bad_header"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":1}", "bad_header"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"k\\n1\"}", "bad_header"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"k2\"}", "unknown_kid"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"K1\"}", "unknown_kid"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"../k1\"}", "unknown_kid"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (strcmp(read_header(cases[i].header), cases[i].word))
			fail_msg("%s: %s", cases[i].header, read_header(cases[i].header));
}

/* What makes other libraries fetch a key, skip bytes or change the algorithm. */
static void header_members(void **state)
{
	static const char *const members[] = {
		"jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit",
		"b64", "zip", "enc", "cty", "iss", "Kid",      "",
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"k1\",\"%s\":null}",
			 members[i]);
		if (strcmp(read_header(text), "bad_header"))
			fail_msg("%s", text);
	}
}

static void header_size(void **state)
{
	char text[JWS_MAX_HEADER + 2];

	memset(text, ' ', sizeof(text));
	memcpy(text, HEADER, strlen(HEADER));
	text[JWS_MAX_HEADER] = '\0';
	assert_string_equal(read_header(text), "");
	text[JWS_MAX_HEADER] = ' ';
	text[JWS_MAX_HEADER + 1] = '\0';
	assert_string_equal(read_header(text), "bad_header");
}

static void kid_size(void **state)
{
	char kid[JWS_MAX_KID + 2], text[512];

	memset(kid, 'k', sizeof(kid));
	kid[JWS_MAX_KID + 1] = '\0';
	snprintf(text, sizeof(text), "{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"%s\"}",
		 kid);
	assert_string_equal(read_header(text), "bad_header");
	kid[JWS_MAX_KID] = '\0';
	snprintf(text, sizeof(text), "{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"%s\"}",
		 kid);
	assert_string_equal(read_header(text), "unknown_kid");
}

/* Every bit of header, payload and signature counts. */
static void any_bit_flip_is_refused(void **state)
{
	char *token = sign_raw(&key, HEADER, "{\"a\":1}");
	size_t len = strlen(token);

	assert_string_equal(read_n(token, len), "");
	for (size_t i = 0; i < len * 8; i++) {
		token[i / 8] ^= (char)(1 << i % 8);
		if (!*read_n(token, len))
			fail_msg("bit %zu of byte %zu", i % 8, i / 8);
		token[i / 8] ^= (char)(1 << i % 8);
	}
	free(token);
}

static void signature(void **state)
{
	char *token = sign_raw(&key, HEADER, "{}"), *other, text[512];
	struct jwk thief = test_key(9, "k1");
	size_t len = strlen(token);

	assert_string_equal(read_n(token, len - 86), "bad_signature"); /* empty */
	assert_string_equal(read_n(token, len - 2), "bad_signature");  /* 63 bytes */
	snprintf(text, sizeof(text), "%.*sAAAA", (int)(len - 2), token);
	assert_string_equal(read_text(text), "bad_signature"); /* longer */
	other = sign_raw(&thief, HEADER, "{}");
	assert_string_equal(read_text(other), "bad_signature");
	free(other);
	/* An unknown kid is named before the signature is looked at. */
	assert_string_equal(
		read_text("eyJhbGciOiJFZERTQSIsInR5cCI6InBvcnRsaWMrand0Iiwia2lkIjoieCJ9.e30."),
		"unknown_kid");
	free(token);
}

/* The payload is not looked at: a signature over no JSON is good here. */
static void payload_is_opaque(void **state)
{
	char *token = sign_raw(&key, HEADER, "not JSON");

	assert_string_equal(read_text(token), "");
	free(token);
	token = sign_raw(&key, HEADER, "");
	assert_string_equal(read_text(token), "");
	free(token);
}

static void without_find_no_signature_is_looked_at(void **state)
{
	const struct jws_rules peek = {.typ = JWS_TYP_LICENSE, .max_bytes = LICENSE_MAX_BYTES};
	char *token = sign_raw(&key, HEADER, "{}");
	struct rejection why;
	struct jws jws;

	assert_int_equal(jws_read(&peek, token, strlen(token) - 86, &jws, &why), 0);
	assert_int_equal(jws.payload_len, 2);
	jws_free(&jws);
	free(token);
}

static int setup(void **state)
{
	key = test_key(1, "k1");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sign_and_read),
		cmocka_unit_test(sign_refuses),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(hash_leaves_the_line_end_out),
		cmocka_unit_test(framing),
		cmocka_unit_test(base64_of_each_segment),
		cmocka_unit_test(size),
		cmocka_unit_test(header),
		cmocka_unit_test(header_members),
		cmocka_unit_test(header_size),
		cmocka_unit_test(kid_size),
		cmocka_unit_test(any_bit_flip_is_refused),
		cmocka_unit_test(signature),
		cmocka_unit_test(payload_is_opaque),
		cmocka_unit_test(without_find_no_signature_is_looked_at),
	};

	return cmocka_run_group_tests_name("jws", tests, setup, NULL);
}
