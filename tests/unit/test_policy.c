/* SPDX-License-Identifier: MIT */
/* test_policy.c - policy files: what is read, what is refused and in which words. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "trust.h"

static struct policy *parse(const char *text)
{
	struct policy *p = NULL;
	struct fault f = {0};

	if (policy_parse("p.json", text, strlen(text), NULL, &p, &f))
		fail_msg("%s: %s", text, f.text);
	return p;
}

static bool matches(const struct policy *p, const char *gate)
{
	const struct policy_subject subject = {.gate = gate};

	return policy_matches(p, &subject);
}

static void test_all_members(void **state)
{
	struct policy *p =
		parse("{\"name\":\"acme\",\"match\":{\"gates\":[\"acme-*\",\"db?\"]},"
		      "\"mode\":\"audit\",\"deny\":\"drop\",\"probes\":true,"
		      "\"open\":[{\"port\":8080},{\"port\":53,\"protocol\":\"UDP\"},"
		      "{\"port\":7000,\"endPort\":7010,\"protocol\":\"SCTP\"},"
		      "{\"ipproto\":47},{\"ipproto\":0}],"
		      "\"ports\":[{\"port\":9443,\"mode\":\"audit\"},"
		      "{\"port\":1,\"endPort\":65535,\"protocol\":\"UDP\","
		      "\"mode\":\"enforce\",\"deny\":\"refuse\"},{\"port\":9444,\"seats\":50,"
		      "\"from\":[{\"cidr\":\"10.0.0.0/8\"},{\"origin\":[\"pod\"]}]}]}");

	assert_string_equal(p->file, "p.json");
	assert_string_equal(p->name, "acme");
	assert_int_equal(p->n_gates, 2);
	assert_int_equal(p->mode, PLIC_AUDIT_MODE);
	assert_int_equal(p->deny, PLIC_DROP);

	assert_int_equal(p->n_open, 5);
	assert_int_equal(p->open[0].port, 8080);
	assert_int_equal(p->open[0].end_port, 8080);
	assert_int_equal(p->open[0].ip_proto, IPPROTO_TCP);
	assert_int_equal(p->open[1].ip_proto, IPPROTO_UDP);
	assert_int_equal(p->open[2].end_port, 7010);
	assert_int_equal(p->open[2].ip_proto, IPPROTO_SCTP);
	assert_int_equal(p->open[3].ip_proto, IPPROTO_GRE);
	assert_int_equal(p->open[3].port, 0);
	assert_int_equal(p->open[3].end_port, 0);
	assert_int_equal(p->open[4].ip_proto, 0);

	assert_int_equal(p->n_ports, 3);
	assert_int_equal(p->ports[0].port, 9443);
	assert_int_equal(p->ports[0].mode, PLIC_AUDIT_MODE);
	assert_int_equal(p->ports[0].deny, -1);
	assert_int_equal(p->ports[1].end_port, 65535);
	assert_int_equal(p->ports[1].ip_proto, IPPROTO_UDP);
	assert_int_equal(p->ports[1].mode, PLIC_ENFORCE);
	assert_int_equal(p->ports[1].deny, PLIC_REFUSE);
	assert_int_equal(p->ports[2].mode, -1);
	assert_int_equal(p->ports[2].from.origins, 1 << PLIC_ORIGIN_POD);
	assert_int_equal(p->ports[2].from.set.n_prefixes, 1);
	assert_int_equal(p->ports[0].from.origins | p->ports[0].from.set.id, 0);
	assert_int_equal(p->ports[1].seats, 0);
	assert_int_equal(p->ports[2].seats, 50);

	assert_true(matches(p, "acme-web"));
	assert_true(matches(p, "db1"));
	assert_false(matches(p, "db12"));
	assert_false(matches(p, "xacme-web"));
	policy_free(p);
	policy_free(NULL);
}

static void test_limits(void **state)
{
	struct policy *p =
		parse("{\"name\":\"x\",\"ports\":[{\"port\":80,\"seats\":50,\"tls\":true,"
		      "\"rate\":{\"connections\":100,\"per\":2,\"burst\":200}},"
		      "{\"port\":81,\"rate\":{\"connections\":7},\"tls\":false}]}");

	assert_int_equal(p->ports[0].seats, 50);
	assert_true(p->ports[0].tls);
	assert_int_equal(p->ports[0].rate.connections, 100);
	assert_int_equal(p->ports[0].rate.per_s, 2);
	assert_int_equal(p->ports[0].rate.burst, 200);
	assert_int_equal(p->ports[1].seats, 0);
	assert_false(p->ports[1].tls);
	assert_int_equal(p->ports[1].rate.per_s, 1);
	assert_int_equal(p->ports[1].rate.burst, 7);
	policy_free(p);
}

static void test_defaults(void **state)
{
	struct policy *p = parse("{\"name\":\"x\"}");

	assert_int_equal(p->mode, PLIC_ENFORCE);
	assert_int_equal(p->deny, PLIC_REFUSE);
	assert_int_equal(p->n_gates + p->n_open + p->n_ports, 0);
	assert_false(matches(p, "x"));
	policy_free(p);
}

static void refuse(const char *text, size_t len, const char *words)
{
	struct policy *p = (void *)&p;
	struct fault f = {0};

	if (policy_parse("p.json", text, len, NULL, &p, &f) != -EBADMSG)
		fail_msg("not refused: %s", text);
	assert_ptr_equal(p, &p);
	if (!strstr(f.text, "policy \"p.json\": ") || !strstr(f.text, words))
		fail_msg("%s\n  says: %s\n  wanted: %s", text, f.text, words);
}

static void test_refused(void **state)
{
	static const char *const cases[][2] = {
		{"", "not strict JSON"},
		{"[]", "not a JSON object"},
		{"{\"name\":\"a\",}", "not strict JSON"},
		{"{\"name\":\"a\",\"name\":\"b\"}", "not strict JSON"},
		{"{\"name\":\"a\"} x", "not strict JSON"},
		{"{}", "\"name\" is missing"},
		{"{\"name\":\"\"}", "\"name\" must be a string"},
		{"{\"name\":7}", "\"name\" must be a string"},
		{"{\"name\":\"a\",\"Mode\":\"audit\"}", "unknown member \"Mode\""},
		{"{\"name\":\"a\",\"mode\":\"Audit\"}", "\"mode\" must be one of \"enforce\""},
		{"{\"name\":\"a\",\"mode\":1}", "\"mode\" must be one of"},
		{"{\"name\":\"a\",\"deny\":\"reject\"}", "\"deny\" must be one of \"refuse\""},
		{"{\"name\":\"a\",\"probes\":1}", "\"probes\" must be true or false"},

		{"{\"name\":\"a\",\"match\":{}}", "\"match\": is empty"},
		{"{\"name\":\"a\",\"match\":[]}", "\"match\" must be an object"},
		{"{\"name\":\"a\",\"match\":{\"gates\":[]}}", "\"match\": \"gates\""},
		{"{\"name\":\"a\",\"match\":{\"gates\":[\"\"]}}", "\"match\": \"gates\"[0]"},
		{"{\"name\":\"a\",\"match\":{\"gates\":\"*\"}}", "\"match\": \"gates\""},
		{"{\"name\":\"a\",\"match\":{\"gate\":[\"*\"]}}", "unknown member \"gate\""},

		{"{\"name\":\"a\",\"open\":{}}", "\"open\" must be an array"},
		{"{\"name\":\"a\",\"open\":[8080]}", "\"open\"[0]: must be an object"},
		{"{\"name\":\"a\",\"open\":[{}]}", "\"open\"[0]: \"port\" is missing"},
		{"{\"name\":\"a\",\"open\":[{\"port\":1},{\"port\":0}]}",
		 "\"open\"[1]: \"port\" must be an integer from 1 to 65535"},
		{"{\"name\":\"a\",\"open\":[{\"port\":65536}]}", "\"open\"[0]: \"port\""},
		{"{\"name\":\"a\",\"open\":[{\"port\":-1}]}", "\"open\"[0]: \"port\""},
		{"{\"name\":\"a\",\"open\":[{\"port\":80.0}]}", "\"open\"[0]: \"port\""},
		{"{\"name\":\"a\",\"open\":[{\"port\":\"80\"}]}", "\"open\"[0]: \"port\""},
		{"{\"name\":\"a\",\"open\":[{\"port\":80,\"endPort\":79}]}",
		 "\"endPort\" must be an integer from 80 to 65535"},
		{"{\"name\":\"a\",\"open\":[{\"port\":80,\"endPort\":null}]}", "\"endPort\""},
		{"{\"name\":\"a\",\"open\":[{\"port\":80,\"protocol\":\"tcp\"}]}",
		 "\"protocol\" must be one of \"TCP\""},
		{"{\"name\":\"a\",\"open\":[{\"port\":80,\"tls\":true}]}",
		 "unknown member \"tls\""},
		{"{\"name\":\"a\",\"open\":[{\"port\":80,\"from\":[]}]}",
		 "\"open\"[0]: \"from\" must be an array"},
		{"{\"name\":\"a\",\"open\":[{\"port\":80,\"from\":[{\"cidr\":\"10.0.0.1/8\"}]}]}",
		 "\"open\"[0]: \"from\"[0]: \"cidr\": \"10.0.0.1/8\""},
		{"{\"name\":\"a\",\"open\":[{\"ipproto\":256}]}", "\"ipproto\" must be"},
		{"{\"name\":\"a\",\"open\":[{\"ipproto\":\"gre\"}]}", "\"ipproto\" must be"},
		{"{\"name\":\"a\",\"open\":[{\"ipproto\":6}]}", "name them with \"port\""},
		{"{\"name\":\"a\",\"open\":[{\"ipproto\":17}]}", "name them with \"port\""},
		{"{\"name\":\"a\",\"open\":[{\"ipproto\":132}]}", "name them with \"port\""},
		{"{\"name\":\"a\",\"open\":[{\"ipproto\":1}]}", "always passes"},
		{"{\"name\":\"a\",\"open\":[{\"ipproto\":2}]}", "always passes"},
		{"{\"name\":\"a\",\"open\":[{\"ipproto\":58}]}", "always passes"},
		{"{\"name\":\"a\",\"open\":[{\"ipproto\":47,\"port\":1}]}",
		 "unknown member \"port\""},
		{"{\"name\":\"a\",\"open\":[{\"ipproto\":47,\"from\":[]}]}", "\"from\" narrows"},

		{"{\"name\":\"a\",\"ports\":[{\"mode\":\"audit\"}]}",
		 "\"ports\"[0]: \"port\" is missing"},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"mode\":\"off\"}]}",
		 "\"ports\"[0]: \"mode\" must be one of \"enforce\", \"audit\""},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"deny\":\"off\"}]}", "\"deny\""},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"from\":[{\"podSelector\":[]}]}]}",
		 "\"ports\"[0]: \"from\"[0]: \"podSelector\": must be an object"},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"from\":[{\"podSelector\":{}}],\"rate\":"
		 "5}]}",
		 "\"rate\""},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80},{\"port\":80,"
		 "\"from\":[{\"cidr\":\"10.0.0.0/8\"}]}]}",
		 "\"ports\"[1]: names a port"},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"seats\":0}]}", "\"seats\" must be"},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"rate\":{}}]}",
		 "\"rate\": \"connections\" is missing"},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"rate\":5}]}", "\"rate\""},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"rate\":{\"connections\":1,\"bytes\":1}}"
		 "]}",
		 "\"bytes\" is unknown"},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"tls\":1}]}", "\"tls\""},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"quota\":1}]}",
		 "unknown member \"quota\""},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"ipproto\":47}]}",
		 "unknown member \"ipproto\""},
		{"{\"name\":\"a\",\"ports\":[{\"port\":80,\"endPort\":90},{\"port\":70},"
		 "{\"port\":90,\"endPort\":99}]}",
		 "\"ports\"[2]: names a port that \"ports\"[0] names too"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refuse(cases[i][0], strlen(cases[i][0]), cases[i][1]);
}

static void test_size(void **state)
{
	char *text = malloc(POLICY_MAX_BYTES + 1);

	assert_non_null(text);
	memset(text, ' ', POLICY_MAX_BYTES + 1);
	memcpy(text, "{\"name\":\"a\"}", 12);
	refuse(text, POLICY_MAX_BYTES + 1, "1048577 bytes, at most 1048576");
	struct policy *p = NULL;
	assert_int_equal(policy_parse("p", text, POLICY_MAX_BYTES, NULL, &p, NULL), 0);
	policy_free(p);
	free(text);
}

/* The same ports of two protocols are two things. */
static void test_protocols_do_not_overlap(void **state)
{
	struct policy *p = parse("{\"name\":\"a\",\"ports\":[{\"port\":80},"
				 "{\"port\":80,\"protocol\":\"UDP\"}]}");

	assert_int_equal(p->n_ports, 2);
	policy_free(p);
}

