/* SPDX-License-Identifier: MIT */
/* pull_memory.c - writes and reads the state file of a pull source. */
#include "pull_memory.h"

#include <errno.h>
#include <string.h>

#include "json.h"
#include "license.h"
#include "url.h"

bool pull_validator_ok(const char *value, size_t max)
{
	size_t len = strlen(value);
	const char *c;

	for (c = value; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	return len && len <= max;
}

void pull_memory_free(struct pull_memory *memory)
{
	free(memory->url);
	*memory = (struct pull_memory){0};
}

static int read_text(const cJSON *root, const char *key, size_t max, char *out, struct fault *f)
{
	const char *text = "";
	int err = json_string(root, key, 0, max, &text, f);

	if (err)
		return err;
	if (text[0] && !pull_validator_ok(text, max))
		return fault_set(f, EINVAL, "\"%s\" must be printable ASCII", key);
	strcpy(out, text);
	return 0;
}

static int read_hash(const cJSON *root, const char *key, char *out, struct fault *f)
{
	int err = read_text(root, key, PULL_SHA256_HEX, out, f);
	size_t len = strlen(out);

	if (err)
		return err;
	if (len && (len != PULL_SHA256_HEX || strspn(out, "0123456789abcdef") != len))
		return fault_set(f, EINVAL, "\"%s\" must be a SHA-256 in hexadecimal", key);
	return 0;
}

static int read_members(const cJSON *root, struct pull_memory *out, struct fault *f)
{
	const char *url = NULL;
	int err = json_string(root, "url", 1, URL_MAX_BYTES, &url, f);

	if (!err && !url)
		err = fault_set(f, EINVAL, "\"url\" is missing");
	if (!err)
		err = read_text(root, "etag", PULL_ETAG_MAX, out->etag, f);
	if (!err)
		err = read_text(root, "last_modified", PULL_MODIFIED_MAX, out->modified, f);
	if (!err)
		err = read_text(root, "file", PULL_FILE_MAX, out->file, f);
	if (!err)
		err = read_hash(root, "sha256", out->sha256, f);
	if (!err)
		err = read_hash(root, "renew_ahead", out->ahead, f);
	if (!err)
		err = json_int(root, "last_success", 0, LICENSE_TIME_MAX, &out->last_success, f);
	if (err)
		return err;
	out->url = strdup(url);
	return out->url ? 0 : -ENOMEM;
}

int pull_memory_read(const char *what, const char *text, size_t len, struct pull_memory *out,
		     struct fault *f)
{
	struct pull_memory memory = {0};
	struct fault why = {0};
	_json_ cJSON *root = NULL;
	int err = json_parse_object(what, text, len, &root, f);

	if (err)
		return err;
	err = read_members(root, &memory, &why);
	if (err)
		return fault_set(f, -err, "%s: %s", what, why.text);
	*out = memory;
	return 0;
}

char *pull_memory_write(const struct pull_memory *memory)
{
	_json_ cJSON *root = cJSON_CreateObject();

	cJSON_AddStringToObject(root, "url", memory->url ? memory->url : "");
	cJSON_AddStringToObject(root, "etag", memory->etag);
	cJSON_AddStringToObject(root, "last_modified", memory->modified);
	cJSON_AddStringToObject(root, "file", memory->file);
	cJSON_AddStringToObject(root, "sha256", memory->sha256);
	cJSON_AddStringToObject(root, "renew_ahead", memory->ahead);
	cJSON_AddNumberToObject(root, "last_success", (double)memory->last_success);
	return cJSON_PrintUnformatted(root);
}
