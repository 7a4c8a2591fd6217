/* SPDX-License-Identifier: MIT */
/* kobject.c - reads an object's metadata. */
#include "kobject.h"

#include <errno.h>
#include <string.h>

bool kobject_is_name(const char *name)
{
	return name[0] && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(name);
}

static int copy_string(const cJSON *meta, const char *member, size_t max, bool needed, char **out,
		       struct fault *f)
{
	const char *text = NULL;
	int err = json_string(meta, member, 1, max, &text, f);

	if (err)
		return err;
	if (!text)
		return needed ? fault_set(f, EINVAL, "\"%s\" is missing", member) : 0;
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

static int read_metadata(const cJSON *meta, struct kobject *out, struct fault *f)
{
	int err = copy_string(meta, "name", KOBJECT_NAME_MAX, true, &out->name, f);

	if (!err)
		err = copy_string(meta, "namespace", 63, false, &out->namespace, f);
	if (!err)
		err = copy_string(meta, "uid", 128, true, &out->uid, f);
	if (!err)
		err = copy_string(meta, "resourceVersion", 256, true, &out->version, f);
	if (!err)
		err = json_int(meta, "generation", 0, JSON_INT_MAX, &out->generation, f);
	if (err)
		return err;
	if (!kobject_is_name(out->name) || (out->namespace && !kobject_is_name(out->namespace)))
		return fault_set(f, EINVAL, "\"%s\" is no name of an object", out->name);
	return 0;
}

int kobject_read(const cJSON *object, struct kobject *out, struct fault *f)
{
	struct kobject read = {0};
	struct fault why = {0};
	int err = read_metadata(json_get(object, "metadata"), &read, &why);

	if (err) {
		kobject_free(&read);
		return fault_set(f, -err, "metadata: %s",
				 err == -ENOMEM ? "out of memory" : why.text);
	}
	*out = read;
	return 0;
}

void kobject_free(struct kobject *object)
{
	free(object->name);
	free(object->namespace);
	free(object->uid);
	free(object->version);
	*object = (struct kobject){0};
}
