/* SPDX-License-Identifier: MIT */
/* kubeevent.c - members of the API's objects that are the same for every kind. */
#include "kubeevent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define MEMBERS_MAX (1U << 20)

/* Each \u0000 that is an escape, not a backslash and "u0000". */
static void mend_nul(char *json, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if (json[i] != '\\')
			continue;
		if (len - i >= 6 && !memcmp(json + i, "\\u0000", 6))
			memcpy(json + i, "\\ufffd", 6);
		i++; /* what is escaped */
	}
}

int kube_json(char *json, size_t len, cJSON **out, struct fault *f)
{
	static const struct json_limits limits = {.max_depth = DEPTH_MAX,
						  .max_members = MEMBERS_MAX};
	struct json_error error = {0};
	int err;

	mend_nul(json, len);
	err = json_parse(json, len, &limits, out, &error);
	if (err == -EBADMSG)
		fault_set(f, EBADMSG, "the API server sent no good JSON: %s", error.text);
	return err;
}

/* Words of the server's that go back to it in a URL. */
static const char *word(const cJSON *object, const char *name, size_t max)
{
	const char *text = cJSON_GetStringValue(json_get(object, name));

	if (!text || !*text || strlen(text) > max)
		return NULL;
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~')
			return NULL;
	return text;
}

const char *kube_version(const cJSON *object)
{
	return word(json_get(object, "metadata"), "resourceVersion", KUBE_VERSION_MAX);
}

const char *kube_status_text(const cJSON *body)
{
	const char *kind = cJSON_GetStringValue(json_get(body, "kind"));

	return kind && !strcmp(kind, "Status") ? cJSON_GetStringValue(json_get(body, "message"))
					       : NULL;
}

static int read_type(const cJSON *tree, enum kube_event_type *out, struct fault *f)
{
	static const char *const types[] = {"ADDED",	"MODIFIED", "DELETED",
					    "BOOKMARK", "ERROR",    NULL};
	const char *text = cJSON_GetStringValue(json_get(tree, "type"));

	for (int i = 0; text && types[i]; i++) {
		if (strcmp(text, types[i]))
			continue;
		*out = i;
		return 0;
	}
	return fault_set(f, EBADMSG, "the API server sent an event of the type \"%.40s\"",
			 text ? text : "");
}

int kube_event_read(char *json, size_t len, struct kube_event *out, struct fault *f)
{
	struct kube_event event = {0};
	_json_ cJSON *tree = NULL;
	int err = kube_json(json, len, &tree, f);

	if (!err)
		err = read_type(tree, &event.type, f);
	if (err)
		return err;
	event.object = json_get(tree, "object");
	if (!cJSON_IsObject(event.object))
		return fault_set(f, EBADMSG, "the API server sent an event without an object");
	event.version = kube_version(event.object);
	if (event.type == KUBE_ERROR) {
		int64_t code = json_int_value(json_get(event.object, "code"));

		event.code = code > 0 && code < 1000 ? (int)code : 0;
	} else if (!event.version) {
		return fault_set(f, EBADMSG,
				 "the API server sent an event without a good resourceVersion");
	}
	event.tree = TAKE_PTR(tree);
	*out = event;
	return 0;
}

void kube_event_free(struct kube_event *event)
{
	cJSON_Delete(event->tree);
	*event = (struct kube_event){0};
}

int kube_list_read(char *json, size_t len, struct kube_list *out, struct fault *f)
{
	struct kube_list list = {0};
	_json_ cJSON *tree = NULL;
	const cJSON *items, *metadata, *more;
	int err = kube_json(json, len, &tree, f);

	if (err)
		return err;
	items = json_get(tree, "items");
	if (!cJSON_IsArray(items) && !cJSON_IsNull(items)) /* Go's empty list is null */
		return fault_set(f, EBADMSG, "the API server sent no list: \"items\" is missing");
	list.version = kube_version(tree);
	if (!list.version)
		return fault_set(f, EBADMSG,
				 "the API server sent a list without a good resourceVersion");
	metadata = json_get(tree, "metadata");
	more = json_get(metadata, "continue");
	list.continued = word(metadata, "continue", KUBE_CONTINUE_MAX);
	if (!list.continued && more && !cJSON_IsNull(more) &&
	    strcmp(cJSON_GetStringValue(more) ? cJSON_GetStringValue(more) : "?", ""))
		return fault_set(f, EBADMSG,
				 "the API server sent a list whose \"continue\" is no word");
	list.tree = TAKE_PTR(tree);
	*out = list;
	return 0;
}

void kube_list_free(struct kube_list *list)
{
	cJSON_Delete(list->tree);
	*list = (struct kube_list){0};
}

char *kube_escape(const char *text)
{
	char *out = malloc(3 * strlen(text) + 1), *to = out;

	if (!out)
		return NULL;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
		    strchr("-._~", c))
			*to++ = (char)c;
		else
			to += sprintf(to, "%%%02X", c);
	}
	*to = '\0';
	return out;
}
