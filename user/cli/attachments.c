/* SPDX-License-Identifier: MIT */
/* attachments.c - a gate's hooks in words. */
#include <string.h>

#include "attachments.h"
#include "output.h"

struct attachments attachments_count(const cJSON *gate, const char *hook)
{
	struct attachments n = {0};
	const cJSON *item;

	cJSON_ArrayForEach (item, json_get(gate, "attachments")) {
		const char *of = member_text(item, "hook");

		if (!of || strcmp(of, hook) != 0)
			continue;
		n.removable += member_true(item, "removable");
		n.gone += cJSON_IsFalse(json_get(item, "present"));
		n.overridden += member_true(item, "overtaken");
	}
	return n;
}

static const char *note(const char *hook, struct attachments n)
{
	if (n.gone)
		return "(GONE)";
	if (n.overridden)
		return "(OVERRIDDEN)";
	if (n.removable)
		return "(removable)";
	return strcmp(hook, "host") == 0 ? "(drops)" : ""; /* and never refuses */
}

char *attachments_text(const cJSON *gate)
{
	_free_ char *text = strdup("");
	const cJSON *item;

	cJSON_ArrayForEach (item, json_get(gate, "hooks")) {
		const char *said = cJSON_GetStringValue(item), *hook = said ? said : "?";
		char *longer;

		if (!text)
			return NULL;
		if (asprintf(&longer, "%s%s%s%s", text, *text ? " " : "", hook,
			     note(hook, attachments_count(gate, hook))) < 0)
			return NULL;
		free(text);
		text = longer;
	}
	return TAKE_PTR(text);
}
