/* SPDX-License-Identifier: MIT */
/* reply.c - builds answers. */
#include "reply.h"

#include <microhttpd.h>
#include <stdarg.h>

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

void json_put_moment(cJSON *object, const char *name, const struct clock *clock, uint64_t boot_ns)
{
	json_put_time(object, name,
		      boot_ns && boot_ns != PLIC_NEVER ? clock_at(clock, boot_ns) : 0);
}
