/* SPDX-License-Identifier: MIT */
/* test_revocation.c - signed lists of what vendors took back. */
#include <errno.h>

#include "jws.h"
#include "token.h"

/* Signs and adds a list; the word of the reason, "" accepted, "stale" when a newer one is there. */
static const char *add(struct revocations *r, const struct jwk *key, const char *payload)
{
	char *token = sign_as(key, JWS_TYP_REVOCATION, payload);
	struct rejection why = {0};
	int err = revocations_add(r, &world.check, token, strlen(token), &why);

	free(token);
	if (!err)
		return "";
	if (err == -ESTALE)
		return "stale";
	assert_int_equal(err, -EBADMSG);
	assert_true(*why.detail != '\0');
	return license_reason_word(why.reason);
}

#define LIST(seq, iat, revoked)                                                                    \
	"{\"iss\":\"" ISS "\",\"iat\":" iat ",\"exp\":1800100000,\"seq\":" seq                     \
	",\"revoked\":[" revoked "]}"

static const char *add_new(const char *payload)
{
	struct revocations *r;
	const char *word;

	assert_int_equal(revocations_new(&r), 0);
	word = add(r, &world.key, payload);
	assert_int_equal(revocations_newest(r, ISS) >= 0, !*word);
	revocations_free(r);
	return word;
}

static void none(void **state)
{
	struct license lic = {.iss = ISS, .jti = "a", .lid = "b", .kid = "c"};
	struct revocations *r;

	assert_int_equal(revocations_new(&r), 0);
	assert_int_equal(revocations_newest(r, ISS), -1);
	assert_true(revocations_at(r, &lic) == INT64_MAX);
	assert_true(revocations_at_jti(r, &lic) == INT64_MAX);
	revocations_free(r);
	revocations_free(NULL);
}

static void by_jti_lid_kid(void **state)
{
	static const struct {
		struct license lic;
		int64_t at, at_jti;
	} cases[] = {
		{{.iss = ISS, .jti = "j1", .lid = "l9", .kid = "k9"}, 1799000000, 1799000000},
		{{.iss = ISS, .jti = "j9", .lid = "l1", .kid = "k9"}, 1799000001, INT64_MAX},
		{{.iss = ISS, .jti = "j9", .lid = "l9", .kid = "k1"}, 1900000000, INT64_MAX},
		{{.iss = ISS, .jti = "j2", .lid = "l1", .kid = "k1"},
		 1799000001,
		 1799000005}, /* earliest */
		{{.iss = ISS, .jti = "l1", .lid = "j1", .kid = "j2"}, INT64_MAX, INT64_MAX},
		{{.iss = ISS, .jti = "J1", .lid = "", .kid = ""}, INT64_MAX, INT64_MAX},
		{{.iss = "other", .jti = "j1", .lid = "l1", .kid = "k1"}, INT64_MAX, INT64_MAX},
		{{.iss = ISS, .jti = "j1"}, 1799000000, 1799000000}, /* kid not known */
	};
	struct revocations *r;

	assert_int_equal(revocations_new(&r), 0);
	assert_string_equal(
		add(r, &world.key,
		    LIST("1", "1799990000",
			 "{\"lid\":\"l1\",\"at\":1799000001,\"why\":\"unpaid\"},{\"jti\":\"j2\","
			 "\"at\":1799000009},"
			 "{\"jti\":\"j1\",\"at\":1799000000},{\"kid\":\"k1\",\"at\":1900000000},"
			 "{\"jti\":\"j2\",\"at\":1799000005}")),
		"");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (revocations_at(r, &cases[i].lic) != cases[i].at ||
		    revocations_at_jti(r, &cases[i].lic) != cases[i].at_jti)
			fail_msg("case %zu", i);
	}
	assert_int_equal(revocations_newest(r, ISS), 1799990000);
	revocations_free(r);
}

