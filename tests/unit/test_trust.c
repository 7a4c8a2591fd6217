/* SPDX-License-Identifier: MIT */
/* test_trust.c - trust files, keys, lists of ports. */
#include <errno.h>

#include <sodium.h>

#include "base64.h"
#include "portlist.h"
#include "token.h"

static struct jwk key;
static char *jwk_text;

/* Adds a set to a new store: 0, or the refusal must say `says`. */
static int add(const char *text, const char *says)
{
	struct fault f = {""};
	struct trust *trust;
	int r;

	assert_int_equal(trust_new(&trust), 0);
	r = trust_add(trust, "acme.jwks", text, strlen(text), &f);
	if (r) {
		assert_int_equal(trust_n_keys(trust), 0);
		assert_int_equal(trust_n_vendors(trust), 0);
		assert_non_null(strstr(f.text, "trust file \"acme.jwks\""));
		if (!strstr(f.text, says))
			fail_msg("\"%s\" isn't in: %s", says, f.text);
	}
	trust_free(trust);
	return r;
}

__attribute__((format(printf, 2, 3))) static void refused(const char *says, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	assert_true(vasprintf(&text, fmt, ap) >= 0);
	va_end(ap);
	if (add(text, says) != -EBADMSG)
		fail_msg("not refused: %s", text);
	free(text);
}

static void empty_store_is_valid(void **state)
{
	struct trust *trust;

	assert_int_equal(trust_new(&trust), 0);
	assert_int_equal(trust_n_keys(trust), 0);
	assert_null(trust_find(trust, "k1"));
	assert_null(trust_find_x(trust, "k1"));
	assert_null(trust_reserved(trust, 1, 65535, NULL));
	trust_free(trust);
	trust_free(NULL);
}

static void whole_file(void **state)
{
	struct fault f = {""};
	struct trust *trust;
	const struct trust_vendor *v;
	const struct trust_key *k;

	assert_int_equal(trust_new(&trust), 0);
	assert_int_equal(
		add_trust(
			trust, "a.jwks", &f,
			"{\"iss\":\"" ISS "\",\"allow\":{\"ports\":\"1024-65535\","
			"\"namespaces\":[\"vendor-*\"]},\"reserve\":{\"ports\":\"9443,9500-9599\"},"
			"\"keys\":[%s]}",
			jwk_text),
		0);
	assert_int_equal(trust_n_keys(trust), 1);
	assert_int_equal(trust_n_vendors(trust), 1);
	k = trust_find(trust, "k1");
	assert_non_null(k);
	assert_memory_equal(k->x, key.public_key, 32);
	assert_true(k->retired == INT64_MAX);
	assert_null(trust_find(trust, "K1"));
	v = trust_vendor(trust, 0);
	assert_ptr_equal(v, k->vendor);
	assert_string_equal(v->iss, ISS);
	assert_string_equal(v->file, "a.jwks");
	assert_int_equal(v->n_allow, 1);
	assert_int_equal(v->allow[0].first, 1024);
	assert_int_equal(v->allow[0].last, 65535);
	assert_int_equal(v->n_reserve, 2);
	assert_int_equal(v->reserve[1].first, 9500);
	assert_int_equal(v->n_allow_namespaces, 1);
	assert_string_equal(v->allow_namespaces[0], "vendor-*");
	trust_free(trust);
}

static void no_keys_is_fine(void **state)
{
	assert_int_equal(add("{\"iss\":\"x\",\"keys\":[]}", ""), 0);
}

