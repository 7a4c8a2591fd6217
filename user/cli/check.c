/* SPDX-License-Identifier: MIT */
/* check.c - portlic check: does each gate really refuse what no license opens? */
#include <string.h>

#include "client.h"
#include "output.h"
#include "table.h"

static const char *verdict_text(const cJSON *result)
{
	if (cJSON_IsNull(json_get(result, "ok")))
		return "skipped";
	return member_true(result, "ok") ? "ok" : "FAILED";
}

static void check_row(struct table *table, const cJSON *result)
{
	const char *check = member_text(result, "check"), *path = member_text(result, "path");
	char what[64];

	snprintf(what, sizeof(what), "%s%s%s", check ? check : "?", path ? " by " : "",
		 path ? path : "");
	table_row(table, (const char *[]){member_text(result, "gate"), what, verdict_text(result),
					  member_text(result, "text")});
}

int cmd_check(const struct args *args, struct failure *why)
{
	static const char *const columns[] = {"GATE", "CHECK", "RESULT", "WHAT WAS SEEN"};
	_table_ struct table table = {.columns = columns, .n_columns = ARRAY_SIZE(columns)};
	const char *gate = option_text(args, OPT_GATE);
	_free_ char *path = gate ? client_path("/v1/check?gate=", gate) : strdup("/v1/check");
	_reply_ struct reply reply = {};
	const cJSON *result;
	int r;

	if (!path)
		return fail(why, EXIT_USAGE, "out of memory");
	r = client_call(args, "POST", path, NULL, 0, &reply, why);
	if (r)
		return r;
	if (args->json) {
		puts(reply.text);
	} else {
		cJSON_ArrayForEach (result, json_get(reply.json, "results"))
			check_row(&table, result);
		if (table_print(&table, stdout))
			return fail(why, EXIT_USAGE, "out of memory");
	}
	return member_true(reply.json, "ok") ? EXIT_DONE : EXIT_REFUSED;
}
