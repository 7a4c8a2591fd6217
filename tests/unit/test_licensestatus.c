/* SPDX-License-Identifier: MIT */
/* test_licensestatus.c - the status of a PortLicense through its life, its Events, and the reports of nodes. */
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
#include "condition.h"
#include "licensestatus.h"
#include "nodereport.h"

#define NOW 1800000000LL /* 2027-01-15T08:00:00Z */
#define DAY 86400LL

static struct license lic = {.sub = "ACME GmbH",
			     .lid = "line-1",
			     .plan = "gold",
			     .seq = 7,
			     .exp = NOW + 100 * DAY,
			     .grace_s = 10 * DAY};

static struct license_status status_at(int64_t now, enum license_state state)
{
	return (struct license_status){.lic = &lic,
				       .state = state,
				       .deadlines = {.new_until = lic.exp + lic.grace_s},
				       .nodes_in_force = 2,
				       .nodes = 3,
				       .generation = 4,
				       .now = now};
}

static const char *text_of(const cJSON *status, const char *member)
{
	const cJSON *item = json_get(status, member);

	return cJSON_IsString(item) ? item->valuestring : "";
}

static const cJSON *part(const cJSON *status, const char *type)
{
	return condition_find(json_get(status, "conditions"), type);
}

static void is_part(const cJSON *status, const char *type, bool is, const char *reason)
{
	assert_true(condition_is(part(status, type), is));
	assert_string_equal(condition_text(part(status, type), "reason"), reason);
}

static void test_active(void **state)
{
	struct license_status s = status_at(NOW, STATE_ACTIVE);
	_json_ cJSON *status = license_status_json(&s, NULL);

	assert_string_equal(text_of(status, "customer"), "ACME GmbH");
	assert_string_equal(text_of(status, "plan"), "gold");
	assert_string_equal(text_of(status, "state"), "active");
	assert_string_equal(text_of(status, "expires"), "2027-04-25T08:00:00Z");
	assert_string_equal(text_of(status, "deadline"), "2027-05-05T08:00:00Z");
	assert_string_equal(text_of(json_get(status, "nodes"), "summary"), "2/3");
	is_part(status, "Verified", true, "Verified");
	is_part(status, "InForce", true, "Active");
	is_part(status, "ExpiringSoon", false, "NotSoon");
	assert_string_equal(condition_text(part(status, "InForce"), "lastTransitionTime"),
			    "2027-01-15T08:00:00Z");
	assert_string_equal(json_get(part(status, "InForce"), "observedGeneration")->valuestring,
			    "4");
}

/* lastTransitionTime moves with `status` alone. */
static void test_transition(void **state)
{
	struct license_status s = status_at(NOW, STATE_ACTIVE);
	_json_ cJSON *first = license_status_json(&s, NULL), *second = NULL, *third = NULL;

	s = status_at(lic.exp + 1, STATE_GRACE);
	second = license_status_json(&s, first);
	is_part(second, "InForce", true, "Grace");
	assert_string_equal(condition_text(part(second, "InForce"), "lastTransitionTime"),
			    "2027-01-15T08:00:00Z");
	s = status_at(lic.exp + lic.grace_s, STATE_LAPSED);
	third = license_status_json(&s, second);
	is_part(third, "InForce", false, "Lapsed");
	assert_string_equal(condition_text(part(third, "InForce"), "lastTransitionTime"),
			    "2027-05-05T08:00:00Z");
}

/* From 100 days before its end to its grace: each step is said once. */
static void test_expiring(void **state)
{
	static const struct {
		int64_t before_end;
		enum license_state state;
		const char *reason;
		size_t events;
	} steps[] = {
		{31 * DAY, STATE_ACTIVE, "NotSoon", 0},
		{30 * DAY, STATE_ACTIVE, "Within30Days", 1},
		{29 * DAY, STATE_ACTIVE, "Within30Days", 0},
		{7 * DAY, STATE_ACTIVE, "Within7Days", 1},
		{DAY, STATE_ACTIVE, "Within1Day", 1},
		{60, STATE_ACTIVE, "Within1Day", 0},
		{-60, STATE_GRACE, "InGrace", 1},
		{-70, STATE_GRACE, "InGrace", 0},
	};
	cJSON *before = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct license_status s = status_at(lic.exp - steps[i].before_end, steps[i].state);
		struct license_event events[LICENSE_STATUS_EVENTS];
		cJSON *after = license_status_json(&s, before);
		size_t n = license_status_events(before, after, events);

		assert_string_equal(condition_text(part(after, "ExpiringSoon"), "reason"),
				    steps[i].reason);
		assert_int_equal(n, steps[i].events);
		if (n) {
			assert_string_equal(events[0].reason, "Expiring");
			assert_true(events[0].warning);
		}
		cJSON_Delete(before);
		before = after;
	}
	cJSON_Delete(before);
}

