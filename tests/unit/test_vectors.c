/* SPDX-License-Identifier: MIT */
/*
 * test_vectors.c - test data that others wrote, where it is at hand: Wycheproof, ed25519-speccheck,
 * RFC 8032 and 8037, JSONTestSuite. In $PORTLIC_VECTORS, default ../shared/vectors.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include <sodium.h>

#include "base64.h"
#include "jws.h"
#include "token.h"

static char root[4096];

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	char *text;

	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fstat(fileno(f), &st), 0);
	text = malloc((size_t)st.st_size + 1);
	*len = fread(text, 1, (size_t)st.st_size, f);
	assert_int_equal(*len, st.st_size);
	text[*len] = '\0';
	fclose(f);
	return text;
}

static cJSON *read_json(const char *name)
{
	char path[8192];
	size_t len;
	cJSON *tree;
	char *text;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	text = read_file(path, &len);
	tree = cJSON_ParseWithLength(text, len);
	free(text);
	if (!tree)
		fail_msg("%s: not JSON", path);
	return tree;
}

static const char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	assert_non_null(text);
	return text;
}

/* Bytes of a hexadecimal member; *len may be NULL. New buffer. */
static uint8_t *hex_of(const cJSON *object, const char *name, size_t *len)
{
	const char *hex = text_of(object, name);
	uint8_t *bytes = malloc(strlen(hex) / 2 + 1);
	size_t n;

	assert_int_equal(sodium_hex2bin(bytes, strlen(hex) / 2, hex, strlen(hex), NULL, &n, NULL),
			 0);
	assert_int_equal(n, strlen(hex) / 2);
	if (len)
		*len = n;
	return bytes;
}

/* A store with this public key under kid "k", or NULL: the key is refused. */
static struct trust *store_of(const uint8_t x[32])
{
	struct jwk key = {.kid = "k"};
	struct fault f = {""};
	struct trust *trust;
	char *jwk;
	int r;

	memcpy(key.public_key, x, 32);
	jwk = public_jwk(&key, "");
	assert_int_equal(trust_new(&trust), 0);
	r = add_trust(trust, "k.jwks", &f, "{\"iss\":\"" ISS "\",\"keys\":[%s]}", jwk);
	free(jwk);
	if (!r)
		return trust;
	trust_free(trust);
	return NULL;
}

/* The store's key, and a signature of the right length that libsodium verifies. */
static bool verifies(const cJSON *test, const char *message, const char *signature,
		     const uint8_t x[32])
{
	size_t message_len, signature_len;
	uint8_t *m = hex_of(test, message, &message_len),
		*s = hex_of(test, signature, &signature_len);
	struct trust *trust = store_of(x);
	bool good = trust && signature_len == crypto_sign_BYTES &&
		    !crypto_sign_verify_detached(s, m, message_len, trust_find_x(trust, "k"));

	trust_free(trust);
	free(m);
	free(s);
	return good;
}

static void wycheproof_ed25519(void **state)
{
	cJSON *tree = read_json("wycheproof/ed25519_test.json"), *group, *test;
	int n = 0, valid = 0;

	cJSON_ArrayForEach (group, cJSON_GetObjectItem(tree, "testGroups")) {
		uint8_t *x = hex_of(cJSON_GetObjectItem(group, "publicKey"), "pk", NULL);

		cJSON_ArrayForEach (test, cJSON_GetObjectItem(group, "tests")) {
			bool want = !strcmp(text_of(test, "result"), "valid");

			if (verifies(test, "msg", "sig", x) != want)
				fail_msg("tcId %d", cJSON_GetObjectItem(test, "tcId")->valueint);
			valid += want;
			n++;
		}
		free(x);
	}
	cJSON_Delete(tree);
	assert_int_equal(n, 151);
	assert_in_range(valid, 1, 150);
}

static void speccheck(void **state)
{
	cJSON *tree = read_json("speccheck/cases.json"), *test;
	int n = 0, loaded = 0;

	cJSON_ArrayForEach (test, tree) {
		uint8_t *x = hex_of(test, "pub_key", NULL);
		struct trust *trust = store_of(x);

		if (verifies(test, "message", "signature", x))
			fail_msg("case %d", n);
		/* The verifier lets number 3 through: the store must not hold its key. */
		if (n == 3)
			assert_null(trust);
		loaded += trust != NULL;
		trust_free(trust);
		free(x);
		n++;
	}
	cJSON_Delete(tree);
	assert_int_equal(n, 12);
	assert_in_range(loaded, 1, 8); /* sound keys are refused by their signatures */
}

