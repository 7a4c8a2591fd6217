/* SPDX-License-Identifier: MIT */
/* attachments.c - a gate's hooks in words. */
#include <string.h>

#include "attachments.h"
#include "output.h"

void attachments_count(const cJSON *gate, const char *hook, unsigned int *removable,
		       unsigned int *gone)
{
	const cJSON *item;

	*removable = *gone = 0;
	cJSON_ArrayForEach (item, json_get(gate, "attachments")) {
		const char *of = member_text(item, "hook");

		if (!of || strcmp(of, hook) != 0)
			continue;
		*removable += member_true(item, "removable");
		*gone += cJSON_IsFalse(json_get(item, "present"));
	}
}

char *attachments_text(const cJSON *gate)
{
	_free_ char *text = strdup("");
	const cJSON *item;

	cJSON_ArrayForEach (item, json_get(gate, "hooks")) {
		const char *hook = cJSON_GetStringValue(item);
		unsigned int removable, gone;
		char *longer;

		if (!text)
			return NULL;
		attachments_count(gate, hook ? hook : "", &removable, &gone);
		if (asprintf(&longer, "%s%s%s%s", text, *text ? " " : "", hook ? hook : "?",
			     gone	 ? "(GONE)"
			     : removable ? "(removable)"
					 : "") < 0)
			return NULL;
		free(text);
		text = longer;
	}
	return TAKE_PTR(text);
}
