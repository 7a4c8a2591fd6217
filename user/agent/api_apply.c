/* SPDX-License-Identifier: MIT */
/* api_apply.c - POST /v1/policies: what a policy would change, and the change itself. */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "changeview.h"
#include "cleanup.h"
#include "gateview.h"
#include "pods.h"
#include "reply.h"
#include "trialview.h"
#include "settled.h"
#include "whatif.h"

static const char *const deny_words[] = {"refuse", "drop"}; /* enum plic_deny */

/* One policy that is to come, and the answer that grows. */
struct submission {
	const struct agent *agent;
	const char *file;
	const struct policy *policy;
	struct whatif whatif;
	cJSON *changes, *gains, *loses, *warnings;
};

static void put_pair(cJSON *item, const char *name, const char *before, const char *after)
{
	cJSON *pair = cJSON_AddObjectToObject(item, name);

	json_put_string(pair, "before", before);
	json_put_string(pair, "after", after);
}

static bool same_name(const struct policy *a, const struct policy *b)
{
	return a && b ? !strcmp(a->file, b->file) && !strcmp(a->name, b->name) : a == b;
}

static bool gate_differs(const struct whatif_gate *gate)
{
	return !same_name(gate->policy_before, gate->policy_after) ||
	       gate->mode_before != gate->mode_after || gate->deny_before != gate->deny_after;
}

static void put_port(struct submission *s, const struct gate_entry *entry, cJSON *ports,
		     const struct port_change *change, const struct gate_use *use)
{
	const struct span at = {change->port, change->end_port, change->ip_proto};
	const struct port_use used = in_use_of(use, &at);
	cJSON *item = cJSON_CreateObject();
	char port[32], words[128];

	change_port_json(item, change);
	cJSON_AddItemToObject(item, "before", condition_json(&change->before));
	cJSON_AddItemToObject(item, "after", condition_json(&change->after));
	cJSON_AddStringToObject(item, "effect", port_effect_word(change->effect));
	port_use_json(item, &s->agent->clock, &used);
	cJSON_AddItemToArray(ports, item);
	if (!change_hurts(change, &used))
		return;
	change_port_text(change, port, sizeof(port));
	port_use_text(&used, use->now_ns, words, sizeof(words));
	json_warn(s->warnings, "gate \"%s\": %s is in use (%s) and %s", entry->name, port, words,
		  port_effect_word(change->effect));
}

static void put_gate(struct submission *s, const struct gate_entry *entry,
		     const struct whatif_gate *gate, const struct gate_use *use)
{
	const struct policy *before = gate->policy_before, *after = gate->policy_after;
	cJSON *item = cJSON_CreateObject(), *ports;
	size_t i;

	cJSON_AddStringToObject(item, "gate", entry->name);
	cJSON_AddStringToObject(item, "state", gate_state_word(entry->state));
	put_pair(item, "policy", before ? before->name : NULL, after ? after->name : NULL);
	put_pair(item, "mode", mode_words[gate->mode_before], mode_words[gate->mode_after]);
	put_pair(item, "deny", deny_words[gate->deny_before], deny_words[gate->deny_after]);
	ports = cJSON_AddArrayToObject(item, "ports");
	for (i = 0; i < gate->n_changes; i++)
		if (port_change_differs(&gate->changes[i]))
			put_port(s, entry, ports, &gate->changes[i], use);
	if (gate_differs(gate) || cJSON_GetArraySize(ports))
		cJSON_AddItemToArray(s->changes, item);
	else
		cJSON_Delete(item);
}