static const char vendor[] =
	"{\"iss\":\"https://vendor.example\",\"reserve\":{\"ports\":\"9443,9500-9599\"},\"keys\":"
	"[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\","
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"; /* RFC 8037, A.2 */

static void test_reserved(void **state)
{
	static const char *const refused[] = {
		"{\"name\":\"a\",\"open\":[{\"port\":9443}]}",
		"{\"name\":\"a\",\"open\":[{\"port\":9443,\"protocol\":\"UDP\"}]}",
		"{\"name\":\"a\",\"open\":[{\"port\":9599,\"endPort\":9700}]}",
		"{\"name\":\"a\",\"open\":[{\"port\":1,\"endPort\":65535}]}",
	};
	static const char fine[] = "{\"name\":\"a\",\"open\":[{\"port\":9444,\"endPort\":9499},"
				   "{\"ipproto\":47}],\"ports\":[{\"port\":9443}]}";
	struct trust *trust = NULL;
	struct policy *p = NULL;
	struct fault f = {0};

	assert_int_equal(trust_new(&trust), 0);
	if (trust_add(trust, "v.jwks", vendor, strlen(vendor), &f))
		fail_msg("%s", f.text);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(
			policy_parse("p.json", refused[i], strlen(refused[i]), trust, &p, &f),
			-EBADMSG);
		if (!strstr(f.text, "\"https://vendor.example\" reserves") ||
		    !strstr(f.text, "\"v.jwks\""))
			fail_msg("%s", f.text);
	}
	assert_int_equal(policy_parse("p.json", fine, strlen(fine), trust, &p, &f), 0);
	policy_free(p);
	trust_free(trust);
}

