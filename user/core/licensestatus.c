/* SPDX-License-Identifier: MIT */
/* licensestatus.c - what kubectl shows of a license. */
#include "licensestatus.h"

#include <stdio.h>
#include <string.h>

#include "condition.h"
#include "jsonput.h"
#include "nodereport.h"
#include "stamp.h"

#define DAY_S 86400LL

static const struct {
	int64_t left;
	const char *reason, *words;
} soon[] = {
	{1 * DAY_S, "Within1Day", "within a day"},
	{7 * DAY_S, "Within7Days", "within 7 days"},
	{30 * DAY_S, "Within30Days", "within 30 days"},
};

static void put_claims(cJSON *root, const struct license_status *s)
{
	json_put_string(root, "customer", s->lic ? s->lic->sub : NULL);
	json_put_string(root, "plan", s->lic ? s->lic->plan : NULL);
	json_put_string(root, "lid", s->lic ? s->lic->lid : NULL);
	if (s->lic)
		json_put_u64(root, "seq", (uint64_t)s->lic->seq);
	else
		cJSON_AddNullToObject(root, "seq");
	json_put_time(root, "expires", s->lic ? s->lic->exp : 0);
	json_put_time(root, "deadline", s->lic ? s->deadlines.new_until : 0);
}

/* That of a token from the future tells the time: it would be news each second. */
static bool keeps_message(const cJSON *old, const char *reason)
{
	return !strcmp(reason, "IatFuture") && condition_is(old, false) &&
	       !strcmp(condition_text(old, "reason"), reason);
}

static void put_verified(cJSON *list, const cJSON *before, const struct license_status *s)
{
	const cJSON *old = condition_find(before, "Verified");
	char reason[64] = "Verified", message[512] = "its signature and its claims are good";

	if (s->reason) {
		condition_reason(s->reason, reason, sizeof(reason));
		if (keeps_message(old, reason))
			snprintf(message, sizeof(message), "%s", condition_text(old, "message"));
		else
			snprintf(message, sizeof(message), "%s: %s", s->reason, s->detail);
	}
	condition_put(list, before, &(struct condition){"Verified", !s->reason, reason, message},
		      s->generation, s->now);
}

static void put_in_force(cJSON *list, const cJSON *before, const struct license_status *s)
{
	char reason[64], message[256] = "", until[STAMP_LEN];
	bool holds = s->lic && license_state_holds(s->state);

	condition_reason(license_state_word(s->state), reason, sizeof(reason));
	if (holds && s->deadlines.new_until <= LICENSE_TIME_MAX)
		snprintf(message, sizeof(message), "until %s%s",
			 stamp_format(s->deadlines.new_until, until),
			 s->reason ? ", by the last good copy" : "");
	else if (holds)
		snprintf(message, sizeof(message), "%s", s->reason ? "by the last good copy" : "");
	else
		snprintf(message, sizeof(message), "it is %s", license_state_word(s->state));
	condition_put(list, before, &(struct condition){"InForce", holds, reason, message},
		      s->generation, s->now);
}

/* -1: not soon. */
static int step_of(const struct license_status *s)
{
	int64_t left;
	size_t i;

	if (!s->lic || s->renewed || s->state != STATE_ACTIVE)
		return -1;
	left = s->lic->exp - s->now;
	for (i = 0; i < ARRAY_SIZE(soon); i++)
		if (left <= soon[i].left)
			return (int)i;
	return -1;
}

static void put_expiring(cJSON *list, const cJSON *before, const struct license_status *s)
{
	struct condition c = {"ExpiringSoon", false, "NotSoon", ""};
	char message[256], end[STAMP_LEN];
	int step = step_of(s);

	if (step >= 0) {
		snprintf(message, sizeof(message), "it ends %s, at %s: load a renewal before",
			 soon[step].words, stamp_format(s->lic->exp, end));
		c = (struct condition){"ExpiringSoon", true, soon[step].reason, message};
	} else if (s->lic && s->state == STATE_GRACE && !s->renewed) {
		snprintf(message, sizeof(message),
			 "it has ended, and its grace ends at %s: load a renewal before",
			 stamp_format(s->deadlines.new_until, end));
		c = (struct condition){"ExpiringSoon", true, "InGrace", message};
	} else if (s->lic && s->renewed) {
		c.reason = "Renewed";
	}
	condition_put(list, before, &c, s->generation, s->now);
}

cJSON *license_status_json(const struct license_status *s, const cJSON *before)
{
	cJSON *root = cJSON_CreateObject(), *nodes, *conditions;
	char summary[48];
	const cJSON *old = json_get(before, "conditions");

	put_claims(root, s);
	cJSON_AddStringToObject(root, "state", license_state_word(s->state));
	nodes = cJSON_AddObjectToObject(root, "nodes");
	json_put_u64(nodes, "inForce", s->nodes_in_force);
	json_put_u64(nodes, "total", s->nodes);
	snprintf(summary, sizeof(summary), "%zu/%zu", s->nodes_in_force, s->nodes);
	cJSON_AddStringToObject(nodes, "summary", summary);
	conditions = cJSON_AddArrayToObject(root, "conditions");
	put_verified(conditions, old, s);
	put_in_force(conditions, old, s);
	put_expiring(conditions, old, s);
	json_put_u64(root, "observedGeneration", (uint64_t)s->generation);
	return root;
}

