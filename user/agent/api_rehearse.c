/* SPDX-License-Identifier: MIT */
/* api_rehearse.c - POST /v1/rehearse: the real rules at another time, against the ports in use now. */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "changeview.h"
#include "cleanup.h"
#include "licenseview.h"
#include "moment.h"
#include "reply.h"
#include "settled.h"
#include "stamp.h"
#include "whatif.h"

/* What is asked for; strings belong to the body. */
struct question {
	const char *at, *without, *with, *file, *gate; /* NULL: not given */
	bool enforce;
	int64_t seconds; /* how long */
};

struct rehearsal {
	const struct agent *agent;
	struct whatif whatif;
	cJSON *results, *warnings;
	bool ok;
};

static void put_result(struct rehearsal *r, const struct gate_entry *entry,
		       const struct port_change *change, const struct gate_use *use)
{
	const struct span at = {change->port, change->end_port, change->ip_proto};
	const struct port_use used = in_use_of(use, &at);
	const struct clock *clock = &r->agent->clock;
	const char *lid = change->after.lid ? change->after.lid : change->before.lid;
	cJSON *item = cJSON_CreateObject();
	char when[STAMP_LEN], words[512], text[600];

	cJSON_AddStringToObject(item, "gate", entry->name);
	change_port_json(item, change);
	cJSON_AddStringToObject(item, "from", port_state_word(change->before.state));
	cJSON_AddStringToObject(item, "to", port_state_word(change->after.state));
	cJSON_AddStringToObject(item, "effect", port_effect_word(change->effect));
	json_put_string(item, "lid", lid);
	json_put_string(item, "reason",
			change->after.reason ? reason_word(change->after.reason) : NULL);
	json_put_moment(item, "deadline", clock, change->after.deadline_ns);
	port_use_json(item, clock, &used);
	change_text(change, &used, clock, use->now_ns, words, sizeof(words));
	snprintf(text, sizeof(text), "%s: %s", stamp_format(r->whatif.at, when), words);
	cJSON_AddStringToObject(item, "text", text);
	cJSON_AddItemToArray(r->results, item);
	r->ok &= !change_hurts(change, &used);
}

static int add_gate(struct rehearsal *r, const struct gate_entry *entry, struct fault *f)
{
	_cleanup_(gate_use_free) struct gate_use use = {0};
	_cleanup_(whatif_gate_free) struct whatif_gate gate = {0};
	size_t i;
	int err = gate_use_read(entry, clock_boot_ns(), &use);

	if (!err)
		err = whatif_gate(&r->whatif, entry, &use, &gate, f);
	if (err)
		return err;
	if (!use.known)
		json_warn(r->warnings,
			  "gate \"%s\" isn't up (%s): what its ports would be is told, and nobody "
			  "knows what is in use there",
			  entry->name, gate_state_word(entry->state));
	for (i = 0; i < gate.n_changes; i++)
		put_result(r, entry, &gate.changes[i], &use);
	return 0;
}

/* ---- the request ---- */

static int read_question(const cJSON *root, struct question *out, struct fault *f)
{
	static const char *const keys[] = {"at",   "without", "with", "file",
					   "gate", "enforce", "for",  NULL};
	const char *unknown = json_unknown(root, keys);
	int err = 0;

	if (unknown)
		return fault_set(f, EINVAL,
				 "\"%.64s\" is no member of it; there are: at, without, with, "
				 "file, gate, enforce, for",
				 unknown);
	err = json_string(root, "at", 1, 64, &out->at, f);
	if (!err)
		err = json_string(root, "without", 1, 256, &out->without, f);
	if (!err)
		err = json_string(root, "with", 1, LICENSE_MAX_BYTES, &out->with, f);
	if (!err)
		err = json_string(root, "file", 1, SOURCE_NAME_MAX, &out->file, f);
	if (!err)
		err = json_string(root, "gate", 1, GATE_NAME_MAX, &out->gate, f);
	if (!err)
		err = json_bool(root, "enforce", &out->enforce, f);
	if (!err)
		err = json_int(root, "for", 1, DRILL_MAX_S, &out->seconds, f);
	if (!err && (out->enforce ? !out->gate || !out->seconds : out->seconds > 0))
		return fault_set(f, EINVAL,
				 "\"enforce\" wants a \"gate\" and \"for\" how many seconds, and "
				 "\"for\" goes with \"enforce\" only");
	if (!err && !out->at && !out->without && !out->with)
		return fault_set(f, EINVAL, "one of \"at\", \"without\" and \"with\" is needed");
	return err;
}

static int refuse(struct http_request *request, unsigned int status, const struct fault *f)
{
	reply_error(request, status, "%s", f->text[0] ? f->text : "out of memory");
	return -EINVAL;
}

/* One more license, verified as a load would be. 0, or it has been answered. */
static int add_license(struct rehearsal *r, struct http_request *request,
		       const struct question *question)
{
	const struct agent *agent = r->agent;
	struct license_check check =
		licenses_check(&agent->licenses, agent->vendors.trust, clock_now(&agent->clock));
	const char *name = question->file ? question->file : "with";
	struct license *lic = NULL;
	struct rejection why = {0};
	struct fault f = {0};

	if (license_read(&check, question->with, strlen(question->with), &lic, &why)) {
		license_rejected(request, name, &why);
		return -EBADMSG;
	}
	if (question->file && license_other_line(agent, request, question->file, lic)) {
		license_free(lic);
		return -EEXIST;
	}
	return whatif_with(&r->whatif, question->file, lic)
		       ? refuse(request, MHD_HTTP_INTERNAL_SERVER_ERROR, &f)
		       : 0;
}

