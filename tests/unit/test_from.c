/* SPDX-License-Identifier: MIT */
/* test_from.c - "from": which words and networks are read, and the sets against a naive reading. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "from.h"
#include "origin.h"

static int parse(const char *entries, struct from *from, struct fault *f)
{
	_json_ cJSON *root = NULL;
	char *text;
	int err;

	assert_true(asprintf(&text, "{\"from\":%s}", entries) > 0);
	assert_int_equal(json_parse_object("test", text, strlen(text), &root, f), 0);
	*from = (struct from){0};
	err = from_parse(root, from, f);
	free(text);
	return err;
}

static struct from good(const char *entries)
{
	struct from from;
	struct fault f = {0};

	if (parse(entries, &from, &f))
		fail_msg("%s: %s", entries, f.text);
	return from;
}

/* As the kernel's trie does it: the longest prefix. */
static bool is_in(const struct source_set *set, const uint8_t address[16])
{
	int longest = -1;
	bool in = false;

	for (size_t i = 0; i < set->n_prefixes; i++) {
		const struct source_prefix *p = &set->prefixes[i];
		bool match = p->len > longest;

		for (int b = 0; match && b < p->len; b++)
			match = !((p->address[b / 8] ^ address[b / 8]) >> (7 - b % 8) & 1);
		if (match) {
			longest = p->len;
			in = p->in;
		}
	}
	return in;
}

static bool admits(const struct from *from, const char *text)
{
	uint8_t address[16] = {[10] = 0xff, [11] = 0xff};

	if (inet_pton(AF_INET, text, address + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, address), 1);
	return is_in(&from->set, address);
}

static void test_absent(void **state)
{
	_json_ cJSON *root = cJSON_CreateObject();
	struct from from = {0};

	assert_int_equal(from_parse(root, &from, NULL), 0);
	assert_int_equal(from.origins, 0);
	assert_int_equal(from.set.id, 0);
	from_free(&from);
}

static void test_origins(void **state)
{
	struct from from = good("[{\"origin\":[\"same-container\",\"sibling\"]},"
				"{\"origin\":[\"unknown\"]}]");

	assert_int_equal(from.origins, 1 << PLIC_ORIGIN_SAME_CONTAINER | 1 << PLIC_ORIGIN_SIBLING |
					       1 << PLIC_ORIGIN_UNKNOWN);
	assert_int_equal(from.set.id, 0);
	from_free(&from);
	for (int i = 0; i < PLIC_N_ORIGINS; i++)
		assert_int_equal(origin_of_word(origin_word(i)), i);
	assert_int_equal(origin_of_word("Node"), -1);
	assert_string_equal(origin_word(PLIC_N_ORIGINS), "unknown");
}

static void test_networks(void **state)
{
	struct from from = good("[{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.9.0.0/16\"]},"
				"{\"cidr\":\"10.9.1.0/24\"},{\"cidr\":\"2001:db8::/32\"},"
				"{\"cidr\":\"192.0.2.7/32\"},{\"origin\":[\"node\"]}]");

	assert_int_equal(from.origins, 1 << PLIC_ORIGIN_NODE);
	assert_int_not_equal(from.set.id, 0);
	assert_true(admits(&from, "10.0.0.1"));
	assert_false(admits(&from, "10.9.0.1"));
	assert_true(admits(&from, "10.9.1.1"));
	assert_true(admits(&from, "192.0.2.7"));
	assert_false(admits(&from, "192.0.2.6"));
	assert_true(admits(&from, "2001:db8:1::1"));
	assert_false(admits(&from, "2001:db9::1"));
	from_free(&from);
}

/* All of one family is nothing of the other. */
static void test_families(void **state)
{
	struct from six = good("[{\"cidr\":\"::/0\"}]"), four = good("[{\"cidr\":\"0.0.0.0/0\"}]");
	struct from both = good("[{\"cidr\":\"::/0\"},{\"cidr\":\"0.0.0.0/0\"}]");

	assert_true(admits(&six, "2001:db8::1"));
	assert_false(admits(&six, "10.0.0.1"));
	assert_false(admits(&four, "2001:db8::1"));
	assert_true(admits(&four, "10.0.0.1"));
	assert_true(admits(&both, "10.0.0.1"));
	assert_int_equal(both.set.n_prefixes, 1);
	from_free(&six);
	from_free(&four);
	from_free(&both);
}

