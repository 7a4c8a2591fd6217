/* SPDX-License-Identifier: MIT */
/* policy_apply.c - portlic policy diff, apply: the same question, one of them in earnest. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "files.h"
#include "output.h"
#include "policy.h"
#include "port_text.h"
#include "table.h"

/* The agent keeps policies as *.json: a file of another name gets .json put behind it. */
static char *request_path(const struct args *args, const char *file, bool dry)
{
	const char *name = file_name(file);
	size_t len = strlen(name), tail = strlen(".json");
	bool fits = len > tail && !strcmp(name + len - tail, ".json");
	_free_ char *path = client_path("/v1/policies?file=", name);
	char *whole = NULL, confirm[40] = "";

	if (option_text(args, OPT_CONFIRM))
		snprintf(confirm, sizeof(confirm), "&confirm=%" PRId64,
			 args->options[OPT_CONFIRM].number);
	if (!path || asprintf(&whole, "%s%s%s%s", path, fits ? "" : ".json", dry ? "&dry=1" : "",
			      confirm) < 0)
		return NULL;
	return whole;
}

static const char *pair_text(const cJSON *gate, const char *name, const char *side)
{
	const char *text = member_text(json_get(gate, name), side);

	return text ? text : "none";
}

/* "gate web: mode enforce -> audit", where it changes */
static void print_pair(const cJSON *gate, const char *name)
{
	const char *before = pair_text(gate, name, "before"),
		   *after = pair_text(gate, name, "after");
	_free_ char *from = printable(before), *to = printable(after);
	_free_ char *shown = printable(member_text(gate, "gate") ? member_text(gate, "gate") : "?");

	if (strcmp(before, after) != 0)
		printf("gate %s: %s %s -> %s\n", shown ? shown : "?", name, from ? from : "?",
		       to ? to : "?");
}

/* "licensed", and what else of it is another on the other side: "licensed (audit, drop)" */
static void condition_text(const cJSON *of, const cJSON *other, char *out, size_t size)
{
	static const char *const names[] = {"mode", "deny", "lid"};
	const char *state = member_text(of, "state");
	size_t at = (size_t)snprintf(out, size, "%.32s", state ? state : "?"), first = at;

	for (size_t i = 0; i < ARRAY_SIZE(names) && at < size; i++) {
		const char *mine = member_text(of, names[i]), *its = member_text(other, names[i]);

		if (mine && (!its || strcmp(mine, its) != 0))
			at += (size_t)snprintf(out + at, size - at, "%s%.128s",
					       at == first ? " (" : ", ", mine);
	}
	if (at > first && at < size - 1)
		strcpy(out + at, ")");
}

static void port_row(struct table *table, const cJSON *gate, const cJSON *port)
{
	const cJSON *before = json_get(port, "before"), *after = json_get(port, "after");
	char from[320], to[320], use[64], name[PORT_TEXT_LEN];

	condition_text(before, after, from, sizeof(from));
	condition_text(after, before, to, sizeof(to));
	port_use_text(port, use, sizeof(use));
	table_row(table, (const char *[]){member_text(gate, "gate"), port_text(port, name),
					  member_text(port, "protocol"), from, to,
					  member_text(port, "effect"), use});
}

static int print_changes(const cJSON *answer, struct failure *why)
{
	static const char *const columns[] = {"GATE",  "PORT",	 "PROTO", "BEFORE",
					      "AFTER", "EFFECT", "IN USE"};
	_table_ struct table table = {.columns = columns, .n_columns = ARRAY_SIZE(columns)};
	const cJSON *changes = json_get(answer, "changes"), *gate, *port;

	cJSON_ArrayForEach (gate, changes) {
		print_pair(gate, "policy");
		print_pair(gate, "mode");
		print_pair(gate, "deny");
		cJSON_ArrayForEach (port, json_get(gate, "ports"))
			port_row(&table, gate, port);
	}
	if (!cJSON_GetArraySize(changes))
		puts("no gate changes");
	if (table.n_rows && table_print(&table, stdout))
		return fail(why, EXIT_USAGE, "out of memory");
	return 0;
}

static void print_applied(const cJSON *answer)
{
	const char *name = member_text(answer, "name"), *file = member_text(answer, "file");
	const char *by = member_text(answer, "confirm_by");
	_free_ char *policy = printable(name ? name : "?"), *kept = printable(file ? file : "?");

	if (by)
		printf("policy %s: on trial as %s until %s; `portlic policy confirm` keeps it\n",
		       policy ? policy : "?", kept ? kept : "?", by);
	else
		printf("policy %s: in force as %s\n", policy ? policy : "?", kept ? kept : "?");
}

static int submit(const struct args *args, bool dry, struct failure *why)
{
	const char *file = args->operands[0];
	_free_ char *path = request_path(args, file, dry);
	_buffer_ struct buffer policy = {};
	_reply_ struct reply reply = {};
	const cJSON *item;
	int r;

	if (!strcmp(file, "-"))
		return fail(why, EXIT_USAGE,
			    "`policy %s` needs a file with a name: the agent keeps it under it",
			    args->command->verb);
	r = file_read(file, POLICY_MAX_BYTES, &policy, why);
	if (r)
		return r;
	if (!path)
		return fail(why, EXIT_USAGE, "out of memory");
	if (policy.len > POLICY_MAX_BYTES)
		return fail(why, EXIT_REFUSED, "\"%s\" is bigger than a policy may be (%d bytes)",
			    file, POLICY_MAX_BYTES);
	r = client_call(args, "POST", path, policy.bytes, policy.len, &reply, why);
	if (r)
		return r;
	if (args->json) {
		puts(reply.text);
		return 0;
	}
	if (!dry)
		print_applied(reply.json);
	r = print_changes(reply.json, why);
	cJSON_ArrayForEach (item, json_get(reply.json, "warnings")) {
		const char *text = cJSON_GetStringValue(item);

		warning("\"%s\": %s", file, text ? text : "?");
	}
	return r;
}

int cmd_policy_diff(const struct args *args, struct failure *why)
{
	return submit(args, true, why);
}

int cmd_policy_apply(const struct args *args, struct failure *why)
{
	return submit(args, false, why);
}