static void rfc8032(void **state)
{
	cJSON *tree = read_json("rfc/rfc8032-7.1.json"), *test;
	int n = 0;

	cJSON_ArrayForEach (test, cJSON_GetObjectItem(tree, "tests")) {
		uint8_t *seed = hex_of(test, "seed", NULL), *pk = hex_of(test, "pk", NULL), *msg,
			*sig;
		uint8_t made[crypto_sign_BYTES];
		size_t len;
		struct jwk key;

		msg = hex_of(test, "msg", &len);
		sig = hex_of(test, "sig", NULL);
		assert_int_equal(jwk_from_seed(seed, NULL, &key), 0);
		assert_memory_equal(key.public_key, pk, 32);
		crypto_sign_detached(made, NULL, msg, len, key.secret_key);
		assert_memory_equal(made, sig, sizeof(made));
		assert_int_equal(verifies(test, "msg", "sig", pk),
				 strcmp(text_of(test, "result"), "valid") == 0);
		free(seed);
		free(pk);
		free(msg);
		free(sig);
		n++;
	}
	cJSON_Delete(tree);
	assert_true(n >= 4);
}

static void rfc8037(void **state)
{
	cJSON *tree = read_json("rfc/rfc8037-appendix-a.json");
	char *jwk = cJSON_PrintUnformatted(cJSON_GetObjectItem(tree, "private_jwk"));
	const char *compact = text_of(tree, "compact"), *payload = text_of(tree, "payload");
	char thumbprint[JWK_THUMBPRINT_CHARS + 1], encoded[256], signature_text[128];
	uint8_t signature[crypto_sign_BYTES];
	struct rejection why = {0};
	struct fault f = {""};
	struct jwk key;
	size_t input;
	const struct jws_rules rules = {.typ = JWS_TYP_LICENSE, .max_bytes = LICENSE_MAX_BYTES};

	assert_int_equal(jwk_read_private("rfc8037", jwk, strlen(jwk), &key, &f), 0);
	jwk_thumbprint(key.public_key, thumbprint);
	assert_string_equal(thumbprint, text_of(tree, "thumbprint_rfc7638"));
	assert_string_equal(key.kid, thumbprint);
	base64_encode((const uint8_t *)payload, strlen(payload), encoded);
	input = (size_t)(strrchr(compact, '.') - compact);
	assert_int_equal(strncmp(strchr(compact, '.') + 1, encoded, strlen(encoded)), 0);
	crypto_sign_detached(signature, NULL, (const uint8_t *)compact, input, key.secret_key);
	base64_encode(signature, sizeof(signature), signature_text);
	assert_string_equal(signature_text, compact + input + 1);
	/* As a license both are refused: the RFC's header has neither typ nor kid. */
	assert_int_equal(jws_read(&rules, compact, strlen(compact), NULL, &why), -EBADMSG);
	assert_int_equal(why.reason, LICENSE_BAD_TYP);
	free(jwk);
	cJSON_Delete(tree);
}

/* Reads a token under a store; it must be refused. A JWS in JSON form is tried as its text. */
static void refuse_jws(const struct world *w, const cJSON *jws)
{
	char *text = cJSON_IsString(jws) ? strdup(jws->valuestring) : cJSON_PrintUnformatted(jws);

	if (!*verdict(w, text, NULL))
		fail_msg("accepted");
}