/* What is the same has one number, however it is written; what isn't has another. */
static void test_digest(void **state)
{
	struct from a = good("[{\"cidr\":\"10.0.0.0/8\"},{\"cidr\":\"fd00::/8\"}]");
	struct from b = good("[{\"cidr\":\"fd00::/8\"},{\"cidr\":\"10.1.0.0/16\"},"
			     "{\"cidr\":\"10.0.0.0/8\"},{\"cidr\":\"10.0.0.0/8\"}]");
	struct from c = good("[{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.1.0.0/16\"]},"
			     "{\"cidr\":\"fd00::/8\"}]");

	assert_int_equal(a.set.n_prefixes, 2);
	assert_int_equal(a.set.id, b.set.id);
	assert_int_not_equal(a.set.id, c.set.id);
	from_free(&a);
	from_free(&b);
	from_free(&c);
}

#define WEB "\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}}"
#define PROD "\"namespaceSelector\":{\"matchLabels\":{\"env\":\"prod\"}}"

static void test_pods(void **state)
{
	struct from from = good("[{" WEB "},{" WEB "," PROD "},{" PROD "},{\"podSelector\":{}},"
				"{\"namespaceSelector\":{}},{\"cidr\":\"10.0.0.0/8\"},"
				"{\"origin\":[\"node\"]}]");
	struct labels web = {.list = (struct label[]){{(char *)"app", (char *)"web"}}, .n = 1};
	const struct labels none = {0};

	assert_int_equal(from.n_pods, 5);
	assert_true(selector_matches(&from.pods[0].pods, &web));
	assert_false(selector_matches(&from.pods[0].pods, &none));
	assert_null(from.pods[0].namespaces);
	assert_int_equal(from.pods[1].namespaces->n_terms, 1);
	assert_int_equal(from.pods[2].pods.n_terms, 0);
	assert_int_equal(from.pods[2].namespaces->n_terms, 1);
	assert_int_equal(from.pods[3].pods.n_terms, 0);
	assert_null(from.pods[3].namespaces);
	assert_int_equal(from.pods[4].namespaces->n_terms, 0);
	assert_int_equal(from.set.n_prefixes, 1);
	assert_int_equal(from.origins, 1 << PLIC_ORIGIN_NODE);
	from_free(&from);
	assert_int_equal(from.n_pods, 0);
}

static uint32_t id_of(const char *entries, const char *namespace)
{
	struct from from = good(entries);
	uint32_t id = from_set_id(&from, namespace);

	assert_int_not_equal(from.set.id, 0);
	from_free(&from);
	return id;
}

/* Pods alone are a set, too, without a network; which one, depends on what they are. */
static void test_pods_digest(void **state)
{
	static const char *const different[] = {
		"[{" WEB "}]",
		"[{" WEB "},{\"cidr\":\"10.0.0.0/8\"}]",
		"[{\"cidr\":\"10.0.0.0/8\"}]",
		"[{\"podSelector\":{}}]",
		"[{" PROD "}]",
		"[{" WEB "," PROD "}]",
		"[{" WEB "},{" PROD "}]",
		"[{\"namespaceSelector\":{}}]",
		"[{" WEB ",\"namespaceSelector\":{}}]",
		"[{\"podSelector\":{\"matchLabels\":{\"env\":\"prod\"}}}]",
	};
	uint32_t ids[ARRAY_SIZE(different)], templates[ARRAY_SIZE(different)];

	for (size_t i = 0; i < ARRAY_SIZE(different); i++) {
		struct from from = good(different[i]);

		templates[i] = from.set.id;
		from_free(&from);
		ids[i] = id_of(different[i], "shop");
		for (size_t j = 0; j < i; j++)
			if (ids[i] == ids[j] || templates[i] == templates[j])
				fail_msg("%s is %s", different[i], different[j]);
	}
	assert_int_equal(id_of("[{" PROD "},{" WEB "}]", "shop"), ids[6]);
	assert_int_equal(id_of("[{" WEB "},{" PROD "},{" WEB "}]", "shop"), ids[6]);
	assert_int_equal(id_of("[{\"podSelector\":{\"matchExpressions\":[{\"key\":\"app\","
			       "\"operator\":\"In\",\"values\":[\"web\",\"web\"]}]}}]",
			       "shop"),
			 ids[0]);
}

