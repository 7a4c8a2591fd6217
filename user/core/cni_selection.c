/* SPDX-License-Identifier: MIT */
/* cni_selection.c - which namespaces may have selected pods, as a file. */
#include "cni_selection.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define VERSION 1
#define MAX_NAMESPACES 65536
#define MAX_GLOBS 65536
#define MAX_NAME 253

static const char *const words[] = {"never", "asked", "watched", "may",
				    NULL}; /* enum cni_selected */
static const char *const keys[] = {"version", "gates", "unknown", "globs", "namespaces", NULL};

static int by_name(const void *a, const void *b)
{
	const struct cni_namespace *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* json_word, but without the search of the member: there may be thousands. */
static int read_word(const cJSON *item, enum cni_selected *out)
{
	for (int i = 0; cJSON_IsString(item) && words[i]; i++) {
		if (!strcmp(item->valuestring, words[i])) {
			*out = i;
			return 0;
		}
	}
	return -EBADMSG;
}

static int read_namespaces(const cJSON *object, struct cni_selection *out, struct fault *f)
{
	size_t n = (size_t)cJSON_GetArraySize(object);
	const cJSON *item;

	if (n > MAX_NAMESPACES)
		return fault_set(f, EBADMSG, "\"namespaces\" has more than %d members",
				 MAX_NAMESPACES);
	out->namespaces = calloc(n + !n, sizeof(*out->namespaces));
	if (!out->namespaces)
		return -ENOMEM;
	cJSON_ArrayForEach (item, object) {
		struct cni_namespace *namespace = &out->namespaces[out->n_namespaces];

		if (read_word(item, &namespace->selected))
			return fault_set(f, EBADMSG,
					 "\"namespaces\": \"%.64s\" must be one of \"never\", "
					 "\"asked\", \"may\"",
					 item->string);
		namespace->name = strdup(item->string);
		if (!namespace->name)
			return -ENOMEM;
		out->n_namespaces++;
	}
	qsort(out->namespaces, out->n_namespaces, sizeof(*out->namespaces), by_name);
	return 0;
}

static int read_members(const cJSON *root, struct cni_selection *out, struct fault *f)
{
	const cJSON *namespaces = NULL;
	int64_t version = 0;
	int unknown = CNI_MAY, err;

	err = json_int(root, "version", VERSION, VERSION, &version, f);
	for (size_t i = 0; keys[i] && !err; i++)
		if (!json_get(root, keys[i]))
			err = fault_set(f, EBADMSG, "\"%s\" is missing", keys[i]);
	if (!err)
		err = json_keys(root, keys, f);
	if (!err)
		err = json_bool(root, "gates", &out->gates, f);
	if (!err)
		err = json_word(root, "unknown", words, &unknown, f);
	if (!err)
		err = json_strings(root, "globs", 0, MAX_GLOBS, 1, MAX_NAME, &out->globs,
				   &out->n_globs, f);
	if (!err)
		err = json_object(root, "namespaces", &namespaces, f);
	if (!err)
		err = read_namespaces(namespaces, out, f);
	out->unknown = unknown;
	return err;
}

int cni_selection_read(const char *text, size_t len, struct cni_selection *out, struct fault *f)
{
	static const struct json_limits limits = {.max_depth = 2, .max_members = 200000};
	struct cni_selection selection = {0};
	struct json_error why;
	_json_ cJSON *root = NULL;
	int err = json_parse(text, len, &limits, &root, &why);

	if (err == -EBADMSG)
		return fault_set(f, EBADMSG, "byte %zu: %s", why.offset, why.text);
	if (err)
		return err;
	if (!cJSON_IsObject(root))
		return fault_set(f, EBADMSG, "it is no JSON object");
	err = read_members(root, &selection, f);
	if (err) {
		cni_selection_free(&selection);
		return err == -ENOMEM ? err : -EBADMSG;
	}
	*out = selection;
	return 0;
}

static int put(cJSON *object, const char *name, cJSON *item)
{
	if (item && cJSON_AddItemToObject(object, name, item))
		return 0;
	cJSON_Delete(item);
	return -ENOMEM;
}

static int print_members(const struct cni_selection *selection, cJSON *root)
{
	cJSON *globs = selection->n_globs
			       ? cJSON_CreateStringArray((const char *const *)selection->globs,
							 (int)selection->n_globs)
			       : cJSON_CreateArray();
	cJSON *namespaces = cJSON_CreateObject();
	int err = 0;

	for (size_t i = 0; namespaces && i < selection->n_namespaces && !err; i++) {
		const struct cni_namespace *namespace = &selection->namespaces[i];

		err = put(namespaces, namespace->name,
			  cJSON_CreateString(words[namespace->selected]));
	}
	if (put(root, "version", cJSON_CreateNumber(VERSION)))
		err = -ENOMEM;
	if (put(root, "gates", cJSON_CreateBool(selection->gates)))
		err = -ENOMEM;
	if (put(root, "unknown", cJSON_CreateString(words[selection->unknown])))
		err = -ENOMEM;
	if (put(root, "globs", globs))
		err = -ENOMEM;
	if (put(root, "namespaces", namespaces))
		err = -ENOMEM;
	return err;
}

char *cni_selection_print(struct cni_selection *selection)
{
	_json_ cJSON *root = cJSON_CreateObject();

	if (selection->n_namespaces)
		qsort(selection->namespaces, selection->n_namespaces,
		      sizeof(*selection->namespaces), by_name);
	if (!root || print_members(selection, root))
		return NULL;
	return cJSON_PrintUnformatted(root);
}

static enum cni_selected unlisted(const struct cni_selection *selection, const char *namespace)
{
	for (size_t i = 0; i < selection->n_globs; i++)
		if (!fnmatch(selection->globs[i], namespace, 0))
			return CNI_MAY;
	return selection->unknown;
}

int cni_selection_add(struct cni_selection *selection, const char *namespace,
		      enum cni_selected selected)
{
	struct cni_namespace *grown;

	if (unlisted(selection, namespace) == selected)
		return 0;
	grown = reallocarray(selection->namespaces, selection->n_namespaces + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	selection->namespaces = grown;
	grown[selection->n_namespaces] = (struct cni_namespace){strdup(namespace), selected};
	if (!grown[selection->n_namespaces].name)
		return -ENOMEM;
	selection->n_namespaces++;
	return 0;
}

enum cni_selected cni_selection_of(const struct cni_selection *selection, const char *namespace)
{
	const struct cni_namespace key = {.name = (char *)namespace}, *found = NULL;

	if (selection->n_namespaces)
		found = bsearch(&key, selection->namespaces, selection->n_namespaces, sizeof(key),
				by_name);
	return found ? found->selected : unlisted(selection, namespace);
}

void cni_selection_free(struct cni_selection *selection)
{
	json_free_strings(selection->globs, selection->n_globs);
	for (size_t i = 0; i < selection->n_namespaces; i++)
		free(selection->namespaces[i].name);
	free(selection->namespaces);
	*selection = (struct cni_selection){0};
}