/* Broken bytes are refused or read, and nothing leaks. */
static void test_noise(void **state)
{
	static const char good[] =
		"{\"name\":\"acme\",\"match\":{\"gates\":[\"acme-*\"]},\"mode\":\"audit\","
		"\"open\":[{\"port\":8080,\"endPort\":8090,\"from\":[{\"origin\":[\"node\"]}]},"
		"{\"ipproto\":47}],\"ports\":[{\"port\":9443,\"mode\":\"audit\",\"from\":["
		"{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.9.0.0/16\"]}]},"
		"{\"port\":9444,\"deny\":\"drop\"}]}";
	static const char alphabet[] = "{}[]\":,0123456789\\u*ntf -";
	size_t read = 0;

	srandom(11);
	for (unsigned int round = 0; round < 20000; round++) {
		char text[sizeof(good)];
		struct policy *p = NULL;
		struct fault f = {0};
		size_t len = sizeof(good) - 1;

		memcpy(text, good, sizeof(good));
		for (size_t hits = random() % 4; hits; hits--)
			text[random() % len] = random() % 5
						       ? alphabet[random() % (sizeof(alphabet) - 1)]
						       : (char)random();
		if (random() % 8 == 0)
			len = random() % len;
		if (policy_parse("p", text, len, NULL, &p, &f)) {
			assert_true(f.text[0]);
			assert_null(p);
		} else {
			read++;
		}
		policy_free(p);
	}
	assert_in_range(read, 1000, 15000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_members), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_defaults),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_size),	    cmocka_unit_test(test_protocols_do_not_overlap),
		cmocka_unit_test(test_reserved),    cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
