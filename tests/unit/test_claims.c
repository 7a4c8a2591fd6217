/* SPDX-License-Identifier: MIT */
/* test_claims.c - each claim: its types, its range, its reason word. */
#include "token.h"

/* One claim set to a JSON text (NULL: removed) must give this word. */
struct claim_case {
	const char *member, *json, *word;
};

static void run_cases(const struct claim_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rejection why = {0};
		const char *word =
			verdict_of(&world, claims_with(cases[i].member, cases[i].json), &why);

		if (strcmp(word, cases[i].word))
			fail_msg("\"%s\":%s is \"%s\" (%s), not \"%s\"", cases[i].member,
				 cases[i].json ? cases[i].json : "(absent)", word, why.detail,
				 cases[i].word);
		/* The detail names the field. */
		if (*word && !strstr(why.detail, cases[i].member))
			fail_msg("no \"%s\" in: %s", cases[i].member, why.detail);
	}
}
#define RUN(cases) run_cases(cases, ARRAY_SIZE(cases))

static void required_claims(void **state)
{
	static const struct claim_case cases[] = {
		{"iss", NULL, "missing_claim"},
		{"sub", NULL, "missing_claim"},
		{"aud", NULL, "missing_claim"},
		{"jti", NULL, "missing_claim"},
		{"iat", NULL, "missing_claim"},
		{"exp", NULL, "missing_claim"},
		{"ver", NULL, "missing_claim"},
		{"lid", NULL, "missing_claim"},
		{"seq", NULL, "missing_claim"},
		{"ports", NULL, "missing_claim"},
		{"nbf", NULL, ""},
	};

	RUN(cases);
}

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X128 X64 X64

static void names(void **state)
{
	static const struct claim_case cases[] = {
		{"sub", "\"" X128 X128 "\"", ""},
		{"sub", "\"" X128 X128 "x\"", "bad_claim"},
		{"sub", "\"\"", "bad_claim"},
		{"sub", "\"a\\u001b[2J\"", "bad_claim"},
		{"sub", "7", "bad_claim"},
		{"sub", "null", "bad_claim"},
		{"sub", "[\"Acme\"]", "bad_claim"},
		{"sub", "\"M\xc3\xbcller \xe6\x9d\xb1\xe4\xba\xac\"", ""},
		{"jti", "\"" X128 "\"", ""},
		{"jti", "\"" X128 "x\"", "bad_claim"},
		{"lid", "\"" X128 "\"", ""},
		{"lid", "\"" X128 "x\"", "bad_claim"},
		{"lid", "{}", "bad_claim"},
		{"plan", "\"" X64 "\"", ""},
		{"plan", "\"" X64 "x\"", "bad_claim"},
		{"plan", "null", "bad_claim"},
		{"iss", "5", "bad_claim"},
		{"iss", "\"" X128 X128 "x\"", "bad_claim"},
		{"iss", "\"https://vendor.example/\"", "issuer_mismatch"},
		{"iss", "\"HTTPS://vendor.example\"", "issuer_mismatch"},
	};

	RUN(cases);
}

static void audience(void **state)
{
	static const struct claim_case cases[] = {
		{"aud", "\"" AUD "\"", ""},
		{"aud", "[\"" AUD "\"]", ""},
		{"aud", "[\"a\",\"b\",\"" AUD "\"]", ""},
		{"aud", "[1,2,3]", "bad_claim"},
		{"aud", "[\"" AUD "\",1]", "bad_claim"},
		{"aud", "[]", "bad_claim"},
		{"aud", "{}", "bad_claim"},
		{"aud", "\"\"", "bad_claim"},
		{"aud", "\"*\"", "wrong_audience"},
		{"aud", "[\"*\"]", "wrong_audience"},
		{"aud", "\"" AUD "x\"", "wrong_audience"},
		{"aud", "\"plant\"", "wrong_audience"},
		{"aud", "\"PLANT-7\"", "wrong_audience"},
		{"aud",
		 "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\",\"l\",\"m\","
		 "\"n\",\"o\",\"" AUD "\"]",
		 ""},
		{"aud",
		 "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\",\"l\",\"m\","
		 "\"n\",\"o\",\"p\",\"" AUD "\"]",
		 "bad_claim"},
	};

	RUN(cases);
	world.check.audience = NULL;
	assert_string_equal(verdict_of(&world, claims_of(NULL), NULL), "wrong_audience");
	world.check.audience = "*";
	assert_string_equal(verdict_of(&world, claims_of(NULL), NULL), "wrong_audience");
	world.check.audience = AUD;
}

