/* SPDX-License-Identifier: MIT */
/* usage.c - writes and reads what is used of quotas. */
#include "usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "jsonput.h"
#include "license.h"

static const char *const counts[] = {"connections", "bytes"};

int usage_add(struct usage_list *list, const struct usage *item)
{
	if (array_grow(&list->items, list->n, &list->room, sizeof(*list->items)))
		return -ENOMEM;
	list->items[list->n++] = *item;
	return 0;
}

void usage_list_free(struct usage_list *list)
{
	free(list->items);
	*list = (struct usage_list){0};
}

/* An unsigned number of 64 bits, in digits: JSON's numbers end at 2^53. */
static int read_u64(const cJSON *object, const char *name, uint64_t *out, struct fault *f)
{
	const char *text = NULL;
	int err = json_string(object, name, 1, 20, &text, f);
	char *end;

	if (err)
		return err;
	errno = 0;
	*out = text ? strtoull(text, &end, 10) : 0;
	if (!text || *text < '0' || *text > '9' || *end || errno)
		return fault_set(f, EINVAL, "\"%s\" must be a number, as a string", name);
	return 0;
}

/* [of an even window, of an odd one] */
static int read_counts(const cJSON *object, const char *name, __u64 out[2], struct fault *f)
{
	const cJSON *array = NULL;
	int err = json_array(object, name, 2, 2, &array, f);

	if (err)
		return err;
	for (int i = 0; i < 2; i++) {
		int64_t count = array ? json_int_value(cJSON_GetArrayItem(array, i)) : -1;

		if (count < 0)
			return fault_set(f, EINVAL, "\"%s\" must be two numbers", name);
		out[i] = (__u64)count;
	}
	return 0;
}

static int read_item(const cJSON *item, void *arg, struct fault *f)
{
	struct usage u = {0};
	const char *gate = "";
	int64_t port = 0, proto = 0;
	uint64_t line = 0, window = 0;
	int err = json_string(item, "gate", 0, sizeof(u.gate) - 1, &gate, f);

	if (!err)
		err = read_u64(item, "line", &line, f);
	if (!err)
		err = read_u64(item, "window", &window, f);
	if (!err)
		err = json_int(item, "port", 0, 65535, &port, f);
	if (!err)
		err = json_int(item, "ipproto", 0, 255, &proto, f);
	if (!err)
		err = json_int(item, "ends", 0, LICENSE_TIME_MAX, &u.ends, f);
	if (!err)
		err = read_counts(item, counts[0], u.quota.connections, f);
	if (!err)
		err = read_counts(item, counts[1], u.quota.bytes, f);
	if (err)
		return err;
	strcpy(u.gate, gate);
	u.key.line = line;
	u.key.port = (__u16)port;
	u.key.proto = (__u8)proto;
	u.quota.window = window;
	return usage_add(arg, &u);
}

int usage_parse(const char *text, size_t len, struct usage_list *out, struct fault *f)
{
	static const struct json_limits limits = {.max_depth = 5, .max_members = 1 << 21};
	_cleanup_(usage_list_free) struct usage_list list = {0};
	const cJSON *array = NULL;
	_json_ cJSON *root = NULL;
	struct json_error bad;
	int err = json_parse(text, len, &limits, &root, &bad);

	if (err)
		return err == -EBADMSG ? fault_set(f, EBADMSG, "%s", bad.text) : err;
	err = json_array(root, "quotas", 0, PLIC_MAX_USAGE, &array, f);
	if (!err && !array)
		err = fault_set(f, EINVAL, "\"quotas\" is missing");
	if (!err)
		err = json_objects("quotas", array, read_item, &list, f);
	if (err)
		return err == -EINVAL ? -EBADMSG : err;
	*out = list;
	list = (struct usage_list){0};
	return 0;
}

static void put_u64(cJSON *object, const char *name, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	cJSON_AddStringToObject(object, name, digits);
}

/* As raw text: cJSON writes large numbers with an exponent. */
static void put_counts(cJSON *object, const char *name, const __u64 values[2])
{
	cJSON *array = cJSON_AddArrayToObject(object, name);
	char digits[24];

	for (int i = 0; i < 2; i++) {
		snprintf(digits, sizeof(digits), "%llu",
			 (unsigned long long)(values[i] < JSON_INT_MAX ? values[i] : JSON_INT_MAX));
		cJSON_AddItemToArray(array, cJSON_CreateRaw(digits));
	}
}

char *usage_print(const struct usage_list *list)
{
	_json_ cJSON *root = cJSON_CreateObject();
	cJSON *array = cJSON_AddArrayToObject(root, "quotas");

	for (size_t i = 0; i < list->n; i++) {
		const struct usage *u = &list->items[i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "gate", u->gate);
		put_u64(item, "line", u->key.line);
		cJSON_AddNumberToObject(item, "port", u->key.port);
		cJSON_AddNumberToObject(item, "ipproto", u->key.proto);
		put_u64(item, "window", u->quota.window);
		cJSON_AddNumberToObject(item, "ends", (double)u->ends);
		put_counts(item, counts[0], u->quota.connections);
		put_counts(item, counts[1], u->quota.bytes);
		cJSON_AddItemToArray(array, item);
	}
	return cJSON_PrintUnformatted(root);
}
