/* SPDX-License-Identifier: MIT */
/* output.c - the one place that writes errors and JSON. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "utf8.h"

int fail(struct failure *why, enum exit_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fault_format(why->fault.text, sizeof(why->fault.text), fmt, ap);
	va_end(ap);
	return code;
}

static void print_failure_json(const struct failure *why)
{
	_json_ cJSON *object = cJSON_CreateObject();
	_free_ char *text = NULL;

	cJSON_AddStringToObject(object, "error", why->fault.text);
	if (why->reason[0])
		cJSON_AddStringToObject(object, "reason", why->reason);
	text = cJSON_PrintUnformatted(object);
	puts(text ? text : "{\"error\":\"out of memory\"}");
}

void print_failure(bool json, const struct failure *why)
{
	_free_ char *text = NULL;

	if (json) {
		print_failure_json(why);
		return;
	}
	text = printable(why->fault.text);
	fprintf(stderr, "portlic: %s\n", text ? text : "out of memory");
}

void warning(const char *fmt, ...)
{
	_free_ char *raw = NULL, *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) < 0)
		raw = NULL;
	va_end(ap);
	text = raw ? printable(raw) : NULL;
	fprintf(stderr, "portlic: warning: %s\n", text ? text : "out of memory");
}

static int print_text(char *text, struct failure *why)
{
	if (!text)
		return fail(why, EXIT_USAGE, "out of memory");
	puts(text);
	free(text);
	return 0;
}

int print_json_line(const cJSON *json, struct failure *why)
{
	return print_text(cJSON_PrintUnformatted(json), why);
}

int print_json(const cJSON *json, struct failure *why)
{
	return print_text(cJSON_Print(json), why);
}

void print_field(const char *label, const char *text)
{
	_free_ char *name = printable(label), *shown = printable(text && *text ? text : "-");

	printf("%-12s %s\n", name ? name : "?", shown ? shown : "?");
}

int print_done(const struct args *args, const char *noun, const char *name, const char *done,
	       struct failure *why)
{
	_json_ cJSON *object = cJSON_CreateObject();
	_free_ char *shown = printable(name);

	if (!shown || !cJSON_AddStringToObject(object, done, name))
		return fail(why, EXIT_USAGE, "out of memory");
	if (args->json)
		return print_json_line(object, why);
	printf("%s %s: %s\n", noun, shown, done);
	return 0;
}

char *printable(const char *text)
{
	const unsigned char *in = (const unsigned char *)text;
	char *out = malloc(strlen(text) + 1), *to = out;

	if (!out)
		return NULL;
	while (*in) {
		size_t len = utf8_length(in, strnlen((const char *)in, 4));

		if (len && !utf8_control(in)) {
			to = mempcpy(to, in, len);
			in += len;
		} else {
			*to++ = '?';
			in += len ? len : 1;
		}
	}
	*to = '\0';
	return out;
}

const char *member_text(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(json_get(object, name));
}

double member_number(const cJSON *object, const char *name)
{
	const cJSON *item = json_get(object, name);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

bool member_true(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(json_get(object, name));
}