static void test_renewed(void **state)
{
	struct license next = lic;
	struct license_status s = status_at(lic.exp - DAY, STATE_ACTIVE);
	_json_ cJSON *before = license_status_json(&s, NULL), *ahead = NULL, *after = NULL;
	struct license_event events[LICENSE_STATUS_EVENTS];

	s.renewed = true; /* a renewal is loaded that hasn't begun */
	ahead = license_status_json(&s, before);
	is_part(ahead, "ExpiringSoon", false, "Renewed");
	assert_int_equal(license_status_events(before, ahead, events), 0);
	next.seq = 8;
	next.exp = lic.exp + 365 * DAY;
	s = status_at(lic.exp - DAY, STATE_ACTIVE);
	s.lic = &next;
	after = license_status_json(&s, before);
	assert_int_equal(license_status_events(before, after, events), 1);
	assert_string_equal(events[0].reason, "Renewed");
	assert_false(events[0].warning);
	assert_non_null(strstr(events[0].message, "2028-04-24"));
}

static void test_rejected(void **state)
{
	struct license_status s = status_at(NOW, STATE_ACTIVE);
	_json_ cJSON *good = license_status_json(&s, NULL), *kept = NULL, *same = NULL,
		     *none = NULL;
	struct license_event events[LICENSE_STATUS_EVENTS];

	s.reason = "bad_signature";
	s.detail = "the signature doesn't fit";
	kept = license_status_json(&s, good);
	is_part(kept, "Verified", false, "BadSignature");
	is_part(kept, "InForce", true, "Active");
	assert_non_null(strstr(condition_text(part(kept, "InForce"), "message"), "last good copy"));
	assert_int_equal(license_status_events(good, kept, events), 1);
	assert_string_equal(events[0].reason, "Rejected");
	assert_non_null(
		strstr(events[0].message, "bad_signature: the signature doesn't fit; the last"));
	s.now += 100;
	same = license_status_json(&s, kept);
	assert_true(license_status_same(kept, same));
	assert_int_equal(license_status_events(kept, same, events), 0);
	s.lic = NULL;
	s.state = STATE_REJECTED;
	none = license_status_json(&s, NULL);
	is_part(none, "InForce", false, "Rejected");
	assert_true(cJSON_IsNull(json_get(none, "customer")));
	assert_int_equal(license_status_events(NULL, none, events), 1);
}

/* A token from the future tells how far, which is no news each second. */
static void test_future(void **state)
{
	struct license_status s = {
		.state = STATE_REJECTED, .reason = "iat_future", .detail = "12 s ahead"};
	_json_ cJSON *first = license_status_json(&s, NULL), *second = NULL;

	s.detail = "11 s ahead";
	second = license_status_json(&s, first);
	assert_true(license_status_same(first, second));
}

static void test_lapsed(void **state)
{
	struct license_status s = status_at(lic.exp + DAY, STATE_GRACE);
	_json_ cJSON *grace = license_status_json(&s, NULL), *lapsed = NULL;
	struct license_event events[LICENSE_STATUS_EVENTS];

	s = status_at(lic.exp + 11 * DAY, STATE_LAPSED);
	lapsed = license_status_json(&s, grace);
	assert_int_equal(license_status_events(grace, lapsed, events), 1);
	assert_string_equal(events[0].reason, "Lapsed");
	assert_int_equal(license_status_events(lapsed, lapsed, events), 0);
}

