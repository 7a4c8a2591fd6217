/* SPDX-License-Identifier: MIT */
/* api_load.c - POST /v1/licenses: a license is checked, compared, written down and put in force. */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "file.h"
#include "gateview.h"
#include "licenseview.h"
#include "overlap.h"
#include "ports.h"
#include "reply.h"
#include "trialview.h"

static bool opens(const struct license *lic, uint8_t protocol, uint16_t port)
{
	size_t i;

	for (i = 0; i < lic->n_ports; i++)
		if (lic->ports[i].protocol == protocol && lic->ports[i].port <= port &&
		    port <= lic->ports[i].end_port)
			return true;
	return false;
}

/* A port that `before` opens and `after` doesn't; 0: none. */
static uint16_t lost_port(const struct license *before, const struct license *after,
			  uint8_t *protocol)
{
	size_t i;
	unsigned int port;

	for (i = 0; i < before->n_ports; i++) {
		const struct license_port *at = &before->ports[i];

		for (port = at->port; port <= at->end_port; port++) {
			if (opens(after, at->protocol, port))
				continue;
			*protocol = at->protocol;
			return port;
		}
	}
	return 0;
}

/* What a renewal takes away compared with the file of the same line that is in force. */
static void warn_renewal(cJSON *warnings, const struct licenses *licenses,
			 const struct license *lic)
{
	size_t i;

	for (i = 0; i < licenses->n_views; i++) {
		const struct license *old = licenses->views[i].lic;
		uint8_t protocol = 0;
		uint16_t port;

		if (strcmp(old->lid, lic->lid) || strcmp(old->iss, lic->iss))
			continue;
		if (old->seq > lic->seq)
			json_warn(warnings,
				  "\"%s\" with seq %lld is newer: this license has no effect",
				  licenses->view_files[i]->name, (long long)old->seq);
		if (old->exp + old->grace_s > lic->exp + lic->grace_s)
			json_warn(warnings, "it ends earlier than \"%s\", which it replaces",
				  licenses->view_files[i]->name);
		port = lost_port(old, lic, &protocol);
		if (port)
			json_warn(warnings,
				  "it opens less than \"%s\", which it replaces: %u/%s is missing",
				  licenses->view_files[i]->name, port, proto_word(protocol));
	}
}

static void warn_without_effect(cJSON *warnings, const struct licenses *licenses,
				const struct license *lic, int64_t now)
{
	struct fault why;

	if (licenses_without_effect(licenses, lic, now, &why))
		json_warn(warnings, "it has no effect: %s", why.text);
}

static void warn_itself(cJSON *warnings, const struct licenses *licenses, const struct license *lic,
			int64_t now)
{
	char limits[256], overlap[512];

	if (license_unenforced(licenses, lic, limits, sizeof(limits)))
		json_warn(warnings, "%s", limits);
	if (license_overlaps_clients(lic, overlap, sizeof(overlap)))
		json_warn(warnings, "%s", overlap);
	if (now + LIFECYCLE_SLACK_S < lic->nbf)
		json_warn(warnings, "it hasn't begun yet");
	if (now >= lic->exp)
		json_warn(warnings, "it has ended%s",
			  now < lic->exp + lic->grace_s ? ": in grace" : "");
	if (!lic->n_ports)
		json_warn(warnings, "it opens no port");
}

int license_other_line(const struct agent *agent, struct http_request *request, const char *name,
		       const struct license *lic)
{
	const struct source_file *file = source_find(&agent->licenses.source, name);
	const struct license_entry *entry = file ? file->value : NULL;

	if (!entry || !entry->lic || license_same_line(entry->lic, lic))
		return 0;
	reply_error(request, MHD_HTTP_CONFLICT,
		    "file \"%s\" holds license line \"%s\" of \"%s\", not \"%s\" of \"%s\": take "
		    "another file name, or unload it first",
		    name, entry->lic->lid, entry->lic->iss, lic->lid, lic->iss);
	return -EEXIST;
}

struct load {
	struct http_request *request;
	char name[SOURCE_NAME_MAX + 1];
	char *lid; /* of one on trial */
	cJSON *warnings;
};

