/* SPDX-License-Identifier: MIT */
/* labels.c - what Kubernetes hangs on an object: keys with values (declared in selector.h). */
#include "selector.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define MAX_NAME 63    /* of a key behind its slash, and of a value */
#define MAX_PREFIX 253 /* of a key, a DNS subdomain */

/* Begins and ends with a letter or a digit, and has nothing else but these and `between`. */
static bool is_name(const char *text, size_t len, const char *between)
{
	if (!len || !isalnum((unsigned char)text[0]) || !isalnum((unsigned char)text[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr(between, text[i]))
			return false;
	return true;
}

/* Lower-case DNS labels, with dots between them. */
static bool is_prefix(const char *text, size_t len)
{
	if (!len || len > MAX_PREFIX)
		return false;
	for (size_t at = 0, end; at <= len; at = end + 1) {
		for (end = at; end < len && text[end] != '.'; end++)
			if (isupper((unsigned char)text[end]))
				return false;
		if (!is_name(text + at, end - at, "-"))
			return false;
	}
	return true;
}

bool label_key_ok(const char *key)
{
	const char *slash = strchr(key, '/'), *name = slash ? slash + 1 : key;

	return strlen(name) <= MAX_NAME && is_name(name, strlen(name), "-_.") &&
	       (!slash || is_prefix(key, (size_t)(slash - key)));
}

bool label_value_ok(const char *value)
{
	return !*value || (strlen(value) <= MAX_NAME && is_name(value, strlen(value), "-_."));
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->key, ((const struct label *)b)->key);
}

static int add(struct labels *to, const char *key, const char *value)
{
	struct label *label = &to->list[to->n];

	label->key = strdup(key);
	label->value = strdup(value);
	to->n++; /* labels_free takes a half one, too */
	return label->key && label->value ? 0 : -ENOMEM;
}

static int read_members(const cJSON *object, struct labels *to, struct fault *f)
{
	const cJSON *item;

	to->list = calloc((size_t)cJSON_GetArraySize(object) + 1, sizeof(*to->list));
	if (!to->list)
		return fault_set(f, ENOMEM, "out of memory");
	cJSON_ArrayForEach (item, object) {
		if (!cJSON_IsString(item))
			return fault_set(f, EINVAL, "\"%.64s\" must be a string", item->string);
		if (add(to, item->string, item->valuestring))
			return fault_set(f, ENOMEM, "out of memory");
	}
	qsort(to->list, to->n, sizeof(*to->list), by_key);
	for (size_t i = 1; i < to->n; i++)
		if (!by_key(&to->list[i - 1], &to->list[i]))
			return fault_set(f, EINVAL, "\"%.64s\" stands twice", to->list[i].key);
	return 0;
}

int labels_read(const cJSON *object, struct labels *out, struct fault *f)
{
	_cleanup_(labels_free) struct labels labels = {0};
	int err = 0;

	if (object && !cJSON_IsNull(object) && !cJSON_IsObject(object))
		return fault_set(f, EINVAL, "must be an object of strings");
	if (cJSON_IsObject(object) && object->child)
		err = read_members(object, &labels, f);
	if (err)
		return err;
	*out = labels;
	labels = (struct labels){0};
	return 0;
}

int labels_copy(const struct labels *from, struct labels *out)
{
	_cleanup_(labels_free) struct labels labels = {0};

	if (from->n) {
		labels.list = calloc(from->n, sizeof(*labels.list));
		if (!labels.list)
			return -ENOMEM;
	}
	for (size_t i = 0; i < from->n; i++)
		if (add(&labels, from->list[i].key, from->list[i].value))
			return -ENOMEM;
	*out = labels;
	labels = (struct labels){0};
	return 0;
}

const char *labels_get(const struct labels *labels, const char *key)
{
	const struct label wanted = {.key = (char *)key}, *found = NULL;

	if (labels->n)
		found = bsearch(&wanted, labels->list, labels->n, sizeof(wanted), by_key);
	return found ? found->value : NULL;
}

bool labels_equal(const struct labels *a, const struct labels *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->list[i].key, b->list[i].key) ||
		    strcmp(a->list[i].value, b->list[i].value))
			return false;
	return true;
}

cJSON *labels_json(const struct labels *labels)
{
	_json_ cJSON *object = cJSON_CreateObject();

	for (size_t i = 0; object && i < labels->n; i++)
		if (!cJSON_AddStringToObject(object, labels->list[i].key, labels->list[i].value))
			return NULL;
	return TAKE_PTR(object);
}

void labels_free(struct labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		free(labels->list[i].key);
		free(labels->list[i].value);
	}
	free(labels->list);
	*labels = (struct labels){0};
}
