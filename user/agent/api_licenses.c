/* SPDX-License-Identifier: MIT */
/* api_licenses.c - licenses are listed and unloaded. */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "licenseview.h"
#include "outlook.h"
#include "outside.h"
#include "porttext.h"
#include "pull_take.h"
#include "reply.h"

static void put_ports(cJSON *item, const struct license *lic)
{
	cJSON *list = cJSON_AddArrayToObject(item, "ports");
	char text[PORTTEXT_LEN];
	size_t i;

	for (i = 0; i < lic->n_ports; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(porttext(&lic->ports[i], text)));
}

static void put_nothing(cJSON *item)
{
	static const char *const names[] = {"lid",   "seq",    "iss", "sub",   "plan",
					    "jti",   "nbf",    "exp", "grace", "deadline",
					    "lapse", "cut_at", NULL};
	size_t i;

	for (i = 0; names[i]; i++)
		cJSON_AddNullToObject(item, names[i]);
	cJSON_AddNullToObject(item, "seats");
	cJSON_AddBoolToObject(item, "covered", false);
	cJSON_AddBoolToObject(item, "warn", false);
	cJSON_AddArrayToObject(item, "features");
	cJSON_AddArrayToObject(item, "ports");
}

static void put_claims(cJSON *item, const struct license_view *view, bool covered)
{
	static const char *const lapses[] = {
		[PLIC_BLOCK_NEW] = "block-new", [PLIC_BLOCK] = "block", [PLIC_REPORT] = "report"};
	const struct license *lic = view->lic;

	cJSON_AddStringToObject(item, "lid", lic->lid);
	json_put_u64(item, "seq", lic->seq);
	cJSON_AddStringToObject(item, "iss", lic->iss);
	cJSON_AddStringToObject(item, "sub", lic->sub);
	json_put_string(item, "plan", lic->plan);
	cJSON_AddStringToObject(item, "jti", lic->jti);
	json_put_time(item, "nbf", lic->nbf);
	json_put_time(item, "exp", lic->exp);
	json_put_u64(item, "grace", lic->grace_s);
	json_put_time(item, "deadline", view->deadlines.new_until);
	cJSON_AddStringToObject(item, "lapse", lapses[view->lapse]);
	json_put_time(item, "cut_at", view->deadlines.cut_at);
	json_put_known(item, "seats", (uint64_t)lic->seats);
	cJSON_AddBoolToObject(item, "covered", covered);
	cJSON_AddBoolToObject(item, "warn", view->warn);
	json_put_strings(item, "features", lic->features, lic->n_features);
	put_ports(item, lic);
}

/* The pull source, or the object of the API, for a file that no directory holds. */
static void put_source(cJSON *item, const struct source_file *file)
{
	_free_ char *source = strndup(file->name, pull_source_length(file));
	char origin[OUTSIDE_NAME_MAX + 1];

	if (source_outside_origin(file, origin, sizeof(origin))) {
		cJSON_AddStringToObject(item, "source", origin);
		return;
	}
	json_put_string(item, "source", source && source[0] ? source : NULL);
}

/* What holds isn't what lies in the directory. */
static const char *held_word(const struct source_file *file)
{
	const struct license_entry *entry = file->value;

	if (!entry->lic)
		return NULL;
	if (file->gone_ns && !file->forever)
		return "file_gone";
	return entry->reason ? "file_bad" : NULL;
}

/* view and o: NULL for a file of which nothing is in force. */
static cJSON *file_json(const struct source_file *file, const struct license_view *view,
			const struct outlook *o)
{
	const struct license_entry *entry = file->value;
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "file", file->name);
	put_source(item, file);
	json_put_string(item, "held", held_word(file));
	cJSON_AddStringToObject(item, "state", license_state_word(entry->state));
	json_put_string(item, "reason", entry->reason ? licenses_reason_word(entry->reason) : NULL);
	json_put_string(item, "detail",
			entry->reason ? entry->detail.text
			: file->gone_ns && !file->forever
				? file->outside ? "it was deleted: its rights are withdrawn soon"
						: "the file is gone: its rights are withdrawn soon"
			: entry->without_effect.text[0] ? entry->without_effect.text
							: NULL);
	if (view)
		put_claims(item, view, o->goes_on);
	else
		put_nothing(item);
	return item;
}