static void times(void **state)
{
	static const struct claim_case cases[] = {
		{"exp", "253402300799", ""},
		{"exp", "253402300800", "bad_time"},
		{"exp", "4102444800", ""}, /* 2100: beyond 2^31 and 2^32 / 2 */
		{"exp", "4294967296", ""}, /* beyond 2^32: 2106 */
		{"exp", "0", "bad_time"},
		{"exp", "-1", "bad_time"},
		{"exp", "1800100000.0", "bad_time"},
		{"exp", "18001e5", "bad_time"},
		{"exp", "1800100000.5", "bad_time"},
		{"exp", "\"1800100000\"", "bad_time"},
		{"exp", "\"2027-01-01T00:00:00Z\"", "bad_time"},
		{"exp", "null", "bad_time"},
		{"exp", "9223372036854775807", "bad_time"},
		{"exp", "18446744073709551616", "bad_time"},
		{"exp", "99999999999999999999999999999999999999999999999999999999999999999999999",
		 "bad_time"},
		{"exp", "1e400", "bad_time"},
		{"iat", "0", "bad_time"},
		{"iat", "1", ""},
		{"iat", "-0", "bad_time"},
		{"iat", "true", "bad_time"},
		{"nbf", "1", ""},
		{"nbf", "0", "bad_time"},
		{"nbf", "1.5", "bad_time"},
		{"nbf", "253402300800", "bad_time"},
	};

	RUN(cases);
}

static void milliseconds_get_a_hint(void **state)
{
	struct rejection why;

	assert_string_equal(verdict_of(&world, claims_with("exp", "1800100000000"), &why),
			    "bad_time");
	assert_non_null(strstr(why.detail, "looks like milliseconds"));
	assert_string_equal(verdict_of(&world, claims_with("iat", "1799990000000"), &why),
			    "bad_time");
	assert_non_null(strstr(why.detail, "looks like milliseconds"));
	assert_string_equal(verdict_of(&world, claims_with("exp", "0"), &why), "bad_time");
	assert_null(strstr(why.detail, "milliseconds"));
}

static void sane_times(void **state)
{
	static const struct claim_case cases[] = {
		{"exp", "1799990000", "exp_before_nbf"}, /* exp == nbf */
		{"exp", "1799990001", ""},
		{"exp", "1799980000", "exp_before_nbf"},
		{"nbf", "1800100000", "exp_before_nbf"},
		{"nbf", "1800099999", ""},
		{"iat", "1800000300", ""},
		{"iat", "1800000301", "iat_future"},
		{"iat", "253402300799", "iat_future"},
	};

	RUN(cases);
	/* nbf is iat where it is absent. */
	assert_string_equal(
		verdict_of(&world,
			   claims_of("nbf", NULL, "iat", "1799990000", "exp", "1799990000", NULL),
			   NULL),
		"exp_before_nbf");
	/* A license far ahead is pending, not rejected. */
	assert_string_equal(
		verdict_of(&world, claims_of("nbf", "253402300798", "exp", "253402300799", NULL),
			   NULL),
		"");
	world.check.now = INT64_MIN;
	assert_string_equal(verdict_of(&world, claims_of(NULL), NULL), "iat_future");
	world.check.now = INT64_MAX;
	assert_string_equal(verdict_of(&world, claims_of(NULL), NULL), "");
	world.check.now = NOW;
}

static void version(void **state)
{
	static const struct claim_case cases[] = {
		{"ver", "1", ""},
		{"ver", "2", "unsupported"},
		{"ver", "0", "unsupported"},
		{"ver", "99999999999999999999", "unsupported"},
		{"ver", "1.0", "bad_claim"},
		{"ver", "\"1\"", "bad_claim"},
		{"ver", "null", "bad_claim"},
		{"ver", "-1", "bad_claim"},
	};

	RUN(cases);
}

static void must(void **state)
{
	static const struct claim_case cases[] = {
		{"must", "[]", ""},
		{"must",
		 "[\"ports\",\"seats\",\"bind\",\"rl_max_age\",\"quota\",\"lapse\",\"grace\","
		 "\"must\"]",
		 ""},
		{"must", "[\"geofence\"]", "unsupported"},
		{"must", "[\"ports\",\"Ports\"]", "unsupported"},
		{"must", "[\"\"]", "unsupported"},
		{"must", "[1]", "bad_claim"},
		{"must", "\"ports\"", "bad_claim"},
		{"must", "null", "bad_claim"},
		{"geofence", "{\"deep\":[1]}", ""}, /* other unknown claims are ignored */
		{"Exp", "0", ""},
	};

	RUN(cases);
}