static void refuses_the_file(void **state)
{
	refused("strict JSON", "{");
	refused("not a JSON object", "[]");
	refused("stands twice", "{\"iss\":\"x\",\"iss\":\"y\",\"keys\":[]}");
	refused("\"iss\" is missing", "{\"keys\":[%s]}", jwk_text);
	refused("\"iss\"", "{\"iss\":\"\",\"keys\":[]}");
	refused("\"iss\"", "{\"iss\":5,\"keys\":[]}");
	refused("\"keys\"", "{\"iss\":\"x\"}");
	refused("\"keys\"", "{\"iss\":\"x\",\"keys\":{}}");
	refused("\"alow\"", "{\"iss\":\"x\",\"alow\":{\"ports\":\"1-2\"},\"keys\":[]}");
	refused("\"allow\"", "{\"iss\":\"x\",\"allow\":[],\"keys\":[]}");
	refused("\"port\"", "{\"iss\":\"x\",\"allow\":{\"port\":\"1-2\"},\"keys\":[]}");
	refused("\"allow\": \"ports\"", "{\"iss\":\"x\",\"allow\":{\"ports\":\"\"},\"keys\":[]}");
	refused("\"allow\": \"ports\"", "{\"iss\":\"x\",\"allow\":{\"ports\":80},\"keys\":[]}");
	refused("\"namespaces\"", "{\"iss\":\"x\",\"allow\":{\"namespaces\":[]},\"keys\":[]}");
	refused("\"reserve\": \"ports\"",
		"{\"iss\":\"x\",\"reserve\":{\"ports\":\"9-1\"},\"keys\":[]}");
	refused("\"x\"", "{\"iss\":\"x\",\"reserve\":{\"x\":\"9\"},\"keys\":[]}");
}

static void refuses_keys(void **state)
{
	refused("\"keys\"[0]", "{\"iss\":\"x\",\"keys\":[7]}");
	refused("\"kty\"", "{\"iss\":\"x\",\"keys\":[{}]}");
	refused("\"kty\"", "{\"iss\":\"x\",\"keys\":[{\"kty\":\"EC\"}]}");
	refused("\"crv\"", "{\"iss\":\"x\",\"keys\":[{\"kty\":\"OKP\"}]}");
	refused("\"crv\"", "{\"iss\":\"x\",\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\"}]}");
	refused("\"x\"",
		"{\"iss\":\"x\",\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\"}]}");
	refused("\"x\"", "{\"iss\":\"x\",\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":"
			 "\"a\",\"x\":\"AAAA\"}]}");
	/* One bad key refuses the good one beside it too. */
	refused("\"keys\"[1]", "{\"iss\":\"x\",\"keys\":[%s,{\"kty\":\"oct\"}]}", jwk_text);
}

