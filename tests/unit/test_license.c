/* SPDX-License-Identifier: MIT */
/* test_license.c - a whole license from its file on: what is read, by whom it may be signed. */
#include <errno.h>
#include <netinet/in.h>

#include "jws.h"
#include "token.h"

static void accepts_and_fills(void **state)
{
	struct license *lic = accept_license(&world, claims_of(NULL));

	assert_string_equal(lic->iss, ISS);
	assert_string_equal(lic->sub, "Acme");
	assert_string_equal(lic->jti, "j-1");
	assert_string_equal(lic->lid, "line-1");
	assert_string_equal(lic->kid, world.key.kid);
	assert_null(lic->plan);
	assert_int_equal(lic->n_aud, 1);
	assert_string_equal(lic->aud[0], AUD);
	assert_int_equal(lic->iat, 1799990000);
	assert_int_equal(lic->nbf, 1799990000);
	assert_int_equal(lic->exp, 1800100000);
	assert_int_equal(lic->grace_s, 0);
	assert_int_equal(lic->seq, 7);
	assert_int_equal(lic->seats, 0);
	assert_int_equal(lic->quota.window_s, 0);
	assert_int_equal(lic->rl_max_age_s, 0);
	assert_int_equal(lic->lapse, PLIC_BLOCK_NEW);
	assert_int_equal(lic->n_features, 0);
	assert_int_equal(lic->n_bind_nodes, 0);
	assert_null(lic->bind_cluster);
	assert_int_equal(lic->n_ports, 1);
	assert_int_equal(lic->ports[0].port, 8080);
	assert_int_equal(lic->ports[0].end_port, 8080);
	assert_int_equal(lic->ports[0].protocol, IPPROTO_TCP);
	assert_string_equal(lic->ports[0].name, "");
	assert_false(lic->ports[0].tls);
	license_free(lic);
	license_free(NULL);
}

static void fills_every_claim(void **state)
{
	struct license *lic;

	world.check.bind_cluster = "uid-1";
	world.check.bind_node = "m2";
	lic = accept_license(
		&world,
		claims_of("aud", "[\"a\",\"" AUD "\"]", "plan", "\"gold\"", "grace", "86400", "seq",
			  "9007199254740991", "features", "[\"sso\",\"audit\"]", "seats", "25",
			  "quota",
			  "{\"connections\":10,\"bytes\":20,\"window\":30,\"over\":\"block\","
			  "\"scope\":\"node\"}",
			  "bind", "{\"cluster\":\"uid-1\",\"nodes\":[\"m1\",\"m2\"]}", "rl_max_age",
			  "3600", "lapse", "\"report\"", "must", "[\"bind\",\"seats\",\"ports\"]",
			  "ports",
			  "[{\"port\":9000,\"endPort\":9010,\"protocol\":\"UDP\",\"name\":"
			  "\"voice\",\"seats\":3,"
			  "\"rate\":{\"connections\":100,\"per\":5,\"burst\":200},"
			  "\"quota\":{\"bytes\":7,\"window\":60},\"tls\":true},"
			  "{\"port\":65535,\"protocol\":\"SCTP\",\"rate\":{\"connections\":9}}]",
			  NULL));
	world.check.bind_cluster = world.check.bind_node = NULL;
	assert_int_equal(lic->n_aud, 2);
	assert_string_equal(lic->plan, "gold");
	assert_int_equal(lic->grace_s, 86400);
	assert_true(lic->seq == 9007199254740991LL);
	assert_int_equal(lic->n_features, 2);
	assert_string_equal(lic->features[1], "audit");
	assert_int_equal(lic->seats, 25);
	assert_int_equal(lic->seats_scope, SCOPE_POD);
	assert_int_equal(lic->quota.connections, 10);
	assert_int_equal(lic->quota.bytes, 20);
	assert_int_equal(lic->quota.window_s, 30);
	assert_true(lic->quota.block);
	assert_int_equal(lic->quota.scope, SCOPE_NODE);
	assert_string_equal(lic->bind_cluster, "uid-1");
	assert_int_equal(lic->n_bind_nodes, 2);
	assert_int_equal(lic->rl_max_age_s, 3600);
	assert_int_equal(lic->lapse, PLIC_REPORT);
	assert_int_equal(lic->n_ports, 2);
	assert_int_equal(lic->ports[0].end_port, 9010);
	assert_int_equal(lic->ports[0].protocol, IPPROTO_UDP);
	assert_string_equal(lic->ports[0].name, "voice");
	assert_int_equal(lic->ports[0].seats, 3);
	assert_int_equal(lic->ports[0].rate.connections, 100);
	assert_int_equal(lic->ports[0].rate.per_s, 5);
	assert_int_equal(lic->ports[0].rate.burst, 200);
	assert_int_equal(lic->ports[0].quota.bytes, 7);
	assert_int_equal(lic->ports[0].quota.connections, 0);
	assert_false(lic->ports[0].quota.block);
	assert_true(lic->ports[0].tls);
	assert_int_equal(lic->ports[1].port, 65535);
	assert_int_equal(lic->ports[1].protocol, IPPROTO_SCTP);
	assert_int_equal(lic->ports[1].rate.per_s, 1);
	assert_int_equal(lic->ports[1].rate.burst, 9);
	license_free(lic);
}

