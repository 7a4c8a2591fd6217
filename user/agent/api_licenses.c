/* SPDX-License-Identifier: MIT */
/* api_licenses.c - licenses are listed and unloaded. */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "licenseview.h"
#include "ports.h"
#include "pull_take.h"
#include "reply.h"

static void put_ports(cJSON *item, const struct license *lic)
{
	cJSON *list = cJSON_AddArrayToObject(item, "ports");
	size_t i;

	for (i = 0; i < lic->n_ports; i++) {
		const struct license_port *port = &lic->ports[i];
		char text[32];

		if (port->port == port->end_port)
			snprintf(text, sizeof(text), "%u/%s", port->port,
				 proto_word(port->protocol));
		else
			snprintf(text, sizeof(text), "%u-%u/%s", port->port, port->end_port,
				 proto_word(port->protocol));
		cJSON_AddItemToArray(list, cJSON_CreateString(text));
	}
}

static void put_claims(cJSON *item, const struct license_entry *entry)
{
	static const char *const names[] = {"lid", "seq", "iss",   "sub",      "plan", "jti",
					    "nbf", "exp", "grace", "deadline", NULL};
	const struct license *lic = entry->lic;
	size_t i;

	if (!lic) {
		for (i = 0; names[i]; i++)
			cJSON_AddNullToObject(item, names[i]);
		cJSON_AddBoolToObject(item, "warn", false);
		cJSON_AddArrayToObject(item, "ports");
		return;
	}
	cJSON_AddStringToObject(item, "lid", lic->lid);
	json_put_u64(item, "seq", lic->seq);
	cJSON_AddStringToObject(item, "iss", lic->iss);
	cJSON_AddStringToObject(item, "sub", lic->sub);
	json_put_string(item, "plan", lic->plan);
	cJSON_AddStringToObject(item, "jti", lic->jti);
	json_put_time(item, "nbf", lic->nbf);
	json_put_time(item, "exp", lic->exp);
	json_put_u64(item, "grace", lic->grace_s);
	json_put_time(item, "deadline", entry->deadlines.new_until);
	cJSON_AddBoolToObject(item, "warn", entry->warn);
	put_ports(item, lic);
}

/* The pull source, for a file that no directory holds. */
static void put_source(cJSON *item, const struct source_file *file)
{
	_free_ char *source = strndup(file->name, pull_source_length(file));

	json_put_string(item, "source", source && source[0] ? source : NULL);
}

cJSON *license_json(const struct source_file *file)
{
	const struct license_entry *entry = file->value;
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "file", file->name);
	put_source(item, file);
	cJSON_AddStringToObject(item, "state", license_state_word(entry->state));
	json_put_string(item, "reason", entry->reason ? licenses_reason_word(entry->reason) : NULL);
	json_put_string(item, "detail",
			entry->reason ? entry->detail.text
			: file->gone_ns && !file->forever
				? "the file is gone: its rights are withdrawn soon"
				: NULL);
	put_claims(item, entry);
	return item;
}

void api_licenses_get(struct agent *agent, struct http_request *request, const char *name)
{
	const struct source *source = &agent->licenses.source;
	cJSON *list = cJSON_CreateArray();
	size_t i;

	for (i = 0; i < source->n_files; i++)
		cJSON_AddItemToArray(list, license_json(source->files[i]));
	reply_json(request, MHD_HTTP_OK, list);
}

static void unloaded(void *arg)
{
	http_reply(arg, MHD_HTTP_NO_CONTENT, NULL, NULL);
}

void api_license_delete(struct agent *agent, struct http_request *request, const char *name)
{
	struct fault f = {0};
	int err = licenses_unload(&agent->licenses, name, clock_now(&agent->clock), &f);

	if (err) {
		reply_error(request,
			    err == -ENOENT ? MHD_HTTP_NOT_FOUND : MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "%s", f.text);
		rules_changed(agent); /* some files may have gone */
		return;
	}
	rules_changed(agent);
	rules_when_applied(agent, unloaded, request);
}