static void refuses_key_members(void **state)
{
	static const struct {
		const char *more, *says;
	} cases[] = {
		{",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"", "PRIVATE"},
		{",\"d\":null", "PRIVATE"},
		{",\"use\":\"enc\"", "\"use\""},
		{",\"use\":[\"sig\"]", "\"use\""},
		{",\"alg\":\"ES256\"", "\"alg\""},
		{",\"alg\":\"eddsa\"", "\"alg\""},
		{",\"retired\":0", "\"retired\""},
		{",\"retired\":1.5", "\"retired\""},
		{",\"retired\":\"2027\"", "\"retired\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *jwk = public_jwk(&key, cases[i].more);

		refused(cases[i].says, "{\"iss\":\"x\",\"keys\":[%s]}", jwk);
		free(jwk);
	}
}

static void accepts_key_members(void **state)
{
	static const char *const more[] = {
		",\"use\":\"sig\"",	   ",\"alg\":\"EdDSA\"",	",\"alg\":\"Ed25519\"",
		",\"retired\":1800000000", ",\"key_ops\":[\"verify\"]", ",\"x5t\":\"abc\"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		char *jwk = public_jwk(&key, more[i]), *text = NULL;

		assert_true(asprintf(&text, "{\"iss\":\"x\",\"keys\":[%s]}", jwk) > 0);
		assert_int_equal(add(text, ""), 0);
		free(text);
		free(jwk);
	}
}

static void refuses_bad_kids(void **state)
{
	struct jwk bad = key;

	strcpy(bad.kid, "");
	for (int i = 0; i < 2; i++) {
		char *jwk = public_jwk(&bad, "");

		refused("\"kid\"", "{\"iss\":\"x\",\"keys\":[%s]}", jwk);
		free(jwk);
		strcpy(bad.kid, "a\\u0007");
	}
	refused("\"kid\" is missing",
		"{\"iss\":\"x\",\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
		"\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}");
}

/* A key with which a forger needs no secret: libsodium's verifier alone lets some of them through. */
static void refuses_weak_points(void **state)
{
	/* Small order, no point, not canonical; the last one has mixed order. */
	static const char *const hex[] = {
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
	};

	for (size_t i = 0; i < ARRAY_SIZE(hex); i++) {
		struct jwk weak = key;
		char *jwk;

		assert_int_equal(sodium_hex2bin(weak.public_key, 32, hex[i], 64, NULL, NULL, NULL),
				 0);
		jwk = public_jwk(&weak, "");
		refused("no sound Ed25519", "{\"iss\":\"x\",\"keys\":[%s]}", jwk);
		free(jwk);
	}
}

/* A kid names one key: a second one, in any file, refuses the file that brings it. */
static void kid_twice(void **state)
{
	struct jwk other = test_key(2, "k1"), third = test_key(3, "k3");
	char *jwk2 = public_jwk(&other, ""), *jwk3 = public_jwk(&third, "");
	struct fault f = {""};
	struct trust *trust;

	refused("stands twice", "{\"iss\":\"x\",\"keys\":[%s,%s]}", jwk_text, jwk2);
	refused("stands twice", "{\"iss\":\"x\",\"keys\":[%s,%s]}", jwk_text, jwk_text);
	assert_int_equal(trust_new(&trust), 0);
	assert_int_equal(add_trust(trust, "a.jwks", &f, "{\"iss\":\"x\",\"keys\":[%s]}", jwk_text),
			 0);
	assert_int_equal(
		add_trust(trust, "b.jwks", &f, "{\"iss\":\"y\",\"keys\":[%s,%s]}", jwk3, jwk2),
		-EBADMSG);
	assert_non_null(strstr(f.text, "\"a.jwks\""));
	assert_non_null(strstr(f.text, "\"b.jwks\""));
	assert_int_equal(trust_n_keys(trust), 1);
	assert_int_equal(trust_n_vendors(trust), 1);
	assert_null(trust_find(trust, "k3"));
	assert_memory_equal(trust_find(trust, "k1")->x, key.public_key, 32);
	/* The store goes on. */
	assert_int_equal(add_trust(trust, "b.jwks", &f, "{\"iss\":\"y\",\"keys\":[%s]}", jwk3), 0);
	assert_string_equal(trust_find(trust, "k3")->vendor->iss, "y");
	assert_string_equal(trust_find(trust, "k1")->vendor->iss, "x");
	trust_free(trust);
	free(jwk2);
	free(jwk3);
}

static void reserve(void **state)
{
	struct fault f = {""};
	struct trust *trust;

	assert_int_equal(trust_new(&trust), 0);
	assert_int_equal(
		add_trust(trust, "a.jwks", &f,
			  "{\"iss\":\"a\",\"reserve\":{\"ports\":\"9443,9500-9599\"},\"keys\":[]}"),
		0);
	assert_int_equal(add_trust(trust, "b.jwks", &f, "{\"iss\":\"b\",\"keys\":[]}"), 0);
	assert_string_equal(trust_reserved(trust, 9443, 9443, NULL)->iss, "a");
	assert_string_equal(trust_reserved(trust, 1, 9443, "b")->iss, "a");
	assert_string_equal(trust_reserved(trust, 9599, 9700, "b")->iss, "a");
	assert_null(trust_reserved(trust, 9443, 9443, "a"));
	assert_null(trust_reserved(trust, 9444, 9499, NULL));
	assert_null(trust_reserved(trust, 9600, 65535, NULL));
	trust_free(trust);
}

static void port_lists(void **state)
{
	static const char *const bad[] = {
		"",
		",",
		"0",
		"0-9",
		"65536",
		"80-",
		"-80",
		"90-80",
		"80,",
		",80",
		"80,,81",
		"80 ",
		" 80",
		"80-90-99",
		"a",
		"80a",
		"080",
		"+80",
		"99999999999999999999",
		"80;81",
		"1-65536",
		"*",
	};
	static const struct {
		const char *text;
		size_t n;
		uint16_t first, last; /* of the first range */
	} good[] = {
		{"1", 1, 1, 1},
		{"65535", 1, 65535, 65535},
		{"1-65535", 1, 1, 65535},
		{"9443,9500-9599", 2, 9443, 9443},
		{"9500-9599,9443", 2, 9443, 9443},
		{"1-10,11-20", 1, 1, 20},
		{"1-10,5-7,8-30", 1, 1, 30},
		{"1-10,12", 2, 1, 10},
		{"5,5,5", 1, 5, 5},
		{"65535,65534", 1, 65534, 65535},
	};
	struct port_range *list;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (portlist_parse(bad[i], &list, &n) != -EINVAL)
			fail_msg("accepted: \"%s\"", bad[i]);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(portlist_parse(good[i].text, &list, &n), 0);
		assert_int_equal(n, good[i].n);
		assert_int_equal(list[0].first, good[i].first);
		assert_int_equal(list[0].last, good[i].last);
		free(list);
	}
	assert_int_equal(portlist_parse("100-200,300", &list, &n), 0);
	assert_true(portlist_covers(list, n, 100, 200));
	assert_false(portlist_covers(list, n, 99, 100));
	assert_false(portlist_covers(list, n, 200, 201));
	assert_false(portlist_covers(list, n, 150, 300));
	assert_true(portlist_meets(list, n, 200, 299));
	assert_false(portlist_meets(list, n, 201, 299));
	free(list);
}

static void keys_written_and_read(void **state)
{
	struct fault f = {""};
	struct jwk made, back;
	char *text;

	assert_int_equal(jwk_generate(NULL, &made), 0);
	assert_int_equal(strlen(made.kid), JWK_THUMBPRINT_CHARS);
	assert_int_equal(jwk_write_private(&made, &text), 0);
	assert_int_equal(jwk_read_private("k.jwk", text, strlen(text), &back, &f), 0);
	assert_memory_equal(&made, &back, sizeof(made));
	free(text);
	assert_int_equal(jwk_write_trust(&made, ISS, &text), 0);
	assert_null(strstr(text, "\"d\""));
	assert_int_equal(add(text, ""), 0);
	free(text);
	assert_int_equal(jwk_generate("", &made), -EINVAL);
	assert_int_equal(jwk_generate("a\nb", &made), -EINVAL);
	jwk_wipe(&made);
	for (size_t i = 0; i < sizeof(made); i++)
		assert_int_equal(((uint8_t *)&made)[i], 0);
}

static void private_keys_refused(void **state)
{
	struct fault f = {""};
	struct jwk out;
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{", "strict JSON"},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
		 "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		 "\"d\" is missing"},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"nWGxne_"
		 "9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}",
		 "\"x\""},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"nWGxne_"
		 "9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
		 "\"x\":\"AAAAAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		 "isn't the public key"},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"AAAA\","
		 "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		 "\"d\""},
		{"{\"kty\":\"RSA\"}", "\"kty\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			jwk_read_private("k.jwk", cases[i].text, strlen(cases[i].text), &out, &f),
			-EBADMSG);
		assert_non_null(strstr(f.text, "key file \"k.jwk\""));
		if (!strstr(f.text, cases[i].says))
			fail_msg("%s", f.text);
	}
}

static int setup(void **state)
{
	key = test_key(1, "k1");
	jwk_text = public_jwk(&key, "");
	return 0;
}

static int teardown(void **state)
{
	free(jwk_text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_store_is_valid),
		cmocka_unit_test(whole_file),
		cmocka_unit_test(no_keys_is_fine),
		cmocka_unit_test(refuses_the_file),
		cmocka_unit_test(refuses_keys),
		cmocka_unit_test(refuses_key_members),
		cmocka_unit_test(accepts_key_members),
		cmocka_unit_test(refuses_bad_kids),
		cmocka_unit_test(refuses_weak_points),
		cmocka_unit_test(kid_twice),
		cmocka_unit_test(reserve),
		cmocka_unit_test(port_lists),
		cmocka_unit_test(keys_written_and_read),
		cmocka_unit_test(private_keys_refused),
	};

	return cmocka_run_group_tests_name("trust", tests, setup, teardown);
}
