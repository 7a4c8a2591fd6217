/* SPDX-License-Identifier: MIT */
/* license_list.c - portlic license list: what the node holds, and what ends when. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client.h"
#include "license_end.h"
#include "license_text.h"
#include "output.h"
#include "table.h"
#include "when.h"

/* "2026-12-07T00:00:00Z in 12d"; "" for no end. */
static const char *end_text(int64_t t, int64_t now, char out[2 * WHEN_LEN])
{
	char at[WHEN_LEN], span[WHEN_LEN];

	out[0] = '\0';
	if (t != INT64_MAX && when_text(t, at))
		snprintf(out, 2 * WHEN_LEN, "%s %s", at, when_relative(t, now, span));
	return out;
}

static void license_row(struct table *table, const struct license_end *end, int64_t now)
{
	const cJSON *license = end->license;
	const char *state = member_text(license, "state");
	_free_ char *ports = license_ports_text(json_get(license, "ports"), 4);
	_free_ char *note = license_end_note(end, now);
	char ends[2 * WHEN_LEN], grace[WHEN_LEN] = "", seq[24] = "", loud[32];

	if (json_get(license, "seq") && cJSON_IsNumber(json_get(license, "seq")))
		snprintf(seq, sizeof(seq), "%.0f", member_number(license, "seq"));
	if (end->deadline != INT64_MAX && end->deadline > end->ends)
		when_text(end->deadline, grace);
	snprintf(loud, sizeof(loud), "%s%s", state ? state : "?",
		 member_true(license, "warn") ? "!" : "");
	table_row(table,
		  (const char *[]){loud, member_text(license, "lid"), seq,
				   member_text(license, "plan"), end_text(end->ends, now, ends),
				   grace, member_text(license, "lapse"), ports,
				   member_text(license, "file"), note});
}

static int print_table(const struct license_end *ends, size_t n, int64_t now)
{
	static const char *const columns[] = {"STATE",	     "LID",  "SEQ",   "PLAN", "ENDS",
					      "GRACE UNTIL", "THEN", "PORTS", "FILE", "NOTE"};
	_table_ struct table table = {.columns = columns, .n_columns = ARRAY_SIZE(columns)};
	_free_ char *summary = NULL, *line = NULL;

	for (size_t i = 0; i < n; i++)
		license_row(&table, &ends[i], now);
	if (table_print(&table, stdout))
		return -1;
	summary = license_end_summary(ends, n, now);
	line = summary ? printable(summary) : NULL;
	return line && puts(line) != EOF ? 0 : -1;
}

/* Ends are of effective time, which the machine's own clock may be far from. */
static int64_t agent_now(const struct args *args)
{
	struct failure unheard = {};
	_reply_ struct reply reply = {};
	int64_t now;

	if (client_get(args, "/v1/status", false, &reply, &unheard) ||
	    when_parse(member_text(json_get(reply.json, "clock"), "effective"), &now))
		return time(NULL);
	return now;
}

int cmd_license_list(const struct args *args, struct failure *why)
{
	_free_ struct license_end *ends = NULL;
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
	ends = calloc((size_t)cJSON_GetArraySize(reply.json) + 1, sizeof(*ends));
	if (!ends)
		return fail(why, EXIT_USAGE, "out of memory");
	cJSON_ArrayForEach (license, reply.json)
		ends[n++] = license_end_of(license);
	qsort(ends, n, sizeof(*ends), license_end_order);
	if (print_table(ends, n, agent_now(args)))
		return fail(why, EXIT_USAGE, "out of memory");
	return 0;
}
