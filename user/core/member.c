/* SPDX-License-Identifier: MIT */
/* member.c - typed access to the members of a JSON object (declared in json.h). */
#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

cJSON *json_get(const cJSON *object, const char *name)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

int json_parse_object_in(const char *what, const char *buf, size_t len,
			 const struct json_limits *limits, cJSON **out, struct fault *f)
{
	struct json_error err;
	_json_ cJSON *tree = NULL;
	int r = json_parse(buf, len, limits, &tree, &err);

	if (r == -ENOMEM)
		return fault_set(f, ENOMEM, "%s: out of memory", what);
	if (r)
		return fault_set(f, EBADMSG, "%s: not strict JSON: %s", what, err.text);
	if (!cJSON_IsObject(tree))
		return fault_set(f, EBADMSG, "%s: not a JSON object; put it into {}", what);
	*out = TAKE_PTR(tree);
	return 0;
}

int json_parse_object(const char *what, const char *buf, size_t len, cJSON **out, struct fault *f)
{
	return json_parse_object_in(what, buf, len, NULL, out, f);
}

/* In a string of the tree, which is valid UTF-8. */
static bool has_controls(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (utf8_control(c))
			return true;
	return false;
}

const char *json_string_value(const cJSON *item, size_t min_len, size_t max_len)
{
	size_t len;

	if (!cJSON_IsString(item))
		return NULL;
	len = strlen(item->valuestring);
	if (len < min_len || len > max_len || has_controls(item->valuestring))
		return NULL;
	return item->valuestring;
}

int json_string(const cJSON *object, const char *name, size_t min_len, size_t max_len,
		const char **out, struct fault *f)
{
	const cJSON *item = json_get(object, name);
	const char *value;

	if (!item)
		return 0;
	value = json_string_value(item, min_len, max_len);
	if (!value)
		return fault_set(f, EINVAL,
				 "\"%s\" must be a string of %zu to %zu bytes without control "
				 "characters",
				 name, min_len, max_len);
	*out = value;
	return 0;
}

int json_path(const cJSON *object, const char *name, char **out, struct fault *f)
{
	const char *text = NULL;
	int err = json_string(object, name, 1, JSON_PATH_MAX, &text, f);

	if (err || !text)
		return err;
	if (text[0] != '/')
		return fault_set(f, EINVAL, "\"%s\" must be an absolute path, not \"%s\"", name,
				 text);
	*out = strdup(text);
	return *out ? 0 : fault_set(f, ENOMEM, "out of memory");
}

int json_int(const cJSON *object, const char *name, int64_t min, int64_t max, int64_t *out,
	     struct fault *f)
{
	const cJSON *item = json_get(object, name);
	int64_t value;

	if (!item)
		return 0;
	value = json_int_value(item);
	if (value < min || value > max)
		return fault_set(f, EINVAL, "\"%s\" must be an integer from %lld to %lld", name,
				 (long long)min, (long long)max);
	*out = value;
	return 0;
}

int json_bool(const cJSON *object, const char *name, bool *out, struct fault *f)
{
	const cJSON *item = json_get(object, name);

	if (!item)
		return 0;
	if (!cJSON_IsBool(item))
		return fault_set(f, EINVAL, "\"%s\" must be true or false", name);
	*out = cJSON_IsTrue(item);
	return 0;
}

static void list_words(const char *const *words, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (; *words && len < size; words++)
		len += (size_t)snprintf(text + len, size - len, "%s\"%s\"", len ? ", " : "",
					*words);
}

int json_word(const cJSON *object, const char *name, const char *const *words, int *out,
	      struct fault *f)
{
	const cJSON *item = json_get(object, name);
	char list[200];

	if (!item)
		return 0;
	for (int i = 0; cJSON_IsString(item) && words[i]; i++) {
		if (!strcmp(item->valuestring, words[i])) {
			*out = i;
			return 0;
		}
	}
	list_words(words, list, sizeof(list));
	return fault_set(f, EINVAL, "\"%s\" must be one of %s", name, list);
}

int json_object(const cJSON *object, const char *name, const cJSON **out, struct fault *f)
{
	const cJSON *item = json_get(object, name);

	if (!item)
		return 0;
	if (!cJSON_IsObject(item))
		return fault_set(f, EINVAL, "\"%s\" must be an object", name);
	*out = item;
	return 0;
}

int json_array(const cJSON *object, const char *name, size_t min, size_t max, const cJSON **out,
	       struct fault *f)
{
	const cJSON *item = json_get(object, name);
	size_t n;

	if (!item)
		return 0;
	n = cJSON_IsArray(item) ? (size_t)cJSON_GetArraySize(item) : 0;
	if (!cJSON_IsArray(item) || n < min || n > max)
		return fault_set(f, EINVAL, "\"%s\" must be an array of %zu to %zu", name, min,
				 max);
	*out = item;
	return 0;
}

void json_free_strings(char **strings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(strings[i]);
	free(strings);
}

int json_strings(const cJSON *object, const char *name, size_t min, size_t max, size_t min_len,
		 size_t max_len, char ***out, size_t *n, struct fault *f)
{
	const cJSON *array = NULL, *item;
	char **strings;
	size_t count = 0;
	int r = json_array(object, name, min, max, &array, f);

	if (r || !array)
		return r;
	strings = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*strings));
	if (!strings)
		return fault_set(f, ENOMEM, "out of memory");
	cJSON_ArrayForEach (item, array) {
		const char *value = json_string_value(item, min_len, max_len);

		if (!value)
			r = fault_set(f, EINVAL,
				      "\"%s\"[%zu] must be a string of %zu to %zu bytes without "
				      "control characters",
				      name, count, min_len, max_len);
		else if (!(strings[count] = strdup(value)))
			r = fault_set(f, ENOMEM, "out of memory");
		if (r) {
			json_free_strings(strings, count);
			return r;
		}
		count++;
	}
	*out = strings;
	*n = count;
	return 0;
}

int json_within(const char *name, int r, const struct fault *inner, struct fault *f)
{
	return r ? fault_set(f, -r, "\"%s\": %s", name, inner->text) : 0;
}

const char *json_unknown(const cJSON *object, const char *const *known)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, object) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], item->string))
			i++;
		if (!known[i])
			return item->string;
	}
	return NULL;
}

int json_keys(const cJSON *object, const char *const *keys, struct fault *f)
{
	const char *unknown = json_unknown(object, keys);
	char list[256] = "";

	if (!unknown)
		return 0;
	for (size_t n = 0; *keys && n < sizeof(list); keys++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, " %s", *keys);
	return fault_set(f, EINVAL, "\"%.64s\" is no key of it; the keys are:%s", unknown, list);
}

int json_list(const cJSON *object, const char *name, size_t max, const cJSON **out, struct fault *f)
{
	const cJSON *member = json_get(object, name);

	if (cJSON_IsNull(member) || cJSON_IsFalse(member))
		return 0;
	return json_array(object, name, 0, max, out, f);
}

int json_objects(const char *name, const cJSON *array, json_take *take, void *arg, struct fault *f)
{
	const cJSON *item;
	size_t i = 0;

	cJSON_ArrayForEach (item, array) {
		struct fault why = {0};
		int err = cJSON_IsObject(item) ? take(item, arg, &why)
					       : fault_set(&why, EINVAL, "must be an object");

		if (err)
			return fault_set(f, -err, "\"%s\"[%zu]: %s", name, i, why.text);
		i++;
	}
	return 0;
}
