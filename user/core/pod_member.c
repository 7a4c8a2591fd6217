/* SPDX-License-Identifier: MIT */
/* pod_member.c - members of an object of the API: absent and null alike (declared in pod_read.h). */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pod_read.h"

int pod_no_memory(struct fault *f)
{
	return fault_set(f, ENOMEM, "out of memory");
}

static const cJSON *member(const cJSON *object, const char *name)
{
	const cJSON *item = json_get(object, name);

	return cJSON_IsNull(item) ? NULL : item;
}

int pod_object(const cJSON *object, const char *name, const cJSON **out, struct fault *f)
{
	*out = member(object, name);
	return !*out || cJSON_IsObject(*out)
		       ? 0
		       : fault_set(f, EINVAL, "\"%s\" must be an object", name);
}

int pod_array(const cJSON *object, const char *name, const cJSON **out, struct fault *f)
{
	*out = member(object, name);
	return !*out || cJSON_IsArray(*out) ? 0
					    : fault_set(f, EINVAL, "\"%s\" must be an array", name);
}

int pod_bool(const cJSON *object, const char *name, bool *out, struct fault *f)
{
	const cJSON *item = member(object, name);

	*out = cJSON_IsTrue(item);
	return !item || cJSON_IsBool(item)
		       ? 0
		       : fault_set(f, EINVAL, "\"%s\" must be true or false", name);
}

int pod_text(const cJSON *object, const char *name, size_t max, const char **out, struct fault *f)
{
	const cJSON *item = member(object, name);

	*out = NULL;
	if (!item || (cJSON_IsString(item) && !*item->valuestring))
		return 0;
	*out = json_string_value(item, 1, max);
	return *out ? 0
		    : fault_set(f, EINVAL,
				"\"%s\" must be a string of at most %zu bytes without control "
				"characters",
				name, max);
}

bool pod_is_odd(const cJSON *item, size_t max)
{
	return cJSON_IsString(item) && *item->valuestring && !json_string_value(item, 1, max);
}

int pod_copy(const cJSON *object, const char *name, size_t max, char **out, struct fault *f)
{
	const char *text;
	int err = pod_text(object, name, max, &text, f);

	if (err || !text)
		return err;
	*out = strdup(text);
	return *out ? 0 : pod_no_memory(f);
}

/* Letters, digits and what is in `more`; the first is none of these. */
static int take_name(const cJSON *object, const char *name, size_t max, const char *more,
		     char **out, struct fault *f)
{
	const char *c;
	int err = pod_copy(object, name, max, out, f);

	if (err)
		return err;
	if (!*out)
		return fault_set(f, EINVAL, "\"%s\" is missing", name);
	for (c = *out; isalnum((unsigned char)*c) || (c > *out && *c && strchr(more, *c)); c++)
		;
	return *c ? fault_set(f, EINVAL, "\"%s\": \"%.64s\" is none that Kubernetes gives", name,
			      *out)
		  : 0;
}

int pod_identity(const cJSON *object, struct pod *pod, struct fault *f)
{
	int err = take_name(object, "uid", POD_UID_MAX, "-", &pod->uid, f);

	if (!err)
		err = take_name(object, "namespace", POD_MAX_NAMESPACE, "-", &pod->namespace, f);
	return err ? err : take_name(object, "name", POD_MAX_NAME, "-.", &pod->name, f);
}