/* Whether this file holds for the gate, before and after; and why not, though it matches. */
static void tell_holding(struct submission *s, const struct gate_entry *entry,
			 const struct whatif_gate *gate)
{
	bool had = gate->policy_before && !entry->policy_text &&
		   !strcmp(gate->policy_before->file, s->file);
	bool has = gate->policy_after == s->policy;

	if (has && !had)
		cJSON_AddItemToArray(s->gains, cJSON_CreateString(entry->name));
	if (had && !has)
		cJSON_AddItemToArray(s->loses, cJSON_CreateString(entry->name));
	if (!pods_policy_matches(s->agent, s->policy, entry))
		return;
	if (entry->policy_text)
		json_warn(s->warnings,
			  "gate \"%s\" has a policy of its own and isn't touched by this one",
			  entry->name);
	else if (!has)
		json_warn(s->warnings,
			  "gate \"%s\": file \"%s\" comes first in order of names and holds; this "
			  "one has no effect there",
			  entry->name, gate->policy_after ? gate->policy_after->file : "?");
	else if (entry->mode >= 0 && entry->mode != (int)s->policy->mode)
		json_warn(s->warnings,
			  "gate \"%s\": its mode was set to %s and stays so, whatever the policy "
			  "says",
			  entry->name, mode_words[entry->mode]);
	if (has && entry->state != GATE_ATTACHED)
		json_warn(s->warnings,
			  "gate \"%s\" isn't up (%s): nobody knows what is in use there",
			  entry->name, gate_state_word(entry->state));
}

static int add_gate(struct submission *s, const struct gate_entry *entry, struct fault *f)
{
	_cleanup_(gate_use_free) struct gate_use use = {0};
	_cleanup_(whatif_gate_free) struct whatif_gate gate = {0};
	int err = gate_use_read(entry, clock_boot_ns(), &use);

	if (!err)
		err = whatif_gate(&s->whatif, entry, &use, &gate, f);
	if (err)
		return err;
	put_gate(s, entry, &gate, &use);
	tell_holding(s, entry, &gate);
	return 0;
}

static void warn_file(struct submission *s)
{
	const struct source_file *file = source_find(&s->agent->policies.source, s->file);
	const struct policy *old = file ? file->value : NULL;
	size_t i;

	if (old && strcmp(old->name, s->policy->name))
		json_warn(s->warnings, "file \"%s\" holds policy \"%s\", which \"%s\" replaces",
			  s->file, old->name, s->policy->name);
	for (i = 0; i < s->agent->gates.n_entries; i++)
		if (pods_policy_matches(s->agent, s->policy, s->agent->gates.entries[i]))
			return;
	if (s->policy->n_gates || policy_has_pods(s->policy))
		json_warn(s->warnings, "no gate that is there now matches it");
	else
		json_warn(s->warnings,
			  "it has no \"match\" and holds for no gate: name gates in it");
}

/* {"file","name","gains","loses","changes","warnings"}. 0, or -errno with the fault. */
static int build(const struct agent *agent, const char *file, const struct policy *policy,
		 cJSON **out, struct fault *f)
{
	_json_ cJSON *root = cJSON_CreateObject();
	struct submission s = {.agent = agent, .file = file, .policy = policy};
	int err = whatif_init(&s.whatif, agent);
	size_t i;

	cJSON_AddStringToObject(root, "file", file);
	cJSON_AddStringToObject(root, "name", policy->name);
	s.gains = cJSON_AddArrayToObject(root, "gains");
	s.loses = cJSON_AddArrayToObject(root, "loses");
	s.changes = cJSON_AddArrayToObject(root, "changes");
	s.warnings = cJSON_AddArrayToObject(root, "warnings");
	warn_file(&s);
	if (!err)
		err = whatif_policy(&s.whatif, file, policy);
	if (!err)
		err = whatif_at(&s.whatif, s.whatif.now.wall_s);
	for (i = 0; !err && i < agent->gates.n_entries; i++)
		err = add_gate(&s, agent->gates.entries[i], f);
	whatif_free(&s.whatif);
	if (!err)
		*out = TAKE_PTR(root);
	return err;
}

/* ---- the steps of a request ---- */

static void cleanup_policy(struct policy **policy)
{
	policy_free(*policy);
}

