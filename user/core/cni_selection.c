/* SPDX-License-Identifier: MIT */
/* cni_selection.c - which namespaces may have selected pods, as a file. */
#include "cni_selection.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define VERSION 1
#define MAX_NAMES 65536 /* of a list */
#define MAX_NAME 253

static const char *const words[] = {"never", "asked", "watched", "may",
				    NULL}; /* enum cni_selected */
static const char *const keys[] = {"version", "gates",	 "unknown", "globs", "never",
				   "asked",   "watched", "may",	    NULL};

const char *const cni_system_namespaces[] = {"kube-system", "kube-public", "kube-node-lease"};

/* ---- written ---- */

int cni_names_add(struct cni_names *names, const char *name)
{
	char *copy = strdup(name);

	if (!copy || array_grow(&names->list, names->n, &names->room, sizeof(*names->list))) {
		free(copy);
		return -ENOMEM;
	}
	names->list[names->n++] = copy;
	return 0;
}

static enum cni_selected unlisted(const struct cni_selection *selection, const char *namespace)
{
	for (size_t i = 0; i < selection->globs.n; i++)
		if (!fnmatch(selection->globs.list[i], namespace, 0))
			return CNI_MAY;
	return selection->unknown;
}

int cni_selection_add(struct cni_selection *selection, const char *namespace,
		      enum cni_selected selected)
{
	if (unlisted(selection, namespace) == selected)
		return 0;
	return cni_names_add(&selection->namespaces[selected], namespace);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static cJSON *print_names(struct cni_names *names)
{
	if (!names->n)
		return cJSON_CreateArray();
	qsort(names->list, names->n, sizeof(*names->list), by_name);
	return cJSON_CreateStringArray((const char *const *)names->list, (int)names->n);
}

static int put(cJSON *object, const char *name, cJSON *item)
{
	if (item && cJSON_AddItemToObject(object, name, item))
		return 0;
	cJSON_Delete(item);
	return -ENOMEM;
}

char *cni_selection_print(struct cni_selection *selection)
{
	_json_ cJSON *root = cJSON_CreateObject();

	if (!root || put(root, "version", cJSON_CreateNumber(VERSION)) ||
	    put(root, "gates", cJSON_CreateBool(selection->gates)) ||
	    put(root, "unknown", cJSON_CreateString(words[selection->unknown])) ||
	    put(root, "globs", print_names(&selection->globs)))
		return NULL;
	for (int i = 0; i < CNI_N_SELECTED; i++)
		if (put(root, words[i], print_names(&selection->namespaces[i])))
			return NULL;
	return cJSON_PrintUnformatted(root);
}

static void free_names(struct cni_names *names)
{
	json_free_strings(names->list, names->n);
}

void cni_selection_free(struct cni_selection *selection)
{
	free_names(&selection->globs);
	for (int i = 0; i < CNI_N_SELECTED; i++)
		free_names(&selection->namespaces[i]);
	*selection = (struct cni_selection){0};
}

/* ---- read ---- */

/* Checks the list; *found: the name is in it, or (glob) one of it fits. */
static int look_in(const cJSON *root, const char *list, bool glob, const char *namespace,
		   bool *found, struct fault *f)
{
	const cJSON *array = NULL, *item;
	int err = json_array(root, list, 0, MAX_NAMES, &array, f);

	if (err)
		return err;
	cJSON_ArrayForEach (item, array) {
		const char *name = json_string_value(item, 1, MAX_NAME);

		if (!name)
			return fault_set(f, EBADMSG, "\"%s\" must be names of namespaces", list);
		if (namespace && !*found)
			*found = glob ? !fnmatch(name, namespace, 0) : !strcmp(name, namespace);
	}
	return 0;
}

static int look_up(const cJSON *root, const char *namespace, struct cni_said *said, struct fault *f)
{
	bool listed = false, fits = false;
	int unknown = CNI_MAY, err;

	err = json_bool(root, "gates", &said->gates, f);
	if (!err)
		err = json_word(root, "unknown", words, &unknown, f);
	if (!err)
		err = look_in(root, "globs", true, namespace, &fits, f);
	said->selected = fits ? CNI_MAY : (enum cni_selected)unknown;
	for (int i = 0; i < CNI_N_SELECTED && !err; i++) {
		bool found = false;

		err = look_in(root, words[i], false, namespace, &found, f);
		if (found && !listed)
			said->selected = (enum cni_selected)i;
		listed |= found;
	}
	return err;
}

int cni_selection_read(const char *text, size_t len, const char *namespace, struct cni_said *out,
		       struct fault *f)
{
	static const struct json_limits limits = {.max_depth = 2, .max_members = 4 * MAX_NAMES};
	struct cni_said said = {0};
	struct json_error why;
	_json_ cJSON *root = NULL;
	int64_t version = 0;
	int err = json_parse(text, len, &limits, &root, &why);

	if (err == -EBADMSG)
		return fault_set(f, EBADMSG, "byte %zu: %s", why.offset, why.text);
	if (err)
		return fault_set(f, ENOMEM, "out of memory");
	if (!cJSON_IsObject(root))
		return fault_set(f, EBADMSG, "it is no JSON object");
	err = json_int(root, "version", VERSION, VERSION, &version, f);
	for (size_t i = 0; keys[i] && !err; i++)
		if (!json_get(root, keys[i]) && strcmp(keys[i], words[CNI_WATCHED]) != 0)
			err = fault_set(f, EBADMSG, "\"%s\" is missing", keys[i]);
	if (!err)
		err = json_keys(root, keys, f);
	if (!err)
		err = look_up(root, namespace, &said, f);
	if (!err)
		*out = said;
	return err ? -EBADMSG : 0;
}
