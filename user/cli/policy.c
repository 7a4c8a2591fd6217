/* SPDX-License-Identifier: MIT */
/* policy.c - portlic policy list, del. */
#include <stdlib.h>

#include "client.h"
#include "files.h"
#include "output.h"
#include "table.h"

/* "web, db"; NULL: none, or out of memory */
static char *names_text(const cJSON *names)
{
	char *text = NULL;
	const cJSON *name;

	cJSON_ArrayForEach (name, names) {
		const char *word = cJSON_GetStringValue(name);
		char *longer = NULL;

		if (asprintf(&longer, "%s%s%s", text ? text : "", text ? ", " : "",
			     word ? word : "?") < 0)
			longer = NULL;
		free(text);
		text = longer;
	}
	return text;
}

static void policy_row(struct table *table, const cJSON *policy)
{
	_free_ char *matched = names_text(json_get(policy, "gates"));
	_free_ char *in_force = names_text(json_get(policy, "in_force"));

	table_row(table, (const char *[]){member_text(policy, "file"), member_text(policy, "name"),
					  member_text(policy, "state"), member_text(policy, "mode"),
					  matched, in_force, member_text(policy, "detail")});
}

int cmd_policy_list(const struct args *args, struct failure *why)
{
	static const char *const columns[] = {"FILE",	 "POLICY",    "STATE", "MODE",
					      "MATCHES", "HOLDS FOR", "NOTE"};
	_table_ struct table table = {.columns = columns, .n_columns = ARRAY_SIZE(columns)};
	_reply_ struct reply reply = {};
	const cJSON *policy;
	int r = client_get(args, "/v1/policies", true, &reply, why);

	if (r)
		return r;
	if (args->json) {
		puts(reply.text);
		return 0;
	}
	cJSON_ArrayForEach (policy, reply.json)
		policy_row(&table, policy);
	if (table_print(&table, stdout))
		return fail(why, EXIT_USAGE, "out of memory");
	return 0;
}

int cmd_policy_del(const struct args *args, struct failure *why)
{
	const char *name = file_name(args->operands[0]);
	_reply_ struct reply reply = {};
	int r = client_delete(args, "/v1/policies/", name, &reply, why);

	return r ? r : print_done(args, "policy", name, "deleted", why);
}
