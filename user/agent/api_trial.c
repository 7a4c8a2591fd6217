/* SPDX-License-Identifier: MIT */
/* api_trial.c - what holds until it is confirmed: asked for, kept, taken back. */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "reply.h"
#include "stamp.h"
#include "trialview.h"

int trial_seconds(struct http_request *request, int64_t *seconds)
{
	const char *text = http_query(request, "confirm");
	char *end;

	*seconds = 0;
	if (!text)
		return 0;
	errno = 0;
	*seconds = strtoll(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && !errno && !*end && *seconds >= 1 &&
	    *seconds <= TRIAL_MAX_S)
		return 0;
	reply_error(request, MHD_HTTP_BAD_REQUEST,
		    "confirm=%s is no number of seconds from 1 to %d", text, TRIAL_MAX_S);
	return -EINVAL;
}

int trial_ask(struct agent *agent, struct http_request *request, enum trial_kind kind,
	      int64_t seconds)
{
	struct fault f = {0};
	int err = trial_begin(agent, kind, http_query(request, "file"),
			      request->body ? request->body : "", request->body_len, seconds, &f);

	if (err)
		reply_error(request,
			    err == -EBUSY     ? MHD_HTTP_CONFLICT
			    : err == -EBADMSG ? MHD_HTTP_UNPROCESSABLE_CONTENT
					      : MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "%s", f.text[0] ? f.text : strerror(-err));
	else
		rules_changed(agent);
	return err;
}

static void warn_drill(cJSON *warnings, const struct agent *agent, const struct gate_entry *entry)
{
	const struct drill *drill = &entry->drill;
	char at[STAMP_LEN], until[STAMP_LEN];

	json_warn(warnings,
		  "REHEARSAL: gate \"%s\" is judged as at %s%s%s%s%s until %s; `portlic policy "
		  "rollback` ends it",
		  entry->name, stamp_format(clock_now(&agent->clock) + drill->ahead_s, at),
		  drill->without ? ", without " : "", drill->without ? drill->without : "",
		  drill->with ? ", with " : "",
		  drill->with ? drill->file ? drill->file : "one more license" : "",
		  stamp_format(drill->until, until));
}

void trial_warn(cJSON *warnings, const struct agent *agent)
{
	const struct trial *trial = &agent->trial;
	char until[STAMP_LEN];
	size_t i;

	if (trial->kind != TRIAL_NONE)
		json_warn(
			warnings,
			"TRIAL: %s \"%s\" holds until %s unless `portlic policy confirm` keeps it",
			trial->kind == TRIAL_POLICY ? "policy" : "license", trial->file,
			stamp_format(trial->until, until));
	for (i = 0; i < agent->gates.n_entries; i++)
		if (drill_holds(agent->gates.entries[i], clock_boot_ns()))
			warn_drill(warnings, agent, agent->gates.entries[i]);
}

/* The answer is what was on trial before it ended. */
static void ended(void *arg)
{
	struct http_request *request = arg;

	reply_json(request, MHD_HTTP_OK, request->arg);
}

static void end(struct agent *agent, struct http_request *request,
		int (*how)(struct agent *agent, struct fault *f))
{
	cJSON *was = trial_json(agent);
	struct fault f = {0};
	int err = how(agent, &f);

	if (err) {
		cJSON_Delete(was);
		reply_error(request,
			    err == -ENOENT ? MHD_HTTP_NOT_FOUND : MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "%s", f.text[0] ? f.text : strerror(-err));
		return;
	}
	request->arg = was;
	rules_when_applied(agent, ended, request);
}

void api_trial_confirm(struct agent *agent, struct http_request *request, const char *name)
{
	end(agent, request, trial_confirm);
}

void api_trial_rollback(struct agent *agent, struct http_request *request, const char *name)
{
	end(agent, request, trial_rollback);
}