/* Only own pods make a set that is another one in each namespace. */
static void test_set_id(void **state)
{
	struct from own = good("[{" WEB "," PROD "},{" WEB "}]"),
		    other = good("[{" WEB "," PROD "}]"),
		    networks = good("[{\"cidr\":\"10.0.0.0/8\"}]"),
		    origins = good("[{\"origin\":[\"pod\"]}]");

	assert_int_equal(from_set_id(&other, "a"), other.set.id);
	assert_int_equal(from_set_id(&other, NULL), other.set.id);
	assert_int_equal(from_set_id(&networks, "a"), networks.set.id);
	assert_int_equal(from_set_id(&origins, "a"), 0);
	assert_int_equal(from_set_id(&own, "a"), from_set_id(&own, "a"));
	assert_int_not_equal(from_set_id(&own, "a"), from_set_id(&own, "b"));
	assert_int_not_equal(from_set_id(&own, "a"), from_set_id(&own, NULL));
	assert_int_not_equal(from_set_id(&own, NULL), own.set.id);
	assert_int_not_equal(from_set_id(&own, NULL), 0);
	from_free(&own);
	from_free(&other);
	from_free(&networks);
	from_free(&origins);
}

/* Rules that are in force name sets by these numbers: they must not change with a new version. */
static void test_kept_digest(void **state)
{
	assert_int_equal(id_of("[{\"cidr\":\"10.0.0.0/8\"}]", NULL), 0x4958e38c);
}

