/* SPDX-License-Identifier: MIT */
/* pull_view.c - GET and POST /v1/pull, and what status and metrics say of it. */
#include "pull_view.h"

#include <string.h>

#include <microhttpd.h>

#include "agent.h"
#include "api.h"
#include "metric.h"
#include "pull_take.h"
#include "reply.h"
#include "stamp.h"

static const char *const result_words[PULL_N_RESULTS] = {[PULL_NEW] = "new",
							 [PULL_SAME] = "same",
							 [PULL_REJECTED] = "rejected",
							 [PULL_FAILED] = "failed"};

static bool is_bad(const struct puller *p)
{
	return p->result == PULL_REJECTED || p->result == PULL_FAILED;
}

static void put_files(cJSON *item, const struct puller *p)
{
	const struct source *licenses = &p->agent->licenses.source;
	cJSON *files = cJSON_AddArrayToObject(item, "files");
	size_t i;

	for (i = 0; i < licenses->n_files; i++)
		if (pull_is_copy(p->source, licenses->files[i]))
			cJSON_AddItemToArray(files, cJSON_CreateString(licenses->files[i]->name));
	if (p->source->revocations && p->memory.file[0])
		cJSON_AddItemToArray(files, cJSON_CreateString(p->memory.file));
}

static cJSON *puller_json(const struct puller *p)
{
	const struct pull_source *source = p->source;
	cJSON *item = cJSON_CreateObject();
	uint64_t tries = 0;
	size_t i;

	cJSON_AddStringToObject(item, "source", source->name);
	cJSON_AddStringToObject(item, "kind", source->revocations ? "revocations" : "license");
	cJSON_AddStringToObject(item, "url", source->url);
	json_put_u64(item, "interval", source->interval_s);
	json_put_string(item, "result", result_words[p->result]);
	json_put_string(item, "error", is_bad(p) ? p->why.text : NULL);
	for (i = 0; i < PULL_N_RESULTS; i++)
		tries += p->count[i];
	json_put_u64(item, "tries", tries);
	json_put_u64(item, "failures", p->failures);
	json_put_time(item, "last_attempt", p->last_attempt);
	json_put_time(item, "last_success", p->memory.last_success);
	if (p->transfer)
		cJSON_AddNullToObject(item, "next"); /* it runs */
	else
		json_put_moment(item, "next", &p->agent->clock,
				p->next_ns ? p->next_ns : clock_boot_ns());
	cJSON_AddBoolToObject(item, "running", p->transfer != NULL);
	put_files(item, p);
	return item;
}

cJSON *pull_json(const struct agent *agent)
{
	cJSON *list = cJSON_CreateArray();
	size_t i;

	for (i = 0; i < agent->pull.n; i++)
		cJSON_AddItemToArray(list, puller_json(&agent->pull.list[i]));
	return list;
}

void api_pull_get(struct agent *agent, struct http_request *request, const char *name)
{
	reply_json(request, MHD_HTTP_OK, pull_json(agent));
}

/* Answered at once: how it went, GET tells. */
void api_pull_post(struct agent *agent, struct http_request *request, const char *unused)
{
	const char *name = http_query(request, "source");

	if (pull_now(agent, name))
		reply_json(request, MHD_HTTP_ACCEPTED, pull_json(agent));
	else
		reply_error(request, MHD_HTTP_NOT_FOUND,
			    "no pull source is called \"%s\"; GET /v1/pull names them", name);
}

void pull_warn(const struct agent *agent, cJSON *warnings)
{
	char since[STAMP_LEN];
	size_t i;

	for (i = 0; i < agent->pull.n; i++) {
		const struct puller *p = &agent->pull.list[i];

		if (!is_bad(p))
			continue;
		strcpy(since, "never");
		if (p->memory.last_success)
			stamp_format(p->memory.last_success, since);
		json_warn(warnings,
			  "pull source \"%s\" %s, %u times in a row (good last: %s): %s; what was "
			  "fetched before stays in force",
			  p->source->name,
			  p->result == PULL_FAILED ? "fails" : "gives what is rejected",
			  p->failures, since, p->why.text);
	}
}

void pull_metrics(FILE *out, const struct agent *agent)
{
	const struct pull *pull = &agent->pull;
	size_t i, result;

	metric_head(out, PULL_TOTAL);
	for (i = 0; i < pull->n; i++)
		for (result = PULL_NEW; result < PULL_N_RESULTS; result++)
			metric_sample(out, PULL_TOTAL,
				      LABELS("source", pull->list[i].source->name, "result",
					     result_words[result]),
				      pull->list[i].count[result]);
	metric_head(out, PULL_LAST_SUCCESS);
	for (i = 0; i < pull->n; i++)
		if (pull->list[i].memory.last_success)
			metric_sample(out, PULL_LAST_SUCCESS,
				      LABELS("source", pull->list[i].source->name),
				      pull->list[i].memory.last_success);
}
