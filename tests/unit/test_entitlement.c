/* SPDX-License-Identifier: MIT */
/* test_entitlement.c - what entitlements.json says in each state, and when it is another one. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "entitlement.h"
#include "json.h"

#define NOW 1800000000LL /* 2027-01-15T08:00:00Z */

static char *gold_features[] = {"sso", "export"}, *silver_features[] = {"export", "audit"};
static struct license_port web = {.port = 8080, .end_port = 8080, .protocol = IPPROTO_TCP},
			   range = {.port = 9000, .end_port = 9010, .protocol = IPPROTO_UDP};

static struct license gold(void)
{
	return (struct license){
		.iss = "https://vendor.example",
		.kid = "secret-kid",
		.jti = "secret-jti",
		.sub = "Acme",
		.lid = "gold-line",
		.plan = "gold",
		.features = gold_features,
		.n_features = 2,
		.nbf = NOW - 1000,
		.exp = NOW + 100,
		.grace_s = 50,
		.seq = 1,
		.seats = 7,
		.ports = &web,
		.n_ports = 1,
		.sha256 = {1},
	};
}

static struct license silver(void)
{
	return (struct license){
		.iss = "https://vendor.example",
		.sub = "Acme",
		.lid = "silver-line",
		.features = silver_features,
		.n_features = 2,
		.nbf = NOW - 1000,
		.exp = NOW + 9000,
		.seq = 1,
		.ports = &range,
		.n_ports = 1,
		.quota = {.bytes = 9007199254740991, .window_s = 3600, .block = true},
		.sha256 = {2},
	};
}

static char *text_of(const struct license_view *views, size_t n, int64_t now)
{
	static const struct entitlement_port ports[] = {
		{8080, 8080, "TCP", "licensed", NOW + 150},
		{9000, 9010, "UDP", "open", 0},
	};
	_json_ cJSON *rights = entitlement_rights(views, n, now);
	_json_ cJSON *root = entitlement_json("shop", "prod-1", now, rights, ports, 2);

	assert_non_null(root);
	return cJSON_PrintUnformatted(root);
}

static void judge(struct license_view *views, const struct license *licenses, size_t n, int64_t now)
{
	for (size_t i = 0; i < n; i++)
		views[i] = (struct license_view){.lic = &licenses[i]};
	lifecycle_judge(views, n, NULL, now);
}

static void the_whole_object(void **state)
{
	struct license licenses[] = {gold(), silver()};
	struct license_view views[2];
	_free_ char *text = NULL;

	judge(views, licenses, 2, NOW);
	text = text_of(views, 2, NOW);
	assert_string_equal(
		text,
		"{\"gate\":\"shop\",\"audience\":\"prod-1\",\"as_of\":\"2027-01-15T08:00:00Z\","
		"\"plan\":null,\"features\":[\"audit\",\"export\",\"sso\"],"
		"\"expires\":\"2027-01-15T08:01:40Z\",\"deadline\":\"2027-01-15T08:02:30Z\","
		"\"licenses\":["
		"{\"lid\":\"gold-line\",\"sub\":\"Acme\",\"plan\":\"gold\",\"state\":\"active\","
		"\"warn\":true,\"features\":[\"sso\",\"export\"],\"seats\":7,"
		"\"nbf\":\"2027-01-15T07:43:20Z\",\"exp\":\"2027-01-15T08:01:40Z\","
		"\"deadline\":\"2027-01-15T08:02:30Z\",\"remaining_seconds\":150,"
		"\"ports\":[\"8080/tcp\"]},"
		"{\"lid\":\"silver-line\",\"sub\":\"Acme\",\"plan\":null,\"state\":\"active\","
		"\"warn\":false,\"features\":[\"export\",\"audit\"],\"seats\":null,"
		"\"quota\":{\"connections\":null,\"bytes\":9007199254740991,\"window\":3600,"
		"\"over\":\"block\",\"scope\":\"pod\"},"
		"\"nbf\":\"2027-01-15T07:43:20Z\",\"exp\":\"2027-01-15T10:30:00Z\","
		"\"deadline\":\"2027-01-15T10:30:00Z\",\"remaining_seconds\":9000,"
		"\"ports\":[\"9000-9010/udp\"]}],"
		"\"ports\":["
		"{\"port\":8080,\"end_port\":8080,\"protocol\":\"TCP\",\"state\":\"licensed\","
		"\"deadline\":\"2027-01-15T08:02:30Z\"},"
		"{\"port\":9000,\"end_port\":9010,\"protocol\":\"UDP\",\"state\":\"open\","
		"\"deadline\":null}]}");
}

static void nothing_secret_is_told(void **state)
{
	struct license licenses[] = {gold()};
	struct license_view views[1];
	_free_ char *text = NULL;

	judge(views, licenses, 1, NOW);
	text = text_of(views, 1, NOW);
	assert_null(strstr(text, "secret"));
	assert_null(strstr(text, "vendor.example"));
}