static void test_refused(void **state)
{
	static const char *const cases[][2] = {
		{"[]", "\"from\" must be an array of 1"},
		{"{}", "\"from\" must be an array"},
		{"[7]", "\"from\"[0]: must be an object"},
		{"[{}]", "\"from\"[0]: names nobody"},
		{"[{\"origin\":[\"sibling\"]},{\"origin\":[]}]", "\"from\"[1]: \"origin\" must be"},
		{"[{\"origin\":[\"siblings\"]}]", "\"siblings\" is none; there are same-container"},
		{"[{\"origin\":\"sibling\"}]", "\"origin\" must be an array"},
		{"[{\"origin\":[1]}]", "\"origin\": \"?\" is none"},
		{"[{\"podSelector\":null}]", "\"podSelector\": must be an object"},
		{"[{\"podSelector\":{\"app\":\"web\"}}]", "\"podSelector\": \"app\" is no key"},
		{"[{\"podSelector\":{},\"namespaceSelector\":[]}]",
		 "\"namespaceSelector\": must be"},
		{"[{\"podSelector\":{},\"pods\":{}}]", "unknown member \"pods\""},
		{"[{\"podSelector\":{\"matchLabels\":{\"a\":\"b c\"}}}]", "\"b c\" is no value"},
		{"[{\"cidr\":\"10.0.0.0/8\",\"namespaceSelector\":{}}]", "so write one for each"},
		{"[{\"origin\":[\"pod\"],\"podSelector\":{}}]", "so write one for each"},
		{"[{\"cidr\":\"10.0.0.0/8\",\"origin\":[\"node\"]}]", "so write one for each"},
		{"[{\"cidr\":\"10.0.0.0/8\",\"excepts\":[]}]", "unknown member \"excepts\""},
		{"[{\"except\":[\"10.0.0.0/8\"]}]", "\"cidr\" is missing"},
		{"[{\"cidr\":7}]", "must hold networks like"},
		{"[{\"cidr\":\"10.0.0.1\"}]", "\"10.0.0.1\" has no length; write \"10.0.0.1/32\""},
		{"[{\"cidr\":\"fd00::1\"}]", "write \"fd00::1/128\""},
		{"[{\"cidr\":\"10.0.0.1/8\"}]", "within a network; write \"10.0.0.0/8\""},
		{"[{\"cidr\":\"fd00::1/8\"}]", "write \"fd00::/8\""},
		{"[{\"cidr\":\"10.0.0.0/33\"}]", "is no network"},
		{"[{\"cidr\":\"10.0.0.0/-1\"}]", "is no network"},
		{"[{\"cidr\":\"10.0.0.0/08\"}]", "is no network"},
		{"[{\"cidr\":\"10.0.0.0/8 \"}]", "is no network"},
		{"[{\"cidr\":\"10.0.0.0/\"}]", "is no network"},
		{"[{\"cidr\":\"10.0.0/8\"}]", "is no network"},
		{"[{\"cidr\":\"/8\"}]", "is no network"},
		{"[{\"cidr\":\"example.com/8\"}]", "is no network"},
		{"[{\"cidr\":\"::ffff:10.0.0.0/104\"}]", "write it as IPv4"},
		{"[{\"cidr\":\"10.0.0.0/8\",\"except\":[\"11.0.0.0/16\"]}]",
		 "\"11.0.0.0/16\" isn't within"},
		{"[{\"cidr\":\"10.0.0.0/8\",\"except\":[\"0.0.0.0/0\"]}]", "isn't within"},
		{"[{\"cidr\":\"10.0.0.0/8\",\"except\":\"10.1.0.0/16\"}]", "\"except\" must be"},
		{"[{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.0.0.0/8\"]}]", "leave nobody"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct from from;
		struct fault f = {0};

		assert_int_equal(parse(cases[i][0], &from, &f), -EINVAL);
		if (!strstr(f.text, cases[i][1]))
			fail_msg("%s: \"%s\" isn't in: %s", cases[i][0], cases[i][1], f.text);
		assert_int_equal(from.origins | from.set.id, 0);
	}
}

static void test_too_many(void **state)
{
	char *text = malloc(FROM_MAX_PREFIXES * 16 + 64), *at = text;
	struct from from;
	struct fault f = {0};

	assert_non_null(text);
	at += sprintf(at, "[{\"cidr\":\"10.0.0.0/8\",\"except\":[");
	for (int i = 0; i < FROM_MAX_PREFIXES; i++)
		at += sprintf(at, "%s\"10.%d.%d.0/24\"", i ? "," : "", i / 256, i % 256);
	strcpy(at, "]}]");
	assert_int_equal(parse(text, &from, &f), -EINVAL);
	assert_non_null(strstr(f.text, "more than 4096 networks"));
	free(text);
}

/* A network of the model: 16 bits of address, the rest is zero. */
struct plain {
	uint16_t address;
	int len;
};

static struct plain random_plain(const struct plain *within)
{
	struct plain p = {.len = within->len + random() % (17 - within->len)};

	p.address = within->address | ((uint16_t)random() & (uint16_t)(0xffff >> within->len));
	p.address &= (uint16_t)(0xffff0000U >> p.len);
	return p;
}

static bool plain_has(const struct plain *p, uint16_t address)
{
	return !((address ^ p->address) & (uint16_t)(0xffff0000U >> p->len));
}

static char *plain_text(const struct plain *p, bool six, char text[64])
{
	if (six)
		sprintf(text, "fd00:%x::/%d", p->address, 16 + p->len);
	else
		sprintf(text, "10.7.%d.%d/%d", p->address >> 8, p->address & 255, 16 + p->len);
	return text;
}

/* An address is in if one entry has it and none of that entry's exceptions. */
static void test_model(void **state)
{
	static const struct plain all = {0};

	srandom(4);
	for (int round = 0; round < 400; round++) {
		struct plain cidrs[8], excepts[8][6];
		int n = 1 + random() % 8, n_excepts[8];
		bool six = round % 2, any = false;
		char text[8192], one[64], *at = text;
		struct fault f = {0};
		struct from from;
		int err;

		*at++ = '[';
		for (int i = 0; i < n; i++) {
			cidrs[i] = random_plain(&all);
			at += sprintf(at, "%s{\"cidr\":\"%s\",\"except\":[", i ? "," : "",
				      plain_text(&cidrs[i], six, one));
			n_excepts[i] = (int)(random() % 7);
			for (int j = 0; j < n_excepts[i]; j++) {
				excepts[i][j] = random_plain(&cidrs[i]);
				at += sprintf(at, "%s\"%s\"", j ? "," : "",
					      plain_text(&excepts[i][j], six, one));
			}
			at += sprintf(at, "]}");
		}
		strcpy(at, "]");
		err = parse(text, &from, &f);
		for (unsigned int a = 0; a < 65536; a += 1 + random() % 9) {
			uint8_t address[16] = {[0] = 0xfd, [2] = a >> 8, [3] = a & 255, [15] = 1};
			bool want = false;

			for (int i = 0; i < n && !want; i++) {
				want = plain_has(&cidrs[i], a);
				for (int j = 0; want && j < n_excepts[i]; j++)
					want = !plain_has(&excepts[i][j], a);
			}
			any |= want;
			if (!six) {
				memset(address, 0, sizeof(address));
				memset(address + 10, 0xff, 2);
				memcpy(address + 12, (uint8_t[]){10, 7, a >> 8, a & 255}, 4);
			}
			if (!err && is_in(&from.set, address) != want)
				fail_msg("round %d, %x: %s", round, a, text);
		}
		if (err) /* nobody is left, as the sample says too */
			assert_true(!any && strstr(f.text, "leave nobody"));
		for (size_t i = 1; !err && i < from.set.n_prefixes; i++)
			assert_true(memcmp(&from.set.prefixes[i - 1], &from.set.prefixes[i], 17) <
				    0);
		from_free(&from);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),	    cmocka_unit_test(test_origins),
		cmocka_unit_test(test_networks),    cmocka_unit_test(test_families),
		cmocka_unit_test(test_digest),	    cmocka_unit_test(test_pods),
		cmocka_unit_test(test_pods_digest), cmocka_unit_test(test_set_id),
		cmocka_unit_test(test_kept_digest), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many),    cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
