/* SPDX-License-Identifier: MIT */
/* secret.c - takes the values of a Secret's keys apart. */
#include "secret.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

static bool ends(const char *text, const char *tail)
{
	size_t len = strlen(text), tail_len = strlen(tail);

	return len > tail_len && !strcmp(text + len - tail_len, tail);
}

enum secret_kind secret_key_kind(const char *key)
{
	if (!strcmp(key, "license.key") || ends(key, ".lic") || ends(key, ".jwt"))
		return SECRET_LICENSE;
	if (ends(key, ".rl"))
		return SECRET_LIST;
	return ends(key, ".jwks") ? SECRET_TRUST : SECRET_NOTHING;
}

/* What Kubernetes lets a key be; it becomes part of a file's name. */
static bool plain(const char *key)
{
	return strlen(key) <= 253 && strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
						 "XYZ0123456789-_.") == strlen(key);
}

/* RFC 4648 §4 with padding, as the API server writes it. What isn't that leaves bytes NULL. */
static int decode(const char *text, struct secret_entry *entry)
{
	size_t len = strlen(text), room = len / 4 * 3 + 3;
	const char *end;

	entry->bytes = malloc(room);
	if (!entry->bytes)
		return -ENOMEM;
	if (sodium_base642bin(entry->bytes, room, text, len, NULL, &entry->len, &end,
			      sodium_base64_VARIANT_ORIGINAL) ||
	    end != text + len) {
		free(entry->bytes);
		entry->bytes = NULL;
		entry->len = 0;
	}
	return 0;
}

static int read_entry(const cJSON *item, struct secret *out, struct fault *f)
{
	enum secret_kind kind = secret_key_kind(item->string);
	struct secret_entry *entry = &out->entries[out->n_entries];

	if (kind == SECRET_NOTHING)
		return 0;
	if (!plain(item->string))
		return fault_set(f, EINVAL, "\"data\": \"%.64s\" is no key of a Secret",
				 item->string);
	entry->key = strdup(item->string);
	if (!entry->key)
		return -ENOMEM;
	entry->kind = kind;
	out->n_entries++;
	return cJSON_IsString(item) ? decode(item->valuestring, entry) : 0;
}

static int read_data(const cJSON *data, struct secret *out, struct fault *f)
{
	const cJSON *item;
	int err = 0;

	if (!data || cJSON_IsNull(data))
		return 0;
	if (!cJSON_IsObject(data))
		return fault_set(f, EINVAL, "\"data\" must be an object");
	out->entries = calloc((size_t)cJSON_GetArraySize(data) + 1, sizeof(*out->entries));
	if (!out->entries)
		return -ENOMEM;
	for (item = data->child; item && !err; item = item->next)
		err = read_entry(item, out, f);
	return err;
}

int secret_read(const cJSON *object, struct secret *out, struct fault *f)
{
	struct secret read = {0};
	int err = kobject_read(object, &read.object, f);

	if (!err)
		err = read_data(json_get(object, "data"), &read, f);
	if (err) {
		secret_free(&read);
		return err;
	}
	*out = read;
	return 0;
}

void secret_free(struct secret *secret)
{
	size_t i;

	for (i = 0; i < secret->n_entries; i++) {
		free(secret->entries[i].key);
		free(secret->entries[i].bytes);
	}
	free(secret->entries);
	kobject_free(&secret->object);
	*secret = (struct secret){0};
}
