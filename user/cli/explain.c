/* SPDX-License-Identifier: MIT */
/* explain.c - portlic explain: what a gate would say to a connection, and why. */
#include <string.h>
#include <time.h>

#include "client.h"
#include "output.h"
#include "when.h"

/* "/v1/explain?gate=...&port=...", each part percent-encoded. */
static char *explain_path(const struct args *args)
{
	const struct {
		const char *prefix, *value;
	} parts[] = {
		{"/v1/explain?gate=", args->operands[0]},
		{"&port=", args->operands[1]},
		{"&from=", option_text(args, OPT_FROM)},
		{"&origin=", option_text(args, OPT_ORIGIN)},
		{"&at=", option_text(args, OPT_AT)},
	};
	_free_ char *path = strdup("");

	for (size_t i = 0; path && i < ARRAY_SIZE(parts); i++) {
		_free_ char *part = NULL;
		char *longer = NULL;

		if (!parts[i].value)
			continue;
		part = client_path(parts[i].prefix, parts[i].value);
		if (!part || asprintf(&longer, "%s%s", path, part) < 0)
			return NULL;
		free(path);
		path = longer;
	}
	return TAKE_PTR(path);
}

static void print_explained(const cJSON *said)
{
	const char *verdict = member_text(said, "verdict"), *reason = member_text(said, "reason");
	const char *origin = member_text(said, "origin"), *hook = member_text(said, "hook");
	char line[256], relative[WHEN_LEN];
	int64_t t;

	snprintf(line, sizeof(line), "%s%s%s%s%s", verdict ? verdict : "?", reason ? ": " : "",
		 reason ? reason : "", hook ? ", by " : "", hook ? hook : "");
	print_field("verdict", line);
	snprintf(line, sizeof(line), "%.45s%s%s", member_text(said, "from") ?: "?",
		 origin ? ", as " : "", origin ? origin : "");
	print_field("from", line);
	print_field("at", member_text(said, "at"));
	print_field("rule", member_text(said, "rule"));
	print_field("license", member_text(said, "lid"));
	line[0] = '\0';
	if (!when_parse(member_text(said, "deadline"), &t))
		snprintf(line, sizeof(line), "%s, %s", member_text(said, "deadline"),
			 when_relative(t, time(NULL), relative));
	print_field("deadline", line);
	print_field("remedy", member_text(said, "remedy"));
}

int cmd_explain(const struct args *args, struct failure *why)
{
	_free_ char *path = explain_path(args);
	_reply_ struct reply reply = {};
	const char *verdict;
	int r;

	if (!path)
		return fail(why, EXIT_USAGE, "out of memory");
	r = client_get(args, path, false, &reply, why);
	if (r)
		return r;
	if (args->json)
		r = print_json(reply.json, why);
	else
		print_explained(reply.json);
	verdict = member_text(reply.json, "verdict");
	return r ? r : verdict && !strcmp(verdict, "denied") ? EXIT_DENIED : EXIT_DONE;
}