/* 0, or it has been answered. */
static int prepare(struct rehearsal *r, struct http_request *request,
		   const struct question *question)
{
	struct fault f = {0};
	int64_t at;

	if (whatif_init(&r->whatif, r->agent))
		return refuse(request, MHD_HTTP_INTERNAL_SERVER_ERROR, &f);
	at = r->whatif.now.wall_s;
	if (question->at && moment_parse(question->at, at, &at, &f))
		return refuse(request, MHD_HTTP_BAD_REQUEST, &f);
	if (at < r->whatif.now.wall_s) {
		fault_set(&f, EINVAL, "\"%s\" is past: give a time that is still to come",
			  question->at);
		return refuse(request, MHD_HTTP_BAD_REQUEST, &f);
	}
	if (time_base_boot_ns(&r->whatif.now, at) == PLIC_NEVER) {
		fault_set(&f, ERANGE, "\"%s\" lies further ahead than the kernel's clock counts",
			  question->at);
		return refuse(request, MHD_HTTP_BAD_REQUEST, &f);
	}
	if (question->gate && !gates_find(&r->agent->gates, question->gate)) {
		fault_set(&f, ENOENT, "there is no gate \"%s\"", question->gate);
		return refuse(request, MHD_HTTP_NOT_FOUND, &f);
	}
	if (question->without && !whatif_without(&r->whatif, question->without)) {
		fault_set(&f, ENOENT,
			  "no license in force has the lid or file name \"%s\"; `portlic license "
			  "list` names them",
			  question->without);
		return refuse(request, MHD_HTTP_NOT_FOUND, &f);
	}
	if (question->with && add_license(r, request, question))
		return -EBADMSG;
	return whatif_at(&r->whatif, at) ? refuse(request, MHD_HTTP_INTERNAL_SERVER_ERROR, &f) : 0;
}

static void enforced(void *arg)
{
	struct http_request *request = arg;

	reply_json(request, MHD_HTTP_OK, request->arg);
}

/* Takes root over. */
static void enforce(struct rehearsal *r, struct http_request *request,
		    const struct question *question, cJSON *root)
{
	struct agent *agent = request->http->agent;
	struct gate_entry *entry = gates_find(&agent->gates, question->gate);
	const struct drill drill = {.ahead_s = r->whatif.at - r->whatif.now.wall_s,
				    .without = (char *)question->without,
				    .with = (char *)question->with,
				    .file = (char *)question->file};
	const struct fault f = {0};

	if (drill_begin(agent, entry, &drill, question->seconds)) {
		cJSON_Delete(root);
		refuse(request, MHD_HTTP_INTERNAL_SERVER_ERROR, &f);
		return;
	}
	json_put_time(root, "until", entry->drill.until);
	request->arg = root;
	rules_changed(agent);
	rules_when_applied(agent, enforced, request);
}

static void answer(struct rehearsal *r, struct http_request *request,
		   const struct question *question)
{
	const struct gates *gates = &r->agent->gates;
	_json_ cJSON *root = cJSON_CreateObject();
	struct fault f = {0};
	size_t i;
	int err = 0;

	json_put_time(root, "at", r->whatif.at);
	r->ok = true;
	r->results = cJSON_CreateArray();
	r->warnings = cJSON_CreateArray();
	for (i = 0; !err && i < gates->n_entries; i++)
		if (!question->gate || !strcmp(question->gate, gates->entries[i]->name))
			err = add_gate(r, gates->entries[i], &f);
	cJSON_AddBoolToObject(root, "ok", r->ok);
	cJSON_AddItemToObject(root, "results", r->results);
	cJSON_AddItemToObject(root, "warnings", r->warnings);
	if (err)
		refuse(request, MHD_HTTP_INTERNAL_SERVER_ERROR, &f);
	else if (question->enforce)
		enforce(r, request, question, TAKE_PTR(root));
	else
		reply_json(request, MHD_HTTP_OK, TAKE_PTR(root));
}

static void rehearse(struct http_request *request)
{
	struct rehearsal r = {.agent = request->http->agent};
	struct question question = {0};
	const struct gate_entry *named;
	_json_ cJSON *root = NULL;
	struct fault f = {0};

	if (json_parse_object("the body", request->body ? request->body : "", request->body_len,
			      &root, &f) ||
	    read_question(root, &question, &f)) {
		refuse(request, MHD_HTTP_BAD_REQUEST, &f);
		return;
	}
	named = question.gate ? gates_named(&r.agent->gates, question.gate) : NULL;
	if (named)
		question.gate = named->name; /* of NAMESPACE/POD */
	if (!prepare(&r, request, &question))
		answer(&r, request, &question);
	whatif_free(&r.whatif);
}

void api_rehearse(struct agent *agent, struct http_request *request, const char *unused)
{
	when_settled(request, rehearse);
}
