/* SPDX-License-Identifier: MIT */
/* license_end.c - puts licenses in order of their ends and tells the next one. */
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "license.h"
#include "license_end.h"
#include "output.h"
#include "when.h"

static const char *text_or(const cJSON *license, const char *name, const char *fallback)
{
	const char *text = member_text(license, name);

	return text && *text ? text : fallback;
}

static bool is_in(const cJSON *license, const char *state)
{
	return !strcmp(text_or(license, "state", ""), state);
}

static enum license_rank rank_of(const cJSON *license)
{
	if (is_in(license, "active") || is_in(license, "grace") || is_in(license, "stale") ||
	    is_in(license, "pending"))
		return RANK_ALIVE;
	if (is_in(license, "superseded"))
		return RANK_SUPERSEDED;
	return is_in(license, "rejected") ? RANK_REJECTED : RANK_ENDED;
}

static int64_t time_of(const cJSON *license, const char *name)
{
	int64_t t;

	return when_parse(member_text(license, name), &t) ? INT64_MAX : t;
}

struct license_end license_end_of(const cJSON *license)
{
	int64_t exp = time_of(license, "exp"), deadline = time_of(license, "deadline");
	struct license_end end = {
		.license = license,
		.rank = rank_of(license),
		.ends = deadline < exp ? deadline : exp,
		.deadline = deadline,
	};

	end.next = is_in(license, "active") || is_in(license, "pending") ? end.ends : deadline;
	return end;
}

int license_end_order(const void *a, const void *b)
{
	const struct license_end *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->next > y->next) - (x->next < y->next);
}

/* What is wrong with the file itself. */
static void put_source(FILE *out, const cJSON *license)
{
	const char *reason = member_text(license, "reason"),
		   *detail = member_text(license, "detail");

	if (is_in(license, "rejected") || !strcmp(text_or(license, "held", ""), "file_bad"))
		fprintf(out, "%s%s%s%s; ",
			is_in(license, "rejected") ? "" : "last good copy, its file is ",
			reason ? reason : "?", detail && *detail ? ": " : "", detail ? detail : "");
	else if (!strcmp(text_or(license, "held", ""), "file_gone"))
		fputs("held: its file is gone and it is withdrawn soon; ", out);
	else if (member_text(license, "source"))
		fprintf(out, "%s %s; ",
			strchr(member_text(license, "source"), '/') ? "from" : "pulled from",
			member_text(license, "source"));
}

static void put_state(FILE *out, const cJSON *license, int64_t now)
{
	int64_t begins = time_of(license, "nbf"), cut = time_of(license, "cut_at");
	char span[WHEN_LEN];

	if (is_in(license, "pending") && begins != INT64_MAX)
		fprintf(out, "begins %s; ", when_relative(begins, now, span));
	if (is_in(license, "stale"))
		fputs("its vendor's revocation list is too old; ", out);
	if (is_in(license, "superseded"))
		fputs("replaced by a higher seq; ", out);
	if (member_true(license, "covered"))
		fputs("others go on with all of it; ", out);
	else if (member_true(license, "warn"))
		fputs("ends soon; ", out);
	if (rank_of(license) == RANK_ENDED && cut != INT64_MAX && cut > now)
		fprintf(out, "what is left is cut %s; ", when_relative(cut, now, span));
}

char *license_end_note(const struct license_end *end, int64_t now)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	put_source(out, end->license);
	put_state(out, end->license, now);
	if (fclose(out))
		return NULL;
	if (len)
		text[len - 2] = '\0';
	return text;
}

static void put_then(FILE *out, const cJSON *license)
{
	const char *lapse = text_or(license, "lapse", "?");

	fprintf(out, ", then %s: ", lapse);
	if (!strcmp(lapse, "report"))
		fputs("its ports are let through and counted", out);
	else if (!strcmp(lapse, "block"))
		fputs("connections are refused, established ones cut at once", out);
	else
		fprintf(out, "new connections are refused, established ones cut %d s later",
			LICENSE_DRAIN_S);
}

static void put_next(FILE *out, const struct license_end *end, int64_t now)
{
	const char *lid = text_or(end->license, "lid", "?");
	char span[WHEN_LEN], ended[WHEN_LEN], at[WHEN_LEN], until[WHEN_LEN];

	when_relative(end->next, now, span);
	when_text(end->next, at);
	if (is_in(end->license, "grace") && when_text(end->ends, ended))
		fprintf(out, "next: %s HAS ENDED (%s), its grace ends %s (%s)", lid, ended, span,
			at);
	else if (is_in(end->license, "stale"))
		fprintf(out, "next: the revocation list of %s is too old, its rights end %s (%s)",
			lid, span, at);
	else
		fprintf(out, "next: %s ends %s (%s)", lid, span, at);
	if (end->deadline > end->next && end->deadline != INT64_MAX &&
	    when_text(end->deadline, until))
		fprintf(out, ", then grace until %s", until);
	put_then(out, end->license);
}

char *license_end_summary(const struct license_end *ends, size_t n, int64_t now)
{
	size_t i, n_alive = 0, n_covered = 0, len = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (i = 0; i < n; i++) {
		bool alive = ends[i].rank == RANK_ALIVE && !is_in(ends[i].license, "pending");

		n_alive += alive;
		n_covered += alive && member_true(ends[i].license, "covered");
		if (alive && ends[i].next != INT64_MAX && !member_true(ends[i].license, "covered"))
			break;
	}
	if (i < n)
		put_next(out, &ends[i], now);
	else if (n_covered)
		fputs("next: nothing is lost, for others go on with what ends", out);
	else
		fputs(n_alive ? "next: nothing ends" : "next: no license is in force", out);
	return fclose(out) ? NULL : text;
}
