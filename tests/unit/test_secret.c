/* SPDX-License-Identifier: MIT */
/* test_secret.c - metadata, Secrets, PortLicenses and PortPolicies as the API server sends them, and other things. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "policy.h"
#include "portlicense.h"
#include "secret.h"

#define META                                                                                       \
	"\"metadata\":{\"name\":\"acme\",\"namespace\":\"portlic\",\"uid\":\"u-1\","               \
	"\"resourceVersion\":\"362\","                                                             \
	"\"generation\":3,\"managedFields\":[{\"manager\":\"kubectl\"}]}"

static cJSON *parse(const char *text)
{
	cJSON *tree = NULL;
	struct fault f;

	assert_int_equal(json_parse_object("test", text, strlen(text), &tree, &f), 0);
	return tree;
}

static int read_secret(const char *text, struct secret *out, struct fault *f)
{
	_json_ cJSON *tree = parse(text);

	return secret_read(tree, out, f);
}

static void test_metadata(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"{}", "\"name\" is missing"},
		{"{\"metadata\":{\"name\":\"a\"}}", "\"uid\" is missing"},
		{"{\"metadata\":{\"name\":\"a\",\"uid\":\"u\"}}", "\"resourceVersion\" is missing"},
		{"{\"metadata\":{\"name\":7,\"uid\":\"u\",\"resourceVersion\":\"1\"}}",
		 "\"name\" must be"},
		{"{\"metadata\":{\"name\":\"a/../b\",\"uid\":\"u\",\"resourceVersion\":\"1\"}}",
		 "is no name"},
		{"{\"metadata\":{\"name\":\"..\",\"uid\":\"u\",\"resourceVersion\":\"1\"}}",
		 "is no name"},
		{"{\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"resourceVersion\":\"1\","
		 "\"generation\":-1}}",
		 "\"generation\" must be"},
	};
	_json_ cJSON *good = parse("{" META "}");
	struct kobject object = {0};
	struct fault f = {0};

	assert_int_equal(kobject_read(good, &object, &f), 0);
	assert_string_equal(object.name, "acme");
	assert_string_equal(object.namespace, "portlic");
	assert_string_equal(object.version, "362");
	assert_int_equal(object.generation, 3);
	kobject_free(&object);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_json_ cJSON *tree = parse(bad[i].text);

		assert_int_equal(kobject_read(tree, &object, &f), -EINVAL);
		assert_non_null(strstr(f.text, bad[i].why));
		assert_null(object.name);
	}
}

static void test_keys(void **state)
{
	assert_int_equal(secret_key_kind("license.key"), SECRET_LICENSE);
	assert_int_equal(secret_key_kind("acme.lic"), SECRET_LICENSE);
	assert_int_equal(secret_key_kind("acme.jwt"), SECRET_LICENSE);
	assert_int_equal(secret_key_kind("acme.rl"), SECRET_LIST);
	assert_int_equal(secret_key_kind("acme.jwks"), SECRET_TRUST);
	assert_int_equal(secret_key_kind("other-license.key"), SECRET_NOTHING);
	assert_int_equal(secret_key_kind(".lic"), SECRET_NOTHING);
	assert_int_equal(secret_key_kind("tls.key"), SECRET_NOTHING);
}

static void test_secret(void **state)
{
	struct secret secret = {0};
	struct fault f = {0};

	assert_int_equal(
		read_secret(
			"{" META
			",\"data\":{\"license.key\":\"ZXlKaGJHY2lPaUpGWkVSVFFTSjkuZTMwLmMybG4=\","
			"\"empty.lic\":\"\",\"a.rl\":\"YQ==\",\"t.jwks\":\"YmI=\",\"ca.crt\":\"eA=="
			"\"}}",
			&secret, &f),
		0);
	assert_int_equal(secret.n_entries, 4);
	assert_string_equal(secret.entries[0].key, "license.key");
	assert_int_equal(secret.entries[0].len, 29);
	assert_memory_equal(secret.entries[0].bytes, "eyJhbGciOiJFZERTQSJ9.e30.c2ln", 29);
	assert_non_null(secret.entries[1].bytes);
	assert_int_equal(secret.entries[1].len, 0);
	assert_int_equal(secret.entries[2].kind, SECRET_LIST);
	assert_memory_equal(secret.entries[2].bytes, "a", 1);
	assert_int_equal(secret.entries[3].kind, SECRET_TRUST);
	secret_free(&secret);
	assert_int_equal(read_secret("{" META ",\"data\":null}", &secret, &f), 0);
	assert_int_equal(secret.n_entries, 0);
	secret_free(&secret);
	assert_int_equal(read_secret("{" META ",\"type\":\"Opaque\"}", &secret, &f), 0);
	secret_free(&secret);
}

/* One bad value costs only itself. */
static void test_secret_bad(void **state)
{
	static const char *const values[] = {"\"Y\"",	  "\"YQ\"",   "\"YQ=\"",      "\"YR==\"",
					     "\"Y Q==\"", "\"Y-_=\"", "\"YQ==YQ==\"", "7",
					     "null",	  "{}"};
	struct secret secret = {0};
	struct fault f = {0};
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		snprintf(text, sizeof(text),
			 "{" META ",\"data\":{\"bad.lic\":%s,\"good.lic\":\"YQ==\"}}", values[i]);
		assert_int_equal(read_secret(text, &secret, &f), 0);
		assert_int_equal(secret.n_entries, 2);
		assert_null(secret.entries[0].bytes);
		assert_int_equal(secret.entries[1].len, 1);
		secret_free(&secret);
	}
	assert_int_equal(read_secret("{" META ",\"data\":[]}", &secret, &f), -EINVAL);
	assert_int_equal(read_secret("{" META ",\"data\":{\"../x.lic\":\"YQ==\"}}", &secret, &f),
			 -EINVAL);
	assert_non_null(strstr(f.text, "no key of a Secret"));
}