static void only_newer_lists_count(void **state)
{
	struct license one = {.iss = ISS, .jti = "one"}, two = {.iss = ISS, .jti = "two"};
	struct revocations *r;

	assert_int_equal(revocations_new(&r), 0);
	assert_string_equal(
		add(r, &world.key, LIST("5", "1799990000", "{\"jti\":\"one\",\"at\":1}")), "");
	assert_string_equal(add(r, &world.key, LIST("4", "1799999999", "")), "stale");
	assert_true(revocations_at(r, &one) == 1);
	/* The same bytes once more are no news and no error. */
	assert_string_equal(
		add(r, &world.key, LIST("5", "1799990000", "{\"jti\":\"one\",\"at\":1}")), "");
	assert_string_equal(add(r, &world.key, LIST("5", "1799980000", "")),
			    "stale"); /* earlier iat */
	assert_true(revocations_at(r, &one) == 1);
	assert_string_equal(
		add(r, &world.key, LIST("6", "1799995000", "{\"jti\":\"two\",\"at\":2}")), "");
	assert_true(revocations_at(r, &one) == INT64_MAX);
	assert_true(revocations_at(r, &two) == 2);
	assert_int_equal(revocations_newest(r, ISS), 1799995000);
	/* A list that is rejected leaves the one that is there. */
	assert_string_equal(add(r, &world.key, LIST("7", "0", "")), "bad_time");
	assert_true(revocations_at(r, &two) == 2);
	revocations_free(r);
}

/* Two lists of one seq: every node takes the same one, whatever came first. */
static void equal_seq_is_settled_alike(void **state)
{
	static const char *const lists[] = {LIST("5", "1799990000", "{\"jti\":\"one\",\"at\":1}"),
					    LIST("5", "1799990000", "{\"jti\":\"two\",\"at\":1}")};
	struct license one = {.iss = ISS, .jti = "one"};
	bool revoked[2];

	for (int first = 0; first < 2; first++) {
		struct revocations *r;

		assert_int_equal(revocations_new(&r), 0);
		assert_string_equal(add(r, &world.key, lists[first]), "");
		add(r, &world.key, lists[!first]);
		revoked[first] = revocations_at(r, &one) == 1;
		revocations_free(r);
	}
	assert_int_equal(revoked[0], revoked[1]);
}

static void issuers_are_apart(void **state)
{
	struct license mine = {.iss = ISS, .jti = "x"}, theirs = {.iss = "other", .jti = "x"};
	struct jwk other = test_key(5, "other");
	char *jwk = public_jwk(&other, "");
	struct revocations *r;
	struct fault f;

	assert_int_equal(
		add_trust(world.trust, "o.jwks", &f, "{\"iss\":\"other\",\"keys\":[%s]}", jwk), 0);
	assert_int_equal(revocations_new(&r), 0);
	assert_string_equal(add(r, &other, LIST("9", "1799990000", "{\"jti\":\"x\",\"at\":1}")),
			    "issuer_mismatch");
	assert_string_equal(
		add(r, &other,
		    "{\"iss\":\"other\",\"iat\":1799990000,\"exp\":1800100000,\"seq\":9,"
		    "\"revoked\":[{\"jti\":\"x\",\"at\":1}]}"),
		"");
	assert_true(revocations_at(r, &mine) == INT64_MAX);
	assert_true(revocations_at(r, &theirs) == 1);
	assert_string_equal(add(r, &world.key, LIST("1", "1799990000", "")), "");
	assert_true(revocations_at(r, &theirs) == 1);
	revocations_free(r);
	free(jwk);
}