static void numbers(void **state)
{
	static const struct claim_case cases[] = {
		{"seq", "0", ""},
		{"seq", "9007199254740991", ""},
		{"seq", "9007199254740992", "bad_claim"},
		{"seq", "-1", "bad_claim"},
		{"seq", "7.0", "bad_claim"},
		{"seq", "\"7\"", "bad_claim"},
		{"grace", "0", ""},
		{"grace", "31622400", ""},
		{"grace", "31622401", "bad_claim"},
		{"grace", "-1", "bad_claim"},
		{"grace", "1e3", "bad_claim"},
		{"grace", "null", "bad_claim"},
		{"rl_max_age", "3600", ""},
		{"rl_max_age", "3599", "bad_claim"},
		{"rl_max_age", "9007199254740991", ""},
		{"rl_max_age", "true", "bad_claim"},
		{"seats", "1", ""},
		{"seats", "0", "bad_claim"},
		{"seats", "-5", "bad_claim"},
		{"seats", "\"5\"", "bad_claim"},
		{"seats", "[]", "bad_claim"},
		{"seats", "{\"limit\":5,\"scope\":\"cluster\"}", ""},
		{"seats", "{\"scope\":\"pod\"}", "bad_claim"},
		{"seats", "{\"limit\":5,\"x\":1}", "bad_claim"},
		{"lapse", "\"block-new\"", ""},
		{"lapse", "\"block\"", ""},
		{"lapse", "\"report\"", ""},
		{"lapse", "\"Block\"", "bad_claim"},
		{"lapse", "1", "bad_claim"},
		{"features", "[]", ""},
		{"features", "[\"" X64 "\"]", ""},
		{"features", "[\"" X64 "x\"]", "bad_claim"},
		{"features", "[1]", "bad_claim"},
		{"features", "\"sso\"", "bad_claim"},
		{"features", "[\"\"]", "bad_claim"},
	};

	RUN(cases);
}

static void quotas(void **state)
{
	static const struct claim_case cases[] = {
		{"quota", "{\"connections\":1,\"window\":1}", ""},
		{"quota", "{\"bytes\":9007199254740991,\"window\":9007199254740991}", ""},
		{"quota", "{\"bytes\":1,\"window\":60,\"over\":\"report\",\"scope\":\"cluster\"}",
		 ""},
		{"quota", "{}", "bad_claim"},
		{"quota", "{\"window\":60}", "bad_claim"},
		{"quota", "{\"bytes\":1}", "bad_claim"},
		{"quota", "{\"bytes\":0,\"window\":60}", "bad_claim"},
		{"quota", "{\"bytes\":1,\"window\":0}", "bad_claim"},
		{"quota", "{\"bytes\":1,\"window\":60,\"over\":\"stop\"}", "bad_claim"},
		{"quota", "{\"bytes\":1,\"window\":60,\"scope\":\"world\"}", "bad_claim"},
		{"quota", "{\"bytes\":1,\"window\":60,\"per\":\"client\"}", "bad_claim"},
		{"quota", "5", "bad_claim"},
	};

	RUN(cases);
}

