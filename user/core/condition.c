/* SPDX-License-Identifier: MIT */
/* condition.c - writes and reads conditions. */
#include "condition.h"

#include <ctype.h>
#include <string.h>

#include "jsonput.h"

void condition_reason(const char *word, char *out, size_t size)
{
	bool upper = true;
	size_t n = 0;

	for (; *word && n + 1 < size; word++) {
		if (*word == '_' || *word == '-') {
			upper = true;
			continue;
		}
		out[n++] = (char)(upper ? toupper((unsigned char)*word) : *word);
		upper = false;
	}
	out[n] = '\0';
}

const cJSON *condition_find(const cJSON *array, const char *type)
{
	const cJSON *item;

	if (!cJSON_IsArray(array))
		return NULL;
	cJSON_ArrayForEach (item, array)
		if (!strcmp(condition_text(item, "type"), type))
			return item;
	return NULL;
}

bool condition_is(const cJSON *condition, bool is)
{
	return !strcmp(condition_text(condition, "status"), is ? "True" : "False");
}

const char *condition_text(const cJSON *condition, const char *member)
{
	const cJSON *item = json_get(condition, member);

	return cJSON_IsString(item) ? item->valuestring : "";
}

void condition_put(cJSON *array, const cJSON *before, const struct condition *condition,
		   int64_t generation, int64_t now)
{
	const cJSON *old = condition_find(before, condition->type);
	const char *since = condition_text(old, "lastTransitionTime");
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "type", condition->type);
	cJSON_AddStringToObject(item, "status", condition->is ? "True" : "False");
	cJSON_AddStringToObject(item, "reason", condition->reason);
	cJSON_AddStringToObject(item, "message", condition->message);
	if (since[0] && condition_is(old, condition->is))
		cJSON_AddStringToObject(item, "lastTransitionTime", since);
	else
		json_put_time(item, "lastTransitionTime", now);
	json_put_u64(item, "observedGeneration", (uint64_t)generation);
	cJSON_AddItemToArray(array, item);
}