static void test_portlicense(void **state)
{
	static const struct {
		const char *spec, *why;
	} bad[] = {
		{"{}", "give \"token\" or \"secretRef\", one of them"},
		{"{\"token\":\"a\",\"secretRef\":{\"name\":\"s\"}}", "one of them"},
		{"{\"token\":7}", "\"token\" must be a string"},
		{"{\"tokens\":\"a\"}", "\"tokens\" is no key"},
		{"{\"secretRef\":{}}", "\"secretRef\": \"name\" is missing"},
		{"{\"secretRef\":{\"name\":\"s\",\"namespace\":\"other\"}}",
		 "\"secretRef\": \"namespace\" is no key"},
		{"null", "is missing"},
		{"\"x\"", "is missing"},
	};
	_json_ cJSON *token = parse("{" META ",\"spec\":{\"token\":\"a.b.c\\n\"}}");
	_json_ cJSON *ref = parse("{" META ",\"spec\":{\"secretRef\":{\"name\":\"s\"}}}");
	struct portlicense license = {0};
	struct fault f = {0};
	char text[512];

	assert_int_equal(portlicense_read(token, &license, &f), 0);
	assert_string_equal(license.token, "a.b.c\n");
	assert_null(license.secret);
	portlicense_free(&license);
	assert_int_equal(portlicense_read(ref, &license, &f), 0);
	assert_null(license.token);
	assert_string_equal(license.secret, "s");
	assert_string_equal(license.key, "license.key");
	portlicense_free(&license);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_json_ cJSON *tree = NULL;

		snprintf(text, sizeof(text), "{" META ",\"spec\":%s}", bad[i].spec);
		tree = parse(text);
		assert_int_equal(portlicense_read(tree, &license, &f), -EINVAL);
		assert_non_null(strstr(f.text, "\"spec\": "));
		assert_non_null(strstr(f.text, bad[i].why));
		assert_string_equal(license.object.name,
				    "acme"); /* so that its status can say so */
		assert_null(license.token);
		assert_null(license.secret);
		portlicense_free(&license);
	}
}

static void test_portpolicy(void **state)
{
	_json_ cJSON *good =
		parse("{" META ",\"spec\":{\"match\":{\"gates\":[\"a-*\"]},\"mode\":\"audit\","
		      "\"ports\":[{\"port\":9443,\"seats\":50}]}}");
	_json_ cJSON *named = parse("{" META ",\"spec\":{\"name\":\"other\"}}");
	_json_ cJSON *none = parse("{" META "}");
	struct policy *policy = NULL;
	struct kobject meta = {0};
	struct fault f = {0};
	_free_ char *text = NULL;

	assert_int_equal(kobject_read(good, &meta, &f), 0);
	text = portpolicy_text(good, &meta, &f);
	assert_non_null(text);
	assert_int_equal(policy_parse("portpolicy:acme", text, strlen(text), NULL, &policy, &f), 0);
	assert_string_equal(policy->name, "acme");
	assert_int_equal(policy->mode, PLIC_AUDIT_MODE);
	assert_int_equal(policy->ports[0].seats, 50);
	policy_free(policy);
	assert_null(portpolicy_text(named, &meta, &f));
	assert_non_null(strstr(f.text, "remove \"name\""));
	assert_null(portpolicy_text(none, &meta, &f));
	assert_non_null(strstr(f.text, "\"spec\" is missing"));
	kobject_free(&meta);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metadata),    cmocka_unit_test(test_keys),
		cmocka_unit_test(test_secret),	    cmocka_unit_test(test_secret_bad),
		cmocka_unit_test(test_portlicense), cmocka_unit_test(test_portpolicy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
