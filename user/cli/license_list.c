/* SPDX-License-Identifier: MIT */
/* license_list.c - portlic license list: what the node holds, and what ends when. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "license_text.h"
#include "output.h"
#include "table.h"
#include "when.h"

/* Rejected files last, the others by their end, those without one behind the rest. */
static int by_end(const void *a, const void *b)
{
	const cJSON *x = *(const cJSON *const *)a, *y = *(const cJSON *const *)b;
	bool x_bad = member_text(x, "reason"), y_bad = member_text(y, "reason");
	int64_t x_end = INT64_MAX, y_end = INT64_MAX;

	if (x_bad != y_bad)
		return x_bad - y_bad;
	when_parse(member_text(x, "deadline"), &x_end);
	when_parse(member_text(y, "deadline"), &y_end);
	return (x_end > y_end) - (x_end < y_end);
}

static char *note_of(const cJSON *license)
{
	const char *reason = member_text(license, "reason"),
		   *detail = member_text(license, "detail"),
		   *source = member_text(license, "source");
	char *note = NULL;
	int r;

	if (reason && *reason)
		r = asprintf(&note, "%s%s%s", reason, detail && *detail ? ": " : "",
			     detail ? detail : "");
	else
		r = asprintf(&note, "%s%s%s%s", member_true(license, "warn") ? "ends soon" : "",
			     member_true(license, "warn") && source ? ", " : "",
			     source ? "pulled from " : "", source ? source : "");
	return r < 0 ? NULL : note;
}

static void license_row(struct table *table, const cJSON *license)
{
	_free_ char *ports = license_ports_text(json_get(license, "ports"), 4);
	_free_ char *note = note_of(license);
	const char *deadline = member_text(license, "deadline");
	char relative[WHEN_LEN] = "";
	int64_t t;

	if (!when_parse(deadline, &t))
		when_relative(t, time(NULL), relative);
	table_row(table,
		  (const char *[]){member_text(license, "state"), member_text(license, "lid"),
				   member_text(license, "plan"), ports, relative, deadline,
				   member_text(license, "file"), note});
}

int cmd_license_list(const struct args *args, struct failure *why)
{
	static const char *const columns[] = {"STATE", "LID",	"PLAN", "PORTS",
					      "ENDS",  "UNTIL", "FILE", "NOTE"};
	_table_ struct table table = {.columns = columns, .n_columns = ARRAY_SIZE(columns)};
	_free_ const cJSON **sorted = NULL;
	_reply_ struct reply reply = {};
	const cJSON *license;
	size_t n = 0;
	int r = client_get(args, "/v1/licenses", true, &reply, why);

	if (r)
		return r;
	if (args->json) {
		puts(reply.text);
		return 0;
	}
	sorted = calloc((size_t)cJSON_GetArraySize(reply.json) + 1, sizeof(*sorted));
	if (!sorted)
		return fail(why, EXIT_USAGE, "out of memory");
	cJSON_ArrayForEach (license, reply.json)
		sorted[n++] = license;
	qsort(sorted, n, sizeof(*sorted), by_end);
	for (size_t i = 0; i < n; i++)
		license_row(&table, sorted[i]);
	if (table_print(&table, stdout))
		return fail(why, EXIT_USAGE, "out of memory");
	return 0;
}