static cJSON *rights_at(const struct license *licenses, size_t n, int64_t now)
{
	struct license_view views[4];

	judge(views, licenses, n, now);
	return entitlement_rights(views, n, now);
}

static const char *first(const cJSON *rights, const char *name)
{
	return cJSON_GetStringValue(
		json_get(cJSON_GetArrayItem(json_get(rights, "licenses"), 0), name));
}

/* Each state of one license: is it listed, does it give its features, what remains. */
static void each_state(void **state)
{
	static const struct {
		int64_t at;
		const char *state;
		int features, remaining;
	} cases[] = {
		{NOW - 2000, "pending", 0, 2150}, {NOW, "active", 2, 150},
		{NOW + 100, "grace", 2, 50},	  {NOW + 149, "grace", 2, 1},
		{NOW + 150, "lapsed", 0, 0},	  {NOW + 900000, "lapsed", 0, 0},
	};
	struct license lic = gold();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ cJSON *rights = rights_at(&lic, 1, cases[i].at);
		const cJSON *item = cJSON_GetArrayItem(json_get(rights, "licenses"), 0);
		const char *plan = cJSON_GetStringValue(json_get(rights, "plan"));
		_free_ char *left = cJSON_Print(json_get(item, "remaining_seconds"));

		assert_string_equal(first(rights, "state"), cases[i].state);
		assert_int_equal(cJSON_GetArraySize(json_get(rights, "features")),
				 cases[i].features);
		assert_int_equal(atoi(left), cases[i].remaining);
		assert_int_equal(plan != NULL, cases[i].features > 0);
	}
}

static void the_plan_is_of_the_one_that_ends_last(void **state)
{
	struct license licenses[] = {silver(), gold()};
	_json_ cJSON *before = NULL, *after = NULL;

	licenses[0].plan = "silver";
	before = rights_at(licenses, 2, NOW);
	assert_string_equal(cJSON_GetStringValue(json_get(before, "plan")), "silver");
	licenses[1].exp = NOW + 99999;
	after = rights_at(licenses, 2, NOW);
	assert_string_equal(cJSON_GetStringValue(json_get(after, "plan")), "gold");
}

static void superseded_and_doubled_files_are_left_out(void **state)
{
	struct license licenses[] = {gold(), gold(), gold()};
	_json_ cJSON *rights = NULL;

	licenses[2].seq = 2;
	licenses[2].plan = "renewed";
	licenses[2].sha256[0] = 3;
	rights = rights_at(licenses, 3, NOW);
	assert_int_equal(cJSON_GetArraySize(json_get(rights, "licenses")), 1);
	assert_string_equal(first(rights, "plan"), "renewed");
	cJSON_Delete(rights);
	rights = rights_at(licenses, 2, NOW);
	assert_int_equal(cJSON_GetArraySize(json_get(rights, "licenses")), 1);
}

static uint64_t digest_of(const struct license *lic, int64_t now)
{
	struct license_view view;

	judge(&view, lic, 1, now);
	return entitlement_digest(&view, 1);
}

static void another_digest_when_something_changes(void **state)
{
	struct license lic = gold(), other = gold(), longer = gold();

	other.sha256[31] = 1;
	longer.grace_s++;
	assert_true(digest_of(&lic, NOW) == digest_of(&lic, NOW + 50));	 /* time alone */
	assert_true(digest_of(&lic, NOW) != digest_of(&lic, NOW + 100)); /* grace */
	assert_true(digest_of(&lic, NOW) != digest_of(&lic, NOW - 900)); /* no warning yet */
	assert_true(digest_of(&lic, NOW) != digest_of(&other, NOW));
	assert_true(digest_of(&lic, NOW) != digest_of(&longer, NOW));
	assert_true(digest_of(&lic, NOW) != entitlement_digest(NULL, 0));
}

static void another_digest_when_a_port_changes(void **state)
{
	const struct entitlement_port base = {1, 2, "TCP", "open", 3};
	const struct entitlement_port others[] = {{2, 2, "TCP", "open", 3},
						  {1, 3, "TCP", "open", 3},
						  {1, 2, "UDP", "open", 3},
						  {1, 2, "TCP", "licensed", 3},
						  {1, 2, "TCP", "open", 4}};
	uint64_t digest = entitlement_gate_digest(7, &base, 1);

	assert_true(digest == entitlement_gate_digest(7, &base, 1));
	assert_true(digest != entitlement_gate_digest(8, &base, 1));
	assert_true(digest != entitlement_gate_digest(7, &base, 0));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_true(digest != entitlement_gate_digest(7, &others[i], 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_object),
		cmocka_unit_test(nothing_secret_is_told),
		cmocka_unit_test(each_state),
		cmocka_unit_test(the_plan_is_of_the_one_that_ends_last),
		cmocka_unit_test(superseded_and_doubled_files_are_left_out),
		cmocka_unit_test(another_digest_when_something_changes),
		cmocka_unit_test(another_digest_when_a_port_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