/* Appends all files, or the one that is asked for. */
static void put_files(cJSON *list, const struct licenses *licenses, const struct source_file *only)
{
	_free_ struct outlook *o = calloc(licenses->n_views + 1, sizeof(*o));
	const struct source *source = &licenses->source;
	size_t i, v = 0;

	if (!o || outlook(licenses->views, licenses->n_views, o))
		return;
	for (i = 0; i < source->n_files; i++) { /* views are in order of their files */
		const struct source_file *file = source->files[i];
		bool in_view = v < licenses->n_views && licenses->view_files[v] == file;

		if (!only || file == only)
			cJSON_AddItemToArray(list,
					     file_json(file, in_view ? &licenses->views[v] : NULL,
						       in_view ? &o[v] : NULL));
		v += in_view;
	}
}

cJSON *license_json(const struct licenses *licenses, const struct source_file *file)
{
	cJSON *list = cJSON_CreateArray(), *item;

	put_files(list, licenses, file);
	item = cJSON_DetachItemFromArray(list, 0);
	cJSON_Delete(list);
	return item;
}

void api_licenses_get(struct agent *agent, struct http_request *request, const char *name)
{
	cJSON *list = cJSON_CreateArray();

	put_files(list, &agent->licenses, NULL);
	reply_json(request, MHD_HTTP_OK, list);
}

/* What comes again by itself. To be asked before it goes. */
static void warn_pulled(cJSON *warnings, const struct licenses *licenses, const char *name_or_lid)
{
	const struct source *source = &licenses->source;
	size_t i;

	for (i = 0; i < source->n_files; i++) {
		const struct source_file *file = source->files[i];

		if (pull_source_length(file) && licenses_means(file, name_or_lid))
			json_warn(warnings,
				  "\"%s\" was pulled: while source \"%.*s\" is configured and "
				  "gives it, the next pull brings it back",
				  file->name, (int)pull_source_length(file), file->name);
	}
}

/* What stays without effect although the file above it is gone now. */
static void warn_without_effect(cJSON *warnings, const struct licenses *licenses, const char *lid)
{
	const struct source *source = &licenses->source;
	size_t i;

	for (i = 0; i < source->n_files; i++) {
		const struct license_entry *entry = source->files[i]->value;

		if (entry->lic && entry->without_effect.text[0] && !strcmp(entry->lic->lid, lid))
			json_warn(warnings, "\"%s\" has no effect: %s", source->files[i]->name,
				  entry->without_effect.text);
	}
}

static void unloaded(void *arg)
{
	struct http_request *request = arg;
	cJSON *warnings = request->arg, *root;

	if (!cJSON_GetArraySize(warnings)) {
		cJSON_Delete(warnings);
		http_reply(request, MHD_HTTP_NO_CONTENT, NULL, NULL);
		return;
	}
	root = cJSON_CreateObject();
	cJSON_AddItemToObject(root, "warnings", warnings);
	reply_json(request, MHD_HTTP_OK, root);
}

/* The line of a file, or what is a line itself; to be freed. */
static char *lid_of(const struct licenses *licenses, const char *name)
{
	const struct source_file *file = source_find(&licenses->source, name);
	const struct license_entry *entry = file ? file->value : NULL;

	return strdup(entry && entry->lic ? entry->lic->lid : name);
}

void api_license_delete(struct agent *agent, struct http_request *request, const char *name)
{
	_free_ char *lid = lid_of(&agent->licenses, name);
	cJSON *warnings = cJSON_CreateArray();
	struct fault f = {0};
	int err;

	warn_pulled(warnings, &agent->licenses, name);
	err = licenses_unload(&agent->licenses, name, clock_now(&agent->clock), &f);
	if (err) {
		cJSON_Delete(warnings);
		reply_error(request,
			    err == -ENOENT  ? MHD_HTTP_NOT_FOUND
			    : err == -EPERM ? MHD_HTTP_CONFLICT
					    : MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "%s", f.text);
		rules_changed(agent); /* some files may have gone */
		return;
	}
	agent->memory.changed = true;
	warn_without_effect(warnings, &agent->licenses, lid ? lid : "");
	request->arg = warnings;
	rules_changed(agent);
	rules_when_applied(agent, unloaded, request);
}