static void ports(void **state)
{
	static const struct claim_case cases[] = {
		{"ports", "[]", ""},
		{"ports", "{}", "bad_claim"},
		{"ports", "null", "bad_claim"},
		{"ports", "[8080]", "bad_port"},
		{"ports", "[{}]", "bad_port"},
		{"ports", "[{\"port\":1},{\"port\":65535}]", ""},
		{"ports", "[{\"port\":0}]", "bad_port"},
		{"ports", "[{\"port\":65536}]", "bad_port"},
		{"ports", "[{\"port\":-1}]", "bad_port"},
		{"ports", "[{\"port\":80.0}]", "bad_port"},
		{"ports", "[{\"port\":8e1}]", "bad_port"},
		{"ports", "[{\"port\":\"80\"}]", "bad_port"},
		{"ports", "[{\"port\":4294967376}]", "bad_port"}, /* 80 + 2^32 */
		{"ports", "[{\"Port\":80}]", "bad_port"},
		{"ports", "[{\"port\":80,\"endPort\":80}]", ""},
		{"ports", "[{\"port\":80,\"endPort\":79}]", "bad_port"},
		{"ports", "[{\"port\":80,\"endPort\":65536}]", "bad_port"},
		{"ports", "[{\"endPort\":80}]", "bad_port"},
		{"ports", "[{\"port\":80,\"protocol\":\"tcp\"}]", "bad_port"},
		{"ports", "[{\"port\":80,\"protocol\":\"ICMP\"}]", "bad_port"},
		{"ports", "[{\"port\":80,\"protocol\":6}]", "bad_port"},
		{"ports", "[{\"port\":80,\"name\":\"" X16 X16 X16 "123456789012345\"}]", ""},
		{"ports", "[{\"port\":80,\"name\":\"" X64 "\"}]", "bad_port"},
		{"ports", "[{\"port\":80,\"name\":\"a\\nb\"}]", "bad_port"},
		{"ports", "[{\"port\":80,\"name\":5}]", "bad_port"},
		{"ports", "[{\"port\":80,\"seats\":1}]", ""},
		{"ports", "[{\"port\":80,\"seats\":0}]", "bad_port"},
		{"ports", "[{\"port\":80,\"tls\":true}]", ""},
		{"ports", "[{\"port\":80,\"tls\":false}]", "bad_port"},
		{"ports", "[{\"port\":80,\"tls\":1}]", "bad_port"},
		{"ports", "[{\"port\":80,\"from\":\"10.0.0.0/8\"}]",
		 "bad_port"}, /* unknown: it may restrict */
		{"ports", "[{\"port\":80,\"rate\":{\"connections\":1,\"per\":1,\"burst\":1}}]", ""},
		{"ports", "[{\"port\":80,\"rate\":{\"per\":1}}]", "bad_port"},
		{"ports", "[{\"port\":80,\"rate\":{\"connections\":0}}]", "bad_port"},
		{"ports", "[{\"port\":80,\"rate\":{\"connections\":1,\"per\":0}}]", "bad_port"},
		{"ports", "[{\"port\":80,\"rate\":{\"connections\":1,\"burst\":0}}]", "bad_port"},
		{"ports", "[{\"port\":80,\"rate\":{\"connections\":1,\"max\":0}}]", "bad_port"},
		{"ports", "[{\"port\":80,\"rate\":100}]", "bad_port"},
		{"ports", "[{\"port\":80,\"quota\":{\"bytes\":1}}]", "bad_port"},
		{"ports", "[{\"port\":80,\"quota\":{\"bytes\":1,\"window\":9}}]", ""},
		{"ports", "[{\"port\":80},{\"port\":80}]", ""}, /* overlaps are a union */
	};
	struct rejection why;

	RUN(cases);
	verdict_of(&world, claims_with("ports", "[{\"port\":80},{\"port\":80,\"endPort\":7}]"),
		   &why);
	assert_non_null(strstr(why.detail, "\"ports\"[1]"));
	assert_non_null(strstr(why.detail, "endPort"));
}

static char *many_ports(size_t n)
{
	char *text = malloc(n * 16 + 3), *at = text;

	*at++ = '[';
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "%s{\"port\":%zu}", i ? "," : "", i + 1);
	strcpy(at, "]");
	return text;
}

static void number_of_ports(void **state)
{
	char *text = many_ports(LICENSE_MAX_PORTS);
	struct license *lic = accept_license(&world, claims_with("ports", text));

	assert_int_equal(lic->n_ports, LICENSE_MAX_PORTS);
	assert_int_equal(lic->ports[1023].port, 1024);
	license_free(lic);
	free(text);
	text = many_ports(LICENSE_MAX_PORTS + 1);
	assert_string_equal(verdict_of(&world, claims_with("ports", text), NULL), "bad_claim");
	free(text);
}

static void number_of_features(void **state)
{
	char text[1024] = "[", *at = text + 1;

	for (int i = 0; i < 64; i++)
		at += sprintf(at, "%s\"f%d\"", i ? "," : "", i);
	strcpy(at, "]");
	assert_string_equal(verdict_of(&world, claims_with("features", text), NULL), "");
	strcpy(at, ",\"one more\"]");
	assert_string_equal(verdict_of(&world, claims_with("features", text), NULL), "bad_claim");
}