static void loaded(void *arg)
{
	struct load *load = arg;
	const struct agent *agent = load->request->http->agent;
	const struct source_file *file = source_find(&agent->licenses.source, load->name);
	cJSON *item;

	if (file) {
		gates_warn_errors(load->warnings, agent);
		item = license_json(&agent->licenses, file);
		cJSON_AddItemToObject(item, "warnings", load->warnings);
		reply_json(load->request, MHD_HTTP_CREATED, item);
	} else {
		cJSON_Delete(load->warnings);
		reply_error(load->request, MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "\"%s\" was written and can't be found again: see `portlic status`",
			    load->name);
	}
	free(load);
}

/* Not among the licenses yet: what is told of it comes from the token itself. */
static void on_trial(void *arg)
{
	struct load *load = arg;
	const struct agent *agent = load->request->http->agent;
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "file", load->name);
	cJSON_AddStringToObject(item, "lid", load->lid);
	json_put_time(item, "confirm_by", agent->trial.until);
	gates_warn_errors(load->warnings, agent);
	cJSON_AddItemToObject(item, "warnings", load->warnings);
	reply_json(load->request, MHD_HTTP_ACCEPTED, item);
	free(load->lid);
	free(load);
}

static void try_out(struct agent *agent, struct http_request *request, const struct license *lic,
		    int64_t seconds, cJSON *warnings)
{
	struct load *load = calloc(1, sizeof(*load));

	if (load)
		load->lid = strdup(lic->lid);
	if (!load || !load->lid) {
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	} else if (!trial_ask(agent, request, TRIAL_LICENSE, seconds)) {
		load->request = request;
		load->warnings = warnings;
		strcpy(load->name, http_query(request, "file"));
		rules_when_applied(agent, on_trial, load);
		return;
	}
	cJSON_Delete(warnings);
	if (load)
		free(load->lid);
	free(load);
}

static void store(struct agent *agent, struct http_request *request, const char *name,
		  cJSON *warnings)
{
	struct load *load = calloc(1, sizeof(*load));
	_free_ char *path = NULL;
	struct fault f = {0};

	if (!load || asprintf(&path, "%s/%s", agent->config.license_dir, name) < 0 ||
	    file_replace(path, request->body, request->body_len, 0600, &f)) {
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s",
			    f.text[0] ? f.text : "out of memory");
		cJSON_Delete(warnings);
		free(load);
		return;
	}
	load->request = request;
	load->warnings = warnings;
	strcpy(load->name, name);
	agent_rescan(agent);
	rules_when_applied(agent, loaded, load);
}

void license_rejected(struct http_request *request, const char *name, const struct rejection *why)
{
	cJSON *root = cJSON_CreateObject();
	char text[600];

	snprintf(text, sizeof(text), "license \"%s\" is rejected (%s): %s", name,
		 license_reason_word(why->reason), why->detail);
	cJSON_AddStringToObject(root, "error", text);
	cJSON_AddStringToObject(root, "reason", license_reason_word(why->reason));
	cJSON_AddStringToObject(root, "detail", why->detail);
	reply_json(request, MHD_HTTP_UNPROCESSABLE_CONTENT, root);
}

void api_licenses_post(struct agent *agent, struct http_request *request, const char *unused)
{
	const char *name = http_query(request, "file");
	int64_t now = clock_now(&agent->clock);
	struct license_check check = licenses_check(&agent->licenses, agent->vendors.trust, now);
	struct license *lic = NULL;
	struct rejection why = {0};
	cJSON *warnings;
	int64_t seconds;
	int err;

	if (trial_seconds(request, &seconds))
		return;
	if (!name || !source_name_plain(name, ".lic")) {
		reply_error(request, MHD_HTTP_BAD_REQUEST,
			    "the name of the file, ?file=NAME.lic, must be letters, digits, \".\", "
			    "\"_\" and \"-\", %d at most, and not begin with \".\": rename it",
			    SOURCE_NAME_MAX);
		return;
	}
	err = license_read(&check, request->body ? request->body : "", request->body_len, &lic,
			   &why);
	if (err) {
		license_rejected(request, name, &why);
		return;
	}
	if (!license_other_line(agent, request, name, lic)) {
		warnings = cJSON_CreateArray();
		warn_itself(warnings, &agent->licenses, lic, now);
		warn_renewal(warnings, &agent->licenses, lic);
		warn_without_effect(warnings, &agent->licenses, lic, now);
		if (seconds)
			try_out(agent, request, lic, seconds, warnings);
		else
			store(agent, request, name, warnings);
	}
	license_free(lic);
}