/* Loads keys as a trust file. In these files no key is both Ed25519 and public. */
static void load_keys(struct trust *trust, const cJSON *keys)
{
	char *set, *text = cJSON_PrintUnformatted(keys);
	struct fault f = {""};
	bool whole = cJSON_GetObjectItemCaseSensitive(keys, "keys") != NULL;
	cJSON *copy = cJSON_Duplicate(keys, true);

	assert_int_equal(trust_add(trust, "as it is", text, strlen(text), &f), -EBADMSG);
	if (whole) {
		cJSON_AddStringToObject(copy, "iss", ISS);
		set = cJSON_PrintUnformatted(copy);
	} else {
		assert_true(asprintf(&set, "{\"iss\":\"" ISS "\",\"keys\":[%s]}", text) > 0);
	}
	assert_int_equal(trust_add(trust, "with iss", set, strlen(set), &f), -EBADMSG);
	assert_non_null(strstr(f.text, "\"keys\"[0]"));
	assert_int_equal(trust_n_keys(trust), 1); /* ours */
	cJSON_Delete(copy);
	free(set);
	free(text);
}

static void wycheproof_jose(const char *name, int expected)
{
	cJSON *tree = read_json(name), *group, *test;
	struct world w;
	int n = 0;

	world_setup(&w);
	cJSON_ArrayForEach (group, cJSON_GetObjectItem(tree, "testGroups")) {
		static const char *const halves[] = {"private", "public"};

		for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
			const cJSON *keys = cJSON_GetObjectItemCaseSensitive(group, halves[i]);

			if (cJSON_IsObject(keys))
				load_keys(w.trust, keys);
		}
		cJSON_ArrayForEach (test, cJSON_GetObjectItem(group, "tests")) {
			const cJSON *jws = cJSON_GetObjectItem(test, "jws");

			if (jws)
				refuse_jws(&w, jws);
			n++;
		}
	}
	world_teardown(&w);
	cJSON_Delete(tree);
	assert_int_equal(n, expected);
}

static void wycheproof_jws(void **state)
{
	wycheproof_jose("wycheproof/json_web_signature_test.json", 401);
}

static void wycheproof_jwk(void **state)
{
	wycheproof_jose("wycheproof/json_web_key_test.json", 26);
}

static void wycheproof_jwe_and_mixed(void **state)
{
	wycheproof_jose("wycheproof/json_web_crypto_test.json", 83);
}

static bool parses(const char *path)
{
	struct json_error err;
	cJSON *tree = NULL;
	size_t len;
	char *text = read_file(path, &len), *exact = malloc(len + !len);
	int r;

	memcpy(exact, text, len); /* no NUL behind it */
	r = json_parse(exact, len, NULL, &tree, &err);
	cJSON_Delete(tree);
	free(text);
	free(exact);
	return !r;
}

/* Accepted by RFC 8259, refused here: two readers could read two things. */
static bool refused_on_purpose(const char *name)
{
	static const char *const names[] = {
		"y_object_duplicated_key.json",
		"y_object_duplicated_key_and_value.json",
		"y_object_escaped_null_in_key.json",
		"y_string_null_escape.json",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void json_test_suite(void **state)
{
	int no = 0, yes = 0, either = 0;
	char folder[8192];
	struct dirent *e;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/jsontestsuite/test_parsing", root);
	dir = opendir(folder);
	assert_non_null(dir);
	while ((e = readdir(dir))) {
		char path[16384];
		bool good;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		good = parses(path);
		no += e->d_name[0] == 'n';
		yes += e->d_name[0] == 'y';
		either += e->d_name[0] == 'i';
		if (e->d_name[0] != 'i' &&
		    good != (e->d_name[0] == 'y' && !refused_on_purpose(e->d_name)))
			fail_msg("%s", e->d_name);
	}
	closedir(dir);
	assert_int_equal(no, 188);
	assert_int_equal(yes, 95);
	assert_int_equal(either, 35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wycheproof_ed25519),
		cmocka_unit_test(speccheck),
		cmocka_unit_test(rfc8032),
		cmocka_unit_test(rfc8037),
		cmocka_unit_test(wycheproof_jws),
		cmocka_unit_test(wycheproof_jwk),
		cmocka_unit_test(wycheproof_jwe_and_mixed),
		cmocka_unit_test(json_test_suite),
	};
	const char *set = getenv("PORTLIC_VECTORS");
	struct stat st;

	snprintf(root, sizeof(root), "%s", set && *set ? set : "../shared/vectors");
	if (stat(root, &st)) {
		printf("no test vectors at \"%s\": set PORTLIC_VECTORS\n", root);
		return 77;
	}
	return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