static void binding(void **state)
{
	static const struct claim_case types[] = {
		{"bind", "{}", "bad_claim"},
		{"bind", "{\"pod\":\"x\"}", "bad_claim"},
		{"bind", "\"x\"", "bad_claim"},
		{"bind", "{\"nodes\":[]}", "bad_claim"},
		{"bind", "{\"nodes\":\"x\"}", "bad_claim"},
		{"bind", "{\"nodes\":[1]}", "bad_claim"},
		{"bind", "{\"cluster\":\"\"}", "bad_claim"},
		{"bind", "{\"cluster\":[]}", "bad_claim"},
	};
	static const struct {
		const char *bind, *cluster, *node, *word;
		bool skip;
	} cases[] = {
		{"{\"cluster\":\"u\"}", "u", NULL, "", false},
		{"{\"cluster\":\"u\"}", "v", NULL, "wrong_binding", false},
		{"{\"cluster\":\"u\"}", NULL, "n", "wrong_binding", false},
		{"{\"nodes\":[\"m\",\"n\"]}", NULL, "n", "", false},
		{"{\"nodes\":[\"m\",\"n\"]}", "u", "o", "wrong_binding", false},
		{"{\"nodes\":[\"m\",\"n\"]}", "n", NULL, "wrong_binding", false},
		{"{\"cluster\":\"u\",\"nodes\":[\"n\"]}", "u", "n", "", false},
		{"{\"cluster\":\"u\",\"nodes\":[\"n\"]}", "u", "m", "wrong_binding", false},
		{"{\"cluster\":\"u\",\"nodes\":[\"n\"]}", "v", "n", "wrong_binding", false},
		{"{\"cluster\":\"u\",\"nodes\":[\"n\"]}", NULL, NULL, "", true},
		{NULL, NULL, NULL, "", false},
		{NULL, "u", "n", "", false},
	};

	RUN(types);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		world.check.bind_cluster = cases[i].cluster;
		world.check.bind_node = cases[i].node;
		world.check.skip_bind = cases[i].skip;
		if (strcmp(verdict_of(&world, claims_with("bind", cases[i].bind), NULL),
			   cases[i].word))
			fail_msg("case %zu", i);
	}
	world.check.bind_cluster = world.check.bind_node = NULL;
	world.check.skip_bind = false;
}

/* Each of these breaks two rules; the one that is checked first names the reason. */
static void order_of_checks(void **state)
{
	static const struct {
		const char *a, *a_json, *b, *b_json, *word;
	} cases[] = {
		{"ver", "2", "must", "[\"x\"]", "unsupported"},
		{"ver", "\"1\"", "must", "[\"x\"]", "bad_claim"},
		{"ver", NULL, "must", "[\"x\"]", "missing_claim"},
		{"must", "[\"x\"]", "exp", NULL, "unsupported"},
		{"must", "[\"x\"]", "ports", "5", "unsupported"},
		{"exp", NULL, "sub", "5", "missing_claim"},
		{"ports", "[{}]", "iss", "\"other\"", "bad_port"},
		{"exp", "0", "iss", "\"other\"", "bad_time"},
		{"iss", "\"other\"", "aud", "\"other\"", "issuer_mismatch"},
		{"aud", "\"other\"", "bind", "{\"cluster\":\"x\"}", "wrong_audience"},
		{"bind", "{\"cluster\":\"x\"}", "exp", "1", "wrong_binding"},
		{"exp", "1", "iat", "253402300799", "exp_before_nbf"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rejection why;
		const char *word = verdict_of(
			&world,
			claims_of(cases[i].a, cases[i].a_json, cases[i].b, cases[i].b_json, NULL),
			&why);

		if (strcmp(word, cases[i].word))
			fail_msg("case %zu: %s: %s", i, word, why.detail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(required_claims),
		cmocka_unit_test(names),
		cmocka_unit_test(audience),
		cmocka_unit_test(times),
		cmocka_unit_test(milliseconds_get_a_hint),
		cmocka_unit_test(sane_times),
		cmocka_unit_test(version),
		cmocka_unit_test(must),
		cmocka_unit_test(numbers),
		cmocka_unit_test(quotas),
		cmocka_unit_test(ports),
		cmocka_unit_test(number_of_ports),
		cmocka_unit_test(number_of_features),
		cmocka_unit_test(binding),
		cmocka_unit_test(order_of_checks),
	};

	return cmocka_run_group_tests_name("claims", tests, world_begin, world_end);
}