/* 0, or it has been answered. */
static int parse(const struct agent *agent, struct http_request *request, struct policy **out)
{
	struct fault f = {0};
	int err = policy_parse(http_query(request, "file"), request->body ? request->body : "",
			       request->body_len, agent->vendors.trust, out, &f);

	if (err)
		reply_error(request,
			    err == -ENOMEM ? MHD_HTTP_INTERNAL_SERVER_ERROR
					   : MHD_HTTP_UNPROCESSABLE_CONTENT,
			    "%s", f.text);
	return err;
}

static void applied(void *arg)
{
	struct http_request *request = arg;
	const struct agent *agent = request->http->agent;
	const char *name = http_query(request, "file");
	const struct source_file *file = source_find(&agent->policies.source, name);
	cJSON *answer = request->arg;

	if (!file || !file->value || !source_is_good(file)) {
		cJSON_Delete(answer);
		reply_error(
			request, MHD_HTTP_INTERNAL_SERVER_ERROR,
			"policy \"%s\" was written and isn't in force: %s; see `portlic status`",
			name, file && file->refusal.text[0] ? file->refusal.text : "it is gone");
		return;
	}
	gates_warn_errors(json_get(answer, "warnings"), agent);
	reply_json(request, MHD_HTTP_CREATED, answer);
}

static void store(struct agent *agent, struct http_request *request)
{
	struct fault f = {0};

	if (policies_write(&agent->policies, http_query(request, "file"), request->body,
			   request->body_len, &f)) {
		cJSON_Delete(request->arg);
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s",
			    f.text[0] ? f.text : "out of memory");
		return;
	}
	agent_rescan(agent);
	rules_when_applied(agent, applied, request);
}

static void on_trial(void *arg)
{
	struct http_request *request = arg;
	const struct agent *agent = request->http->agent;

	json_put_time(request->arg, "confirm_by", agent->trial.until);
	gates_warn_errors(json_get(request->arg, "warnings"), agent);
	reply_json(request, MHD_HTTP_ACCEPTED, request->arg);
}

static void submit(struct http_request *request)
{
	struct agent *agent = request->http->agent;
	_cleanup_(cleanup_policy) struct policy *policy = NULL;
	cJSON *answer = NULL;
	struct fault f = {0};
	int64_t seconds;
	int err;

	if (trial_seconds(request, &seconds) || parse(agent, request, &policy))
		return;
	err = build(agent, http_query(request, "file"), policy, &answer, &f);
	if (err) {
		reply_error(request,
			    err == -E2BIG ? MHD_HTTP_UNPROCESSABLE_CONTENT
					  : MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "policy \"%s\": %s", policy->file, f.text[0] ? f.text : strerror(-err));
		return;
	}
	if (http_query(request, "dry")) {
		reply_json(request, MHD_HTTP_OK, answer);
		return;
	}
	request->arg = answer;
	if (!seconds)
		store(agent, request);
	else if (trial_ask(agent, request, TRIAL_POLICY, seconds))
		cJSON_Delete(answer);
	else
		rules_when_applied(agent, on_trial, request);
}

void api_policies_post(struct agent *agent, struct http_request *request, const char *unused)
{
	const char *name = http_query(request, "file"), *dry = http_query(request, "dry");
	_cleanup_(cleanup_policy) struct policy *policy = NULL;

	if (dry && strcmp(dry, "1"))
		reply_error(request, MHD_HTTP_BAD_REQUEST,
			    "dry=%s is unknown: dry=1 only tells what would change", dry);
	else if (!name || !source_name_plain(name, ".json"))
		reply_error(
			request, MHD_HTTP_BAD_REQUEST,
			"the name of the file, ?file=NAME.json, must be letters, digits, \".\", "
			"\"_\" and \"-\", %d at most, and not begin with \".\": rename it",
			SOURCE_NAME_MAX);
	else if (!parse(agent, request, &policy))
		when_settled(request, submit);
}