static void test_same(void **state)
{
	struct license_status s = status_at(NOW, STATE_ACTIVE);
	_json_ cJSON *a = license_status_json(&s, NULL), *b = NULL, *c = NULL;
	_json_ cJSON *junk =
		cJSON_Parse("{\"conditions\":[7,{\"type\":[]},null],\"nodes\":3,\"expires\":{}}");
	struct license_event events[LICENSE_STATUS_EVENTS];

	s.now += 60; /* time alone changes nothing */
	b = license_status_json(&s, a);
	assert_true(license_status_same(a, b));
	s.nodes_in_force = 3;
	c = license_status_json(&s, a);
	assert_false(license_status_same(a, c));
	assert_true(license_status_only_nodes(a, c));
	assert_false(license_status_only_nodes(a, NULL));
	assert_false(license_status_same(a, junk));
	assert_int_equal(license_status_events(junk, a, events), 0);
}

static void test_policy(void **state)
{
	_json_ cJSON *good = policy_status_json(NULL, false, 2, NOW, NULL);
	_json_ cJSON *bad = policy_status_json("policy \"portpolicy:a\": \"mode\" must be one of",
					       true, 3, NOW + 5, good);

	is_part(good, "Accepted", true, "Accepted");
	is_part(bad, "Accepted", false, "LastGoodCopy");
	assert_non_null(
		strstr(condition_text(part(bad, "Accepted"), "message"), "\"mode\" must be"));
	assert_string_equal(condition_text(part(bad, "Accepted"), "lastTransitionTime"),
			    "2027-01-15T08:00:05Z");
	assert_false(license_status_same(good, bad));
}

static void test_reason(void **state)
{
	char out[64];

	condition_reason("exp_before_nbf", out, sizeof(out));
	assert_string_equal(out, "ExpBeforeNbf");
	condition_reason("too_long", out, 5);
	assert_string_equal(out, "TooL");
	condition_reason("", out, sizeof(out));
	assert_string_equal(out, "");
}

static void test_report(void **state)
{
	struct nodereport report = {.generation = 12}, again = {0};
	const struct nodereport_entry *entry;
	uint8_t sha256[32] = {0x9f, 0x86, 0xd0, 0x81, 0x88};
	struct fault f = {0};
	_free_ char *text = NULL;

	assert_int_equal(nodereport_add(&report, "secret:acme:license.key", STATE_ACTIVE, sha256),
			 0);
	assert_int_equal(nodereport_add(&report, "portlicense:b", STATE_REJECTED, NULL), 0);
	text = nodereport_text(&report);
	assert_string_equal(text, "{\"generation\":12,\"licenses\":{\"secret:acme:license.key\":"
				  "\"active:9f86d081\",\"portlicense:b\":\"rejected\"}}");
	assert_int_equal(nodereport_read(text, strlen(text), &again, &f), 0);
	assert_int_equal(again.generation, 12);
	entry = nodereport_find(&again, "secret:acme:license.key");
	assert_int_equal(entry->state, STATE_ACTIVE);
	assert_string_equal(entry->hash, "9f86d081");
	assert_string_equal(nodereport_find(&again, "portlicense:b")->hash, "");
	assert_null(nodereport_find(&again, "portlicense:c"));
	nodereport_free(&again);
	nodereport_free(&report);
}

static void test_report_bad(void **state)
{
	static const char *const bad[] = {"",
					  "{",
					  "[]",
					  "{\"generation\":-1}",
					  "{\"licenses\":7}",
					  "{\"licenses\":{\"a\":7}}",
					  "{\"licenses\":{\"a\":\"\"}}"};
	static const char later[] =
		"{\"licenses\":{\"a\":\"dormant:12345678\",\"b\":\"grace:123456789abc\"},\"x\":1}";
	struct nodereport report = {0};
	struct fault f = {0};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(nodereport_read(bad[i], strlen(bad[i]), &report, &f), -EBADMSG);
		assert_null(report.entries);
	}
	assert_int_equal(nodereport_read(later, strlen(later), &report, &f), 0);
	assert_int_equal(report.n, 1); /* a state that this version doesn't know */
	assert_string_equal(report.entries[0].hash, "12345678");
	nodereport_free(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_active),	 cmocka_unit_test(test_transition),
		cmocka_unit_test(test_expiring), cmocka_unit_test(test_renewed),
		cmocka_unit_test(test_rejected), cmocka_unit_test(test_future),
		cmocka_unit_test(test_lapsed),	 cmocka_unit_test(test_same),
		cmocka_unit_test(test_policy),	 cmocka_unit_test(test_reason),
		cmocka_unit_test(test_report),	 cmocka_unit_test(test_report_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