static void claims(void **state)
{
	static const struct {
		const char *payload, *word;
	} cases[] = {
		{LIST("0", "1799990000", ""), ""},
		{LIST("9007199254740991", "1800000300", ""), ""},
		{LIST("1", "1800000301", ""), "iat_future"},
		{LIST("1", "1800100000", ""), "exp_before_nbf"},
		{LIST("1", "1799990000.0", ""), "bad_time"},
		{LIST("1", "1799990000000", ""), "bad_time"},
		{LIST("-1", "1799990000", ""), "bad_claim"},
		{LIST("9007199254740992", "1799990000", ""), "bad_claim"},
		{LIST("1", "1799990000", "5"), "bad_claim"},
		{LIST("1", "1799990000", "{}"), "bad_claim"},
		{LIST("1", "1799990000", "{\"at\":1}"), "bad_claim"},
		{LIST("1", "1799990000", "{\"jti\":\"a\",\"lid\":\"b\",\"at\":1}"), "bad_claim"},
		{LIST("1", "1799990000", "{\"jti\":\"a\"}"), "missing_claim"},
		{LIST("1", "1799990000", "{\"jti\":\"a\",\"at\":0}"), "bad_time"},
		{LIST("1", "1799990000", "{\"jti\":5,\"at\":1}"), "bad_claim"},
		{LIST("1", "1799990000", "{\"jti\":\"\",\"at\":1}"), "bad_claim"},
		{LIST("1", "1799990000", "{\"jti\":\"a\",\"at\":1,\"why\":5}"), "bad_claim"},
		{LIST("1", "1799990000", "{\"jti\":\"a\",\"at\":1,\"ticket\":7}"), ""},
		{LIST("1", "1799990000", "{\"jti\":\"a\",\"jti\":\"a\",\"at\":1}"),
		 "duplicate_name"},
		{"{\"iat\":1,\"exp\":2,\"seq\":1,\"revoked\":[]}", "missing_claim"},
		{"{\"iss\":\"" ISS "\",\"exp\":2,\"seq\":1,\"revoked\":[]}", "missing_claim"},
		{"{\"iss\":\"" ISS "\",\"iat\":1,\"seq\":1,\"revoked\":[]}", "missing_claim"},
		{"{\"iss\":\"" ISS "\",\"iat\":1,\"exp\":2,\"revoked\":[]}", "missing_claim"},
		{"{\"iss\":\"" ISS "\",\"iat\":1,\"exp\":2,\"seq\":1}", "missing_claim"},
		{"{\"iss\":\"" ISS "\",\"iat\":1,\"exp\":2,\"seq\":1,\"revoked\":{}}", "bad_claim"},
		{"{\"iss\":\"" ISS "\",\"iat\":1,\"exp\":2,\"seq\":1,\"revoked\":[]}",
		 ""}, /* stale, holds */
		{"[]", "bad_claim"},
		{"{", "bad_json"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (strcmp(add_new(cases[i].payload), cases[i].word))
			fail_msg("%s: \"%s\"", cases[i].payload, add_new(cases[i].payload));
}

static void signatures(void **state)
{
	struct jwk thief = test_key(66, NULL);
	struct revocations *r;
	struct rejection why;
	char *token;

	assert_int_equal(revocations_new(&r), 0);
	assert_string_equal(add(r, &thief, LIST("1", "1799990000", "")), "unknown_kid");
	memcpy(thief.kid, world.key.kid, sizeof(thief.kid));
	assert_string_equal(add(r, &thief, LIST("1", "1799990000", "")), "bad_signature");
	/* A license can't pass for a list. */
	token = sign_as(&world.key, JWS_TYP_LICENSE, LIST("1", "1799990000", ""));
	assert_int_equal(revocations_add(r, &world.check, token, strlen(token), &why), -EBADMSG);
	assert_int_equal(why.reason, LICENSE_BAD_TYP);
	assert_int_equal(revocations_newest(r, ISS), -1);
	free(token);
	revocations_free(r);
}

/* A list of n entries with five members each, the most that an entry has. */
static char *long_list(size_t n)
{
	char *text = malloc(n * 64 + 256), *at = text;

	at += sprintf(at, "{\"iss\":\"" ISS
			  "\",\"iat\":1799990000,\"exp\":1800100000,\"seq\":1,\"revoked\":[");
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "%s{\"jti\":\"id-%zu\",\"at\":%zu,\"why\":\"w\",\"x\":1,\"y\":2}",
			      i ? "," : "", i * 7919 % n, i * 7919 % n + 1);
	strcpy(at, "]}");
	return text;
}

static void limits(void **state)
{
	char *text = long_list(REVOCATION_MAX_ENTRIES), jti[32], *big;
	struct license lic = {.iss = ISS, .jti = jti};
	struct rejection why;
	struct revocations *r;

	assert_int_equal(revocations_new(&r), 0);
	assert_string_equal(add(r, &world.key, text), "");
	for (size_t i = 0; i < REVOCATION_MAX_ENTRIES; i++) {
		sprintf(jti, "id-%zu", i);
		assert_int_equal(revocations_at(r, &lic), (int64_t)i + 1);
	}
	free(text);
	text = long_list(REVOCATION_MAX_ENTRIES + 1);
	assert_string_equal(add(r, &world.key, text), "bad_claim");
	free(text);
	big = malloc(REVOCATION_MAX_BYTES + 1);
	memset(big, 'A', REVOCATION_MAX_BYTES + 1);
	assert_int_equal(revocations_add(r, &world.check, big, REVOCATION_MAX_BYTES + 1, &why),
			 -EBADMSG);
	assert_int_equal(why.reason, LICENSE_TOO_BIG);
	assert_int_equal(revocations_add(r, &world.check, big, REVOCATION_MAX_BYTES, &why),
			 -EBADMSG);
	assert_int_equal(why.reason, LICENSE_BAD_FRAMING);
	free(big);
	revocations_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none),
		cmocka_unit_test(by_jti_lid_kid),
		cmocka_unit_test(only_newer_lists_count),
		cmocka_unit_test(equal_seq_is_settled_alike),
		cmocka_unit_test(issuers_are_apart),
		cmocka_unit_test(claims),
		cmocka_unit_test(signatures),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests_name("revocation", tests, world_begin, world_end);
}
