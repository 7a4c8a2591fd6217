/* SPDX-License-Identifier: MIT */
/* error.c - {"cniVersion","code","msg","details"}. */
#include "error.h"

#include <errno.h>
#include <stdarg.h>

#include <cjson/cJSON.h>

#include "json.h"
#include "version.h"

int cni_fail(struct cni_error *error, enum cni_code code, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	error->code = code;
	va_start(ap, fmt);
	fault_format(error->message.text, sizeof(error->message.text), fmt, ap);
	va_end(ap);
	fault_set(&error->remedy, EINVAL, "%s", remedy);
	return -1;
}

char *cni_error_text(const struct cni_error *error, const char *version)
{
	_json_ cJSON *root = cJSON_CreateObject();

	if (!root || !cJSON_AddStringToObject(root, "cniVersion", version ? version : CNI_NEWEST) ||
	    !cJSON_AddNumberToObject(root, "code", error->code) ||
	    !cJSON_AddStringToObject(root, "msg", error->message.text) ||
	    !cJSON_AddStringToObject(root, "details", error->remedy.text))
		return NULL;
	return cJSON_PrintUnformatted(root);
}