static void strict_json(void **state)
{
	static const struct {
		const char *payload, *word;
	} cases[] = {
		{"", "bad_json"},
		{"{", "bad_json"},
		{"{}x", "bad_json"},
		{"{\"ver\":01}", "bad_json"},
		{"\"\xff\"", "bad_json"},
		{"{\"a\":\"\\u0000\"}", "bad_json"},
		{"[]", "bad_claim"},
		{"null", "bad_claim"},
		{"{\"exp\":1,\"e\\u0078p\":2}", "duplicate_name"},
		{"{\"a\":[[[[[[[[]]]]]]]]}", "too_deep"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(verdict_of(&world, strdup(cases[i].payload), NULL),
				    cases[i].word);
}

/* What the operator allows a vendor is a wall, and an issuer can't sign for another. */
static void vendor_limits(void **state)
{
	struct jwk other = test_key(2, "other"), old = test_key(3, "old");
	char *other_jwk = public_jwk(&other, ""),
	     *old_jwk = public_jwk(&old, ",\"retired\":1799990000");
	struct world v;
	struct fault f;
	static const struct {
		const char *ports, *word;
	} cases[] = {
		{"[{\"port\":8080}]", ""},
		{"[{\"port\":1024,\"endPort\":65535}]", ""},
		{"[{\"port\":443}]", ""},
		{"[{\"port\":1023}]", "not_allowed"},
		{"[{\"port\":1023,\"endPort\":1024}]", "not_allowed"},
		{"[{\"port\":443,\"endPort\":1024}]", "not_allowed"},
		{"[{\"port\":8080},{\"port\":80}]", "not_allowed"},
		{"[]", ""},
	};

	world_setup(&v);
	assert_int_equal(add_trust(v.trust, "o.jwks", &f,
				   "{\"iss\":\"other\",\"allow\":{\"ports\":\"443,1024-65535\"},"
				   "\"keys\":[%s,%s]}",
				   other_jwk, old_jwk),
			 0);
	v.key = other;
	assert_string_equal(verdict_of(&v, claims_of(NULL), NULL), "issuer_mismatch");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *word = verdict_of(
			&v, claims_of("iss", "\"other\"", "ports", cases[i].ports, NULL), NULL);

		if (strcmp(word, cases[i].word))
			fail_msg("%s: %s", cases[i].ports, word);
	}
	/* retired: what was issued before stays good. */
	v.key = old;
	assert_string_equal(
		verdict_of(&v, claims_of("iss", "\"other\"", "iat", "1799989999", NULL), NULL), "");
	assert_string_equal(verdict_of(&v, claims_of("iss", "\"other\"", NULL), NULL),
			    "unknown_kid");
	free(other_jwk);
	free(old_jwk);
	world_teardown(&v);
}

/* What one vendor's file reserves no other vendor's license opens. */
static void reserved_ports(void **state)
{
	static const struct {
		const char *ports, *theirs, *owners;
	} cases[] = {
		{"[{\"port\":9443}]", "not_allowed", ""},
		{"[{\"port\":9000,\"endPort\":9600}]", "not_allowed", ""},
		{"[{\"port\":9442},{\"port\":9444}]", "", ""},
	};
	struct jwk owner = test_key(2, "owner");
	char *jwk = public_jwk(&owner, "");
	struct world v;
	struct fault f;

	world_setup(&v);
	assert_int_equal(
		add_trust(v.trust, "o.jwks", &f,
			  "{\"iss\":\"owner\",\"reserve\":{\"ports\":\"9443\"},\"keys\":[%s]}",
			  jwk),
		0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world by_owner = v;

		by_owner.key = owner;
		assert_string_equal(verdict_of(&v, claims_with("ports", cases[i].ports), NULL),
				    cases[i].theirs);
		assert_string_equal(
			verdict_of(&by_owner,
				   claims_of("iss", "\"owner\"", "ports", cases[i].ports, NULL),
				   NULL),
			cases[i].owners);
	}
	free(jwk);
	world_teardown(&v);
}

/* The payload is judged only behind a good signature, whatever it says. */
static void signature_comes_first(void **state)
{
	struct jwk thief = test_key(66, NULL);
	char *payload = claims_with("ver", "2"), *token;

	token = sign_as(&thief, NULL, payload);
	assert_string_equal(verdict(&world, token, NULL), "unknown_kid");
	memcpy(thief.kid, world.key.kid, sizeof(thief.kid));
	token = sign_as(&thief, NULL, payload);
	assert_string_equal(verdict(&world, token, NULL), "bad_signature");
	token = sign_as(&world.key, JWS_TYP_REVOCATION, payload);
	assert_string_equal(verdict(&world, token, NULL), "bad_typ");
	free(payload);
}

static void size_of_the_file(void **state)
{
	char *token = malloc(LICENSE_MAX_BYTES + 2);

	memset(token, 'A', LICENSE_MAX_BYTES + 1);
	token[LICENSE_MAX_BYTES + 1] = '\0';
	assert_string_equal(verdict(&world, token, NULL), "too_big");
	assert_string_equal(verdict(&world, strdup("a.b"), NULL), "bad_framing");
	assert_string_equal(verdict(&world, strdup("a.b=.c"), NULL), "bad_base64");
	token = sign_raw(&world.key, "{\"alg\":\"none\"}", "{}");
	assert_string_equal(verdict(&world, token, NULL), "bad_alg");
	token = sign_raw(&world.key, "{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"x\":1}", "{}");
	assert_string_equal(verdict(&world, token, NULL), "bad_header");
}

static void checks_of_sign(void **state)
{
	char *good = claims_of(NULL), *ahead = claims_with("iat", "1800000301"),
	     *bad = claims_with("exp", "1"), *foreign = claims_with("iss", "\"anyone\"");
	struct rejection why;

	assert_int_equal(license_check_claims(good, strlen(good), NOW, &why), 0);
	assert_int_equal(license_check_claims(foreign, strlen(foreign), NOW, &why), 0);
	assert_int_equal(license_check_claims(ahead, strlen(ahead), NOW, &why), -EBADMSG);
	assert_int_equal(why.reason, LICENSE_IAT_FUTURE);
	assert_int_equal(license_check_claims(ahead, strlen(ahead), INT64_MAX, &why), 0);
	assert_int_equal(license_check_claims(bad, strlen(bad), NOW, &why), -EBADMSG);
	assert_int_equal(why.reason, LICENSE_EXP_BEFORE_NBF);
	assert_int_equal(license_check_claims("{}", 2, NOW, &why), -EBADMSG);
	assert_int_equal(why.reason, LICENSE_MISSING_CLAIM);
	free(good);
	free(ahead);
	free(bad);
	free(foreign);
}

static void peek_shows_what_nobody_signed(void **state)
{
	struct jwk stranger = test_key(77, "stranger");
	char *payload = claims_with("aud", "\"elsewhere\""),
	     *token = sign_as(&stranger, NULL, payload);
	struct rejection why;
	struct license *lic = NULL;

	assert_int_equal(license_peek(token, strlen(token), &lic, &why), 0);
	assert_string_equal(lic->kid, "stranger");
	assert_string_equal(lic->aud[0], "elsewhere");
	license_free(lic);
	assert_int_equal(license_peek("x", 1, &lic, &why), -EBADMSG);
	free(payload);
	free(token);
}

static void words(void **state)
{
	assert_string_equal(license_reason_word(LICENSE_OK), "");
	assert_string_equal(license_reason_word(LICENSE_TOO_BIG), "too_big");
	assert_string_equal(license_reason_word(LICENSE_NOT_ALLOWED), "not_allowed");
	assert_string_equal(license_reason_word(LICENSE_N_REASONS), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_and_fills),
		cmocka_unit_test(fills_every_claim),
		cmocka_unit_test(strict_json),
		cmocka_unit_test(vendor_limits),
		cmocka_unit_test(reserved_ports),
		cmocka_unit_test(signature_comes_first),
		cmocka_unit_test(size_of_the_file),
		cmocka_unit_test(checks_of_sign),
		cmocka_unit_test(peek_shows_what_nobody_signed),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests_name("license", tests, world_begin, world_end);
}