/* JSON's null and nothing are the same to a merge patch. */
static bool same_member(const cJSON *a, const cJSON *b)
{
	_free_ char *x = a && !cJSON_IsNull(a) ? cJSON_PrintUnformatted(a) : NULL;
	_free_ char *y = b && !cJSON_IsNull(b) ? cJSON_PrintUnformatted(b) : NULL;

	return !x == !y && (!x || !strcmp(x, y));
}

static bool same_condition(const cJSON *a, const cJSON *b)
{
	static const char *const members[] = {
		"type", "status", "reason", "message", "lastTransitionTime", "observedGeneration",
		NULL};
	size_t i;

	for (i = 0; members[i]; i++)
		if (!same_member(json_get(a, members[i]), json_get(b, members[i])))
			return false;
	return true;
}

static bool same_conditions(const cJSON *a, const cJSON *b)
{
	const cJSON *x = a ? a->child : NULL, *y = b ? b->child : NULL;

	for (; x && y; x = x->next, y = y->next)
		if (!same_condition(x, y))
			return false;
	return !x && !y;
}

bool license_status_only_nodes(const cJSON *a, const cJSON *b)
{
	static const char *const members[] = {"customer", "plan",     "lid",   "seq",
					      "expires",  "deadline", "state", "observedGeneration",
					      NULL};
	size_t i;

	for (i = 0; members[i]; i++)
		if (!same_member(json_get(a, members[i]), json_get(b, members[i])))
			return false;
	return same_conditions(json_get(a, "conditions"), json_get(b, "conditions"));
}

bool license_status_same(const cJSON *a, const cJSON *b)
{
	const cJSON *x = json_get(a, "nodes"), *y = json_get(b, "nodes");

	return license_status_only_nodes(a, b) &&
	       same_member(json_get(x, "inForce"), json_get(y, "inForce")) &&
	       same_member(json_get(x, "total"), json_get(y, "total"));
}

/* ---- Events ---- */

static struct license_event *add(struct license_event *events, size_t *n, const char *reason,
				 bool warning)
{
	struct license_event *event = &events[(*n)++];

	*event = (struct license_event){.reason = reason, .warning = warning};
	return event;
}

static const cJSON *part(const cJSON *status, const char *type)
{
	return condition_find(json_get(status, "conditions"), type);
}

static const char *message_of(const cJSON *condition)
{
	return condition_text(condition, "message");
}

/* Which of the steps, in the order in which they are passed; -1: none. */
static int stage(const cJSON *condition)
{
	size_t i;

	if (!condition_is(condition, true))
		return -1;
	for (i = 0; i < ARRAY_SIZE(soon); i++)
		if (!strcmp(condition_text(condition, "reason"), soon[i].reason))
			return (int)(ARRAY_SIZE(soon) - 1 - i);
	return (int)ARRAY_SIZE(soon); /* InGrace */
}

static bool renewed(const cJSON *before, const cJSON *after)
{
	const char *end = condition_text(after, "expires"),
		   *was = condition_text(before, "expires");
	const char *state = condition_text(after, "state");

	/* RFC 3339 in UTC sorts as it is. */
	return was[0] && strcmp(end, was) > 0 &&
	       (!strcmp(state, "active") || !strcmp(state, "pending"));
}

size_t license_status_events(const cJSON *before, const cJSON *after,
			     struct license_event events[LICENSE_STATUS_EVENTS])
{
	const cJSON *bad = part(after, "Verified"), *bad_before = part(before, "Verified");
	const cJSON *holds = part(after, "InForce"), *held = part(before, "InForce");
	const cJSON *ends = part(after, "ExpiringSoon");
	struct license_event *event;
	size_t n = 0;

	if (condition_is(bad, false) &&
	    (!condition_is(bad_before, false) || strcmp(message_of(bad), message_of(bad_before)))) {
		event = add(events, &n, "Rejected", true);
		snprintf(event->message, sizeof(event->message), "%s%s", message_of(bad),
			 condition_is(holds, true) ? "; the last good copy stays in force" : "");
	}
	if (renewed(before, after)) {
		event = add(events, &n, "Renewed", false);
		snprintf(event->message, sizeof(event->message), "it ends at %s now, not at %s",
			 condition_text(after, "expires"), condition_text(before, "expires"));
	}
	if (stage(ends) > stage(part(before, "ExpiringSoon"))) {
		event = add(events, &n, "Expiring", true);
		snprintf(event->message, sizeof(event->message), "%s", message_of(ends));
	}
	if (condition_is(holds, false) && condition_is(held, true)) {
		event = add(events, &n, "Lapsed", true);
		snprintf(event->message, sizeof(event->message), "it is no longer in force: %s",
			 message_of(holds));
	}
	return n;
}

cJSON *policy_status_json(const char *why, bool held, int64_t generation, int64_t now,
			  const cJSON *before)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(root, "conditions");
	struct condition c = {"Accepted", true, "Accepted", "it is in force"};

	if (why)
		c = (struct condition){"Accepted", false, held ? "LastGoodCopy" : "Refused", why};
	condition_put(list, json_get(before, "conditions"), &c, generation, now);
	json_put_u64(root, "observedGeneration", (uint64_t)generation);
	return root;
}
