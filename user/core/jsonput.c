/* SPDX-License-Identifier: MIT */
/* jsonput.c - builds JSON objects. */
#include "jsonput.h"

#include <inttypes.h>
#include <stdio.h>

#include "license.h"
#include "stamp.h"

void json_put_u64(cJSON *object, const char *name, uint64_t value)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, value);
	cJSON_AddRawToObject(object, name, number);
}

void json_put_known(cJSON *object, const char *name, uint64_t value)
{
	if (value)
		json_put_u64(object, name, value);
	else
		cJSON_AddNullToObject(object, name);
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

void json_put_strings(cJSON *object, const char *name, char *const *strings, size_t n)
{
	cJSON *list = cJSON_AddArrayToObject(object, name);
	size_t i;

	for (i = 0; i < n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(strings[i]));
}
