/* SPDX-License-Identifier: MIT */
/* check.c - portlic check: does each gate really refuse what no license opens? */
#include <string.h>

#include "client.h"
#include "output.h"
#include "table.h"

static void check_row(struct table *table, const cJSON *result)
{
	table_row(table, (const char *[]){member_text(result, "gate"), member_text(result, "check"),
					  member_true(result, "ok") ? "ok" : "FAILED",
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
