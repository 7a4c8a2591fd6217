/* SPDX-License-Identifier: MIT */
/* api_policies.c - policies are listed and taken away. */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>

#include "agent.h"
#include "pods.h"
#include "reply.h"

static void put_gates(cJSON *item, const struct agent *agent, const struct policy *policy)
{
	cJSON *matched = cJSON_AddArrayToObject(item, "gates");
	cJSON *in_force = cJSON_AddArrayToObject(item, "in_force");
	size_t i;

	for (i = 0; policy && i < agent->gates.n_entries; i++) {
		const struct gate_entry *entry = agent->gates.entries[i];

		if (!pods_policy_matches(agent, policy, entry))
			continue;
		cJSON_AddItemToArray(matched, cJSON_CreateString(entry->name));
		if (rules_policy(agent, entry) == policy)
			cJSON_AddItemToArray(in_force, cJSON_CreateString(entry->name));
	}
}

static cJSON *policy_json(const struct agent *agent, const struct source_file *file)
{
	const struct policy *policy = file->value;
	cJSON *item = cJSON_CreateObject();
	const char *detail = NULL, *state = "ok";

	if (file->refusal.text[0]) {
		state = "refused";
		detail = file->refusal.text;
	} else if (file->gone_ns) {
		state = "held";
		detail = "the file is gone: what it says is withdrawn soon";
	}
	cJSON_AddStringToObject(item, "file", file->name);
	json_put_string(item, "name", policy ? policy->name : NULL);
	cJSON_AddStringToObject(item, "state", state);
	json_put_string(item, "detail", detail);
	json_put_string(item, "mode", policy ? mode_words[policy->mode] : NULL);
	put_gates(item, agent, policy);
	return item;
}

void api_policies_get(struct agent *agent, struct http_request *request, const char *name)
{
	const struct source *source = &agent->policies.source;
	cJSON *list = cJSON_CreateArray();
	size_t i;

	for (i = 0; i < source->n_files; i++)
		cJSON_AddItemToArray(list, policy_json(agent, source->files[i]));
	reply_json(request, MHD_HTTP_OK, list);
}

static void removed(void *arg)
{
	http_reply(arg, MHD_HTTP_NO_CONTENT, NULL, NULL);
}

void api_policy_delete(struct agent *agent, struct http_request *request, const char *name)
{
	struct fault f = {0};
	int err = policies_remove(&agent->policies, name, &f);

	if (err) {
		reply_error(request,
			    err == -ENOENT  ? MHD_HTTP_NOT_FOUND
			    : err == -EPERM ? MHD_HTTP_CONFLICT
					    : MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "%s", f.text);
		return;
	}
	pods_select(agent);
	rules_changed(agent);
	rules_when_applied(agent, removed, request);
}
