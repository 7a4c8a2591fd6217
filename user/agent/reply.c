/* SPDX-License-Identifier: MIT */
/* reply.c - builds answers. */
#include "reply.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>

#include "stamp.h"

void reply_json(struct http_request *request, unsigned int status, cJSON *tree)
{
	char *text = cJSON_PrintUnformatted(tree);

	cJSON_Delete(tree);
	http_reply(request, text ? status : MHD_HTTP_INTERNAL_SERVER_ERROR, "application/json",
		   text);
}

void reply_error(struct http_request *request, unsigned int status, const char *fmt, ...)
{
	cJSON *tree = cJSON_CreateObject();
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	fault_format(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddStringToObject(tree, "error", text);
	reply_json(request, status, tree);
}

void json_warn(cJSON *warnings, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	fault_format(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddItemToArray(warnings, cJSON_CreateString(text));
}

void json_put_u64(cJSON *object, const char *name, uint64_t value)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, value);
	cJSON_AddRawToObject(object, name, number);
}

void json_put_string(cJSON *object, const char *name, const char *value)
{
	if (value)
		cJSON_AddStringToObject(object, name, value);
	else
		cJSON_AddNullToObject(object, name);
}

void json_put_time(cJSON *object, const char *name, int64_t t)
{
	char text[STAMP_LEN];

	json_put_string(object, name,
			t > 0 && t <= LICENSE_TIME_MAX ? stamp_format(t, text) : NULL);
}

void json_put_moment(cJSON *object, const char *name, const struct clock *clock, uint64_t boot_ns)
{
	json_put_time(object, name,
		      boot_ns && boot_ns != PLIC_NEVER ? clock_at(clock, boot_ns) : 0);
}
