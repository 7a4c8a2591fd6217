/* SPDX-License-Identifier: MIT */
/* license_verify.c - portlic license verify: judges files as a node would, several together. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bind.h"
#include "files.h"
#include "license_text.h"
#include "lifecycle.h"
#include "output.h"
#include "revocation.h"
#include "trust_store.h"
#include "when.h"

/* Exit status of each state; with several files REJECTED outranks all, else the largest counts. */
static const int exit_of[STATE_COUNT] = {
	[STATE_ACTIVE] = 0, [STATE_REJECTED] = 1, [STATE_PENDING] = 3,	  [STATE_GRACE] = 4,
	[STATE_LAPSED] = 5, [STATE_STALE] = 8,	  [STATE_SUPERSEDED] = 6, [STATE_REVOKED] = 7,
};

struct judged {
	const char *file;
	struct license *lic; /* NULL: rejected, because of why */
	struct rejection why;
	struct license_view *view;
};

struct verification {
	struct license_check check;
	struct identity identity;
	struct trust *trust;
	struct revocations *revocations;
	struct judged *files;
	struct license_view *views;
	size_t n;
};

static void verification_free(struct verification *v)
{
	for (size_t i = 0; i < v->n; i++)
		license_free(v->files[i].lic);
	free(v->files);
	free(v->views);
	revocations_free(v->revocations);
	trust_free(v->trust);
	identity_free(&v->identity);
}

static int add_revocations(struct verification *v, const char *file, struct failure *why)
{
	_buffer_ struct buffer text = {};
	struct rejection rejection = {};
	int r = file_read(file, REVOCATION_MAX_BYTES, &text, why);

	if (r)
		return r;
	if (revocations_add(v->revocations, &v->check, text.bytes, text.len, &rejection))
		return fail(why, EXIT_USAGE, "revocation list \"%s\" is rejected: %s: %s", file,
			    license_reason_word(rejection.reason), rejection.detail);
	return 0;
}

static int set_up(const struct args *args, struct verification *v, struct failure *why)
{
	const char *list = option_text(args, OPT_REVOCATIONS);
	int r = identity_parse(option_text(args, OPT_BIND), &v->identity, why);

	if (!r)
		r = trust_store_load(option_text(args, OPT_TRUST), &v->trust, why);
	if (r)
		return r;
	v->files = calloc(args->n_operands, sizeof(*v->files));
	v->views = calloc(args->n_operands, sizeof(*v->views));
	if (!v->files || !v->views || revocations_new(&v->revocations))
		return fail(why, EXIT_USAGE, "out of memory");
	v->check = (struct license_check){
		.trust = v->trust,
		.audience = option_text(args, OPT_AUDIENCE),
		.bind_cluster = v->identity.cluster,
		.bind_node = v->identity.node,
		.skip_bind = v->identity.skip,
		.now = option_text(args, OPT_NOW) ? args->options[OPT_NOW].number : time(NULL),
	};
	return list ? add_revocations(v, list, why) : 0;
}

static int read_license(struct verification *v, const char *file, struct failure *why)
{
	struct judged *judged = &v->files[v->n];
	_buffer_ struct buffer text = {};
	int r = file_read(file, LICENSE_MAX_BYTES, &text, why);

	if (r)
		return r;
	judged->file = file;
	v->n++;
	r = license_read(&v->check, text.bytes, text.len, &judged->lic, &judged->why);
	if (r && judged->why.reason == LICENSE_OK)
		return fail(why, EXIT_USAGE, "out of memory");
	return 0;
}

static void judge(struct verification *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (!v->files[i].lic)
			continue;
		v->views[n].lic = v->files[i].lic;
		v->files[i].view = &v->views[n++];
	}
	lifecycle_judge(v->views, n, v->revocations, v->check.now);
}

static void add_text(cJSON *object, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(object, name, text);
	else
		cJSON_AddNullToObject(object, name);
}

/* A time that is never, or beyond year 9999, is null. */
static void add_time(cJSON *object, const char *name, int64_t t)
{
	char text[WHEN_LEN];

	add_text(object, name, when_text(t, text));
}

