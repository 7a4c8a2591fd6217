/* SPDX-License-Identifier: MIT */
/* license_load.c - portlic license load, unload. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "files.h"
#include "license_text.h"
#include "output.h"
#include "when.h"

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && !strcmp(text + len - n, end);
}

/* The agent keeps licenses as *.lic: a file of another name gets .lic put behind it. */
static char *request_path(const struct args *args, const char *file)
{
	const char *name = file_name(file);
	_free_ char *path = client_path("/v1/licenses?file=", name);
	char *whole = NULL, confirm[40] = "";

	if (option_text(args, OPT_CONFIRM))
		snprintf(confirm, sizeof(confirm), "&confirm=%" PRId64,
			 args->options[OPT_CONFIRM].number);
	if (!path ||
	    asprintf(&whole, "%s%s%s", path, ends_with(name, ".lic") ? "" : ".lic", confirm) < 0)
		return NULL;
	return whole;
}

static void print_loaded(const cJSON *license, const char *file)
{
	_free_ char *ports = license_ports_text(json_get(license, "ports"), 8);
	const char *lid = member_text(license, "lid"), *state = member_text(license, "state");
	const char *deadline = member_text(license, "deadline");
	const char *by = member_text(license, "confirm_by");
	_free_ char *line = NULL, *shown = NULL;
	char relative[WHEN_LEN] = "";
	int64_t t;

	if (!when_parse(deadline, &t))
		when_relative(t, time(NULL), relative);
	if (by && asprintf(&line,
			   "license %s: lid %s, on trial until %s; `portlic policy confirm` "
			   "keeps it",
			   file, lid ? lid : "?", by) < 0)
		line = NULL;
	if (!by &&
	    asprintf(&line, "license %s: %s%s%s%s%s%s%s%s%s%s", file, state ? state : "loaded",
		     lid ? ", lid " : "", lid ? lid : "", ports && *ports ? ", ports " : "",
		     ports ? ports : "", deadline ? ", until " : "", deadline ? deadline : "",
		     *relative ? " (" : "", relative, *relative ? ")" : "") < 0)
		line = NULL;
	shown = line ? printable(line) : NULL;
	puts(shown ? shown : "loaded");
}

static int read_token(const char *file, struct buffer *token, struct failure *why)
{
	int r;

	if (!strcmp(file, "-"))
		return fail(why, EXIT_USAGE,
			    "`license load` needs a file with a name: the agent keeps it under it");
	if (ends_with(file, ".rl"))
		return fail(why, EXIT_USAGE,
			    "\"%s\" is a revocation list: put it into the agent's license_dir, "
			    "which is watched",
			    file);
	r = file_read(file, LICENSE_MAX_BYTES, token, why);
	if (!r && token->len > LICENSE_MAX_BYTES)
		return fail(why, EXIT_REFUSED, "\"%s\" is bigger than a license may be (%d bytes)",
			    file, LICENSE_MAX_BYTES);
	return r;
}

static int load(const struct args *args, const char *file, struct failure *why)
{
	_buffer_ struct buffer token = {};
	_reply_ struct reply reply = {};
	_free_ char *path = request_path(args, file);
	const cJSON *item;
	int r = read_token(file, &token, why);

	if (r)
		return r;
	if (!path)
		return fail(why, EXIT_USAGE, "out of memory");
	r = client_call(args, "POST", path, token.bytes, token.len, &reply, why);
	if (r)
		return r;
	if (args->json) {
		puts(reply.text);
		return 0;
	}
	print_loaded(reply.json, file_name(file));
	cJSON_ArrayForEach (item, json_get(reply.json, "warnings")) {
		const char *text = cJSON_GetStringValue(item);

		warning("\"%s\": %s", file, text ? text : "?");
	}
	return 0;
}

int cmd_license_load(const struct args *args, struct failure *why)
{
	int worst = 0;

	if (option_text(args, OPT_CONFIRM) && args->n_operands > 1)
		return fail(why, EXIT_USAGE, "--confirm takes one file: one change is on trial");
	for (size_t i = 0; i < args->n_operands; i++) {
		const char *file = args->operands[i];
		int r = load(args, file, why);

		if (r)
			print_failure(args->json, why);
		*why = (struct failure){};
		if (r > worst)
			worst = r;
		if (r == EXIT_NO_AGENT)
			break;
	}
	return worst;
}

int cmd_license_unload(const struct args *args, struct failure *why)
{
	const char *what = args->operands[0];
	bool path_of_file = ends_with(what, ".lic") || ends_with(what, ".rl");
	_reply_ struct reply reply = {};
	const cJSON *item;
	int r = client_delete(args, "/v1/licenses/", path_of_file ? file_name(what) : what, &reply,
			      why);

	if (r)
		return r;
	cJSON_ArrayForEach (item, json_get(reply.json, "warnings")) {
		const char *text = cJSON_GetStringValue(item);

		warning("%s", text ? text : "?");
	}
	return print_done(args, "license", what, "unloaded", why);
}
