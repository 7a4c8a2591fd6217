/* SPDX-License-Identifier: MIT */
/* license_show.c - portlic license show: decodes a token without verifying it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "jws.h"
#include "output.h"
#include "refusal.h"
#include "revocation.h"
#include "when.h"

struct shown {
	const char *typ;
	struct jws jws;
	cJSON *claims;
};

static void shown_free(struct shown *shown)
{
	jws_free(&shown->jws);
	cJSON_Delete(shown->claims);
}

/* A key file given by mistake: nothing of it is printed. */
static int refuse_json(const char *file, const struct buffer *text, struct failure *why)
{
	bool secret = memmem(text->bytes, text->len, "\"d\"", 3);

	if (secret)
		return fail(why, EXIT_REFUSED,
			    "\"%s\" is a private key: it is not shown; licenses are *.lic", file);
	return fail(why, EXIT_REFUSED,
		    "\"%s\" is JSON, not a token; `license sign` makes one of claims", file);
}

static int decode(const char *file, const struct buffer *text, struct shown *out,
		  struct failure *why)
{
	static const struct json_limits limits = {.max_depth = 8, .max_members = 131072};
	struct jws_rules rules = {.typ = JWS_TYP_LICENSE, .max_bytes = LICENSE_MAX_BYTES};
	struct rejection rejection = {};
	struct json_error error;
	int r = jws_read(&rules, text->bytes, text->len, &out->jws, &rejection);

	if (r && (rejection.reason == LICENSE_BAD_TYP || rejection.reason == LICENSE_TOO_BIG)) {
		rules = (struct jws_rules){.typ = JWS_TYP_REVOCATION,
					   .max_bytes = REVOCATION_MAX_BYTES};
		r = jws_read(&rules, text->bytes, text->len, &out->jws, &rejection);
	}
	if (r)
		return refusal(why, "no token", file, &rejection);
	out->typ = rules.typ;
	if (json_parse((const char *)out->jws.payload, out->jws.payload_len, &limits, &out->claims,
		       &error)) {
		rejection.reason = error.kind == JSON_DUPLICATE	 ? LICENSE_DUPLICATE_NAME
				   : error.kind == JSON_TOO_DEEP ? LICENSE_TOO_DEEP
								 : LICENSE_BAD_JSON;
		snprintf(rejection.detail, sizeof(rejection.detail), "payload: %s", error.text);
		return refusal(why, "not readable", file, &rejection);
	}
	return 0;
}

static int show_json(const char *file, const struct shown *shown, struct failure *why)
{
	_json_ cJSON *object = cJSON_CreateObject();
	cJSON *header;

	cJSON_AddStringToObject(object, "file", file);
	cJSON_AddFalseToObject(object, "verified");
	header = cJSON_AddObjectToObject(object, "header");
	cJSON_AddStringToObject(header, "alg", shown->jws.alg);
	cJSON_AddStringToObject(header, "typ", shown->typ);
	cJSON_AddStringToObject(header, "kid", shown->jws.kid);
	cJSON_AddItemReferenceToObject(object, "claims", shown->claims);
	return print_json(object, why);
}

/* One claim: strings bare, times in words beside the number, the rest as JSON. */
static void show_claim(const cJSON *claim)
{
	static const char *const times[] = {"iat", "nbf", "exp"};
	_free_ char *text =
		cJSON_IsString(claim) ? strdup(claim->valuestring) : cJSON_PrintUnformatted(claim);
	_free_ char *line = NULL;
	char when[WHEN_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		int64_t t = strcmp(claim->string, times[i]) ? -1 : json_int_value(claim);

		if (text && t >= 0 && when_text(t, when) &&
		    asprintf(&line, "%s (%s)", text, when) < 0)
			line = NULL;
	}
	print_field(claim->string, line ? line : text ? text : "?");
}

/* Arrays one element a line: ports, features, revoked. */
static void show_claims(const cJSON *claims)
{
	const cJSON *claim, *element;

	cJSON_ArrayForEach (claim, claims) {
		if (!cJSON_IsArray(claim) || !claim->child) {
			show_claim(claim);
			continue;
		}
		cJSON_ArrayForEach (element, claim) {
			_free_ char *text = cJSON_IsString(element)
						    ? strdup(element->valuestring)
						    : cJSON_PrintUnformatted(element);

			print_field(claim->string, text ? text : "?");
		}
	}
}

int cmd_license_show(const struct args *args, struct failure *why)
{
	const char *file = args->operands[0];
	_cleanup_(shown_free) struct shown shown = {};
	_buffer_ struct buffer text = {};
	struct rejection rejection = {};
	int r = file_read(file, REVOCATION_MAX_BYTES, &text, why);

	if (r)
		return r;
	if (text.bytes[strspn(text.bytes, " \t\r\n")] == '{')
		return refuse_json(file, &text, why);
	r = decode(file, &text, &shown, why);
	if (r)
		return r;
	if (args->json)
		return show_json(file, &shown, why);
	printf("NOT VERIFIED: anyone can write this; `portlic license verify` checks who signed "
	       "it\n\n");
	print_field("typ", shown.typ);
	print_field("alg", shown.jws.alg);
	print_field("kid", shown.jws.kid);
	show_claims(shown.claims);
	if (!strcmp(shown.typ, JWS_TYP_LICENSE) &&
	    license_check_claims(shown.jws.payload, shown.jws.payload_len, INT64_MAX, &rejection)) {
		char line[320];

		snprintf(line, sizeof(line), "%s: %s", license_reason_word(rejection.reason),
			 rejection.detail);
		print_field("REFUSED", line);
	}
	return 0;
}