static cJSON *judged_json(const struct judged *judged)
{
	static const char *const claims[] = {"lid", "seq",   "plan",	 "nbf",
					     "exp", "grace", "deadline", "ports"};
	cJSON *object = cJSON_CreateObject();
	const struct license *lic = judged->lic;
	char seq[24];

	cJSON_AddStringToObject(object, "file", judged->file);
	if (!lic) {
		cJSON_AddStringToObject(object, "state", license_state_upper(STATE_REJECTED));
		cJSON_AddStringToObject(object, "reason", license_reason_word(judged->why.reason));
		for (size_t i = 0; i < ARRAY_SIZE(claims); i++)
			cJSON_AddNullToObject(object, claims[i]);
		return object;
	}
	cJSON_AddStringToObject(object, "state", license_state_upper(judged->view->state));
	cJSON_AddNullToObject(object, "reason");
	cJSON_AddStringToObject(object, "lid", lic->lid);
	snprintf(seq, sizeof(seq), "%" PRId64, lic->seq); /* a double prints 15 digits of it */
	cJSON_AddRawToObject(object, "seq", seq);
	add_text(object, "plan", lic->plan);
	add_time(object, "nbf", lic->nbf);
	add_time(object, "exp", lic->exp);
	cJSON_AddNumberToObject(object, "grace", (double)lic->grace_s);
	add_time(object, "deadline", judged->view->deadlines.new_until);
	cJSON_AddItemToObject(object, "ports", license_ports_json(lic));
	return object;
}

static void write_line(FILE *out, const struct judged *judged, int64_t now)
{
	char from[WHEN_LEN], until[WHEN_LEN], grace[WHEN_LEN], relative[WHEN_LEN];
	const struct license *lic = judged->lic;
	_json_ cJSON *list = lic ? license_ports_json(lic) : NULL;
	_free_ char *ports = license_ports_text(list, 8);
	int64_t deadline = lic ? judged->view->deadlines.new_until : 0;

	if (!lic) {
		fprintf(out, "%s: REJECTED %s: %s%s", judged->file,
			license_reason_word(judged->why.reason), judged->why.detail,
			judged->why.reason == LICENSE_WRONG_BINDING
				? " (--bind says for which node to judge)"
				: "");
		return;
	}
	fprintf(out, "%s: %s, lid %s, seq %" PRId64 "%s%s, %s to %s", judged->file,
		license_state_upper(judged->view->state), lic->lid, lic->seq,
		lic->plan ? ", plan " : "", lic->plan ? lic->plan : "", when_text(lic->nbf, from),
		when_text(lic->exp, until));
	if (lic->grace_s)
		fprintf(out, " + %s grace", when_span(lic->grace_s, grace));
	fprintf(out, ", ports %s", ports && *ports ? ports : "none");
	if (deadline != LIFECYCLE_NEVER)
		fprintf(out, ", %s %s", deadline > now ? "ends" : "ended",
			when_relative(deadline, now, relative));
	if (judged->view->warn)
		fprintf(out, ": RENEW SOON");
	if (judged->view->equivocation)
		fprintf(out, "; EQUIVOCATION: another file has the same lid and seq, other bytes");
}

static int print_judged(const struct args *args, const struct judged *judged, int64_t now,
			struct failure *why)
{
	_json_ cJSON *object = args->json ? judged_json(judged) : NULL;
	_free_ char *line = NULL, *shown = NULL;
	size_t size;
	FILE *out;

	if (args->json)
		return print_json_line(object, why);
	out = open_memstream(&line, &size);
	if (!out)
		return fail(why, EXIT_USAGE, "out of memory");
	write_line(out, judged, now);
	if (fclose(out) || !(shown = printable(line)))
		return fail(why, EXIT_USAGE, "out of memory");
	puts(shown);
	return 0;
}

int cmd_license_verify(const struct args *args, struct failure *why)
{
	_cleanup_(verification_free) struct verification v = {};
	bool rejected = false;
	int worst = 0;
	int r = set_up(args, &v, why);

	/* All are read before one is judged: a file that can't be read might supersede the others. */
	for (size_t i = 0; i < args->n_operands && !r; i++)
		r = read_license(&v, args->operands[i], why);
	if (r)
		return r;
	judge(&v);
	for (size_t i = 0; i < v.n && !r; i++) {
		int code = exit_of[v.files[i].lic ? v.files[i].view->state : STATE_REJECTED];

		rejected |= !v.files[i].lic;
		worst = code > worst ? code : worst;
		r = print_judged(args, &v.files[i], v.check.now, why);
	}
	return r ? r : rejected ? EXIT_REFUSED : worst;
}
