/* SPDX-License-Identifier: MIT */
/* rehearse.c - portlic rehearse: what would close, what would drain, who is connected there. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "files.h"
#include "license.h"
#include "output.h"
#include "refusal.h"

/* The agent keeps licenses as *.lic; the same name is what the file would replace there. */
static int add_file_name(cJSON *body, const char *file, struct failure *why)
{
	const char *name = file_name(file);
	size_t len = strlen(name), tail = strlen(".lic");
	bool fits = len > tail && !strcmp(name + len - tail, ".lic");
	_free_ char *whole = NULL;

	if (asprintf(&whole, "%s%s", name, fits ? "" : ".lic") < 0)
		return fail(why, EXIT_USAGE, "out of memory");
	cJSON_AddStringToObject(body, "file", whole);
	return 0;
}

/* A token travels as a string: bytes that are no token are refused here, in the agent's words. */
static int add_license(cJSON *body, const char *file, struct failure *why)
{
	_buffer_ struct buffer token = {};
	struct license *lic = NULL;
	struct rejection rejection = {};
	int r = file_read(file, LICENSE_MAX_BYTES, &token, why);

	if (r)
		return r;
	if (license_peek(token.bytes, token.len, &lic, &rejection))
		return refusal(why, "rejected", file, &rejection);
	license_free(lic);
	token.bytes[strcspn(token.bytes, "\r\n")] = '\0';
	cJSON_AddStringToObject(body, "with", token.bytes);
	return strcmp(file, "-") ? add_file_name(body, file, why) : 0;
}

static int question(const struct args *args, cJSON *body, struct failure *why)
{
	static const struct {
		enum option_id id;
		const char *name;
	} members[] = {{OPT_AT, "at"}, {OPT_WITHOUT, "without"}, {OPT_GATE, "gate"}};
	const char *file = option_text(args, OPT_WITH);

	if (!file && !option_text(args, OPT_AT) && !option_text(args, OPT_WITHOUT))
		return fail(why, EXIT_USAGE,
			    "`rehearse` needs one of --at TIME, --without LID and --with FILE");
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (option_text(args, members[i].id))
			cJSON_AddStringToObject(body, members[i].name,
						option_text(args, members[i].id));
	if (!option_text(args, OPT_ENFORCE) != !option_text(args, OPT_FOR) ||
	    (option_text(args, OPT_ENFORCE) && !option_text(args, OPT_GATE)))
		return fail(why, EXIT_USAGE,
			    "--enforce wants --gate GATE, one for staging, and --for SPAN: then it "
			    "ends by itself");
	if (option_text(args, OPT_ENFORCE)) {
		cJSON_AddTrueToObject(body, "enforce");
		cJSON_AddNumberToObject(body, "for", args->options[OPT_FOR].number);
	}
	return file ? add_license(body, file, why) : 0;
}

static bool is_change(const cJSON *result)
{
	const char *effect = member_text(result, "effect");
	const char *from = member_text(result, "from"), *to = member_text(result, "to");

	return (effect && strcmp(effect, "keeps") != 0) || !from || !to || strcmp(from, to) != 0;
}

/* "gate web: 2027-01-01T00:00:00Z: 9443/tcp would refuse; 2 connected now" */
static void print_results(const struct args *args, const cJSON *answer)
{
	const char *at = member_text(answer, "at"), *until = member_text(answer, "until");
	size_t n = 0;
	const cJSON *result;

	cJSON_ArrayForEach (result, json_get(answer, "results")) {
		const char *gate = member_text(result, "gate"), *text = member_text(result, "text");
		_free_ char *shown = printable(gate ? gate : "?"),
			    *words = printable(text ? text : "?");

		if (!option_text(args, OPT_ALL) && !is_change(result))
			continue;
		printf("gate %s: %s\n", shown ? shown : "?", words ? words : "?");
		n++;
	}
	if (!n)
		printf("%s: no port changes\n", at ? at : "?");
	if (until)
		printf("enforced until %s; `portlic policy rollback` ends it\n", until);
}

int cmd_rehearse(const struct args *args, struct failure *why)
{
	_json_ cJSON *body = cJSON_CreateObject();
	_reply_ struct reply reply = {};
	_free_ char *text = NULL;
	const cJSON *item;
	int r = question(args, body, why);

	if (r)
		return r;
	text = cJSON_PrintUnformatted(body);
	if (!text)
		return fail(why, EXIT_USAGE, "out of memory");
	r = client_call(args, "POST", "/v1/rehearse", text, strlen(text), &reply, why);
	if (r)
		return r;
	if (args->json)
		puts(reply.text);
	else
		print_results(args, reply.json);
	cJSON_ArrayForEach (item, json_get(reply.json, "warnings"))
		if (!args->json)
			warning("%s",
				cJSON_GetStringValue(item) ? cJSON_GetStringValue(item) : "?");
	if (option_text(args, OPT_ENFORCE)) /* that ports close is what was asked for */
		return EXIT_DONE;
	return member_true(reply.json, "ok") ? EXIT_DONE : EXIT_REFUSED;
}
