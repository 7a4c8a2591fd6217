/* SPDX-License-Identifier: MIT */
/* pull_source.c - reads `pull` strictly: what is misspelt must not silently go unfetched. */
#include "pull_source.h"

#include <errno.h>
#include <string.h>

#include "license.h"
#include "revocation.h"
#include "url.h"

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static const char *const keys[] = {"name",	"url", "revocations", "interval",   "timeout",
				   "max_bytes", "ca",  "proxy",	      "token_file", NULL};

static void free_members(struct pull_source *source)
{
	free(source->name);
	free(source->url);
	free(source->ca);
	free(source->proxy);
	free(source->token_file);
}

void pull_sources_free(struct pull_sources *sources)
{
	for (size_t i = 0; i < sources->n; i++)
		free_members(&sources->list[i]);
	free(sources->list);
	*sources = (struct pull_sources){0};
}

static int copy(const char *text, char **out, struct fault *f)
{
	*out = strdup(text);
	return *out ? 0 : fault_set(f, ENOMEM, "out of memory");
}

static int read_name(const cJSON *item, struct pull_source *out, struct fault *f)
{
	const char *name = NULL;
	int err = json_string(item, "name", 1, PULL_NAME_MAX, &name, f);

	if (err)
		return err;
	if (!name || strspn(name, NAME_BYTES) != strlen(name) || strchr("._-", name[0]))
		return fault_set(f, EINVAL,
				 "\"name\" must be 1 to %d letters, digits, \".\", \"_\" or \"-\", "
				 "a letter or digit first",
				 PULL_NAME_MAX);
	return copy(name, &out->name, f);
}

static int read_url(const cJSON *item, struct pull_source *out, struct fault *f)
{
	const char *license = NULL, *list = NULL, *key;
	struct fault why = {0};
	struct url url;
	int err = json_string(item, "url", 1, URL_MAX_BYTES, &license, f);

	if (!err)
		err = json_string(item, "revocations", 1, URL_MAX_BYTES, &list, f);
	if (err)
		return err;
	if (!license == !list)
		return fault_set(f, EINVAL,
				 "give either \"url\", of a license, or \"revocations\", of a "
				 "revocation list");
	key = list ? "revocations" : "url";
	err = url_parse(list ? list : license, &url, &why);
	if (err)
		return fault_set(f, EINVAL, "\"%s\" %s", key, why.text);
	if (!url.https)
		return fault_set(f, EINVAL, "\"%s\" must begin with https://", key);
	out->revocations = list;
	return copy(list ? list : license, &out->url, f);
}

static int read_proxy(const cJSON *item, struct pull_source *out, struct fault *f)
{
	const char *text = NULL;
	struct fault why = {0};
	struct url url;
	int err = json_string(item, "proxy", 1, URL_MAX_BYTES, &text, f);

	if (err || !text)
		return err;
	err = url_parse(text, &url, &why);
	if (err)
		return fault_set(f, EINVAL, "\"proxy\" %s", why.text);
	if (url.has_path)
		return fault_set(f, EINVAL,
				 "\"proxy\" must be http://HOST:PORT or https://HOST:PORT alone");
	return copy(text, &out->proxy, f);
}

static int read_numbers(const cJSON *item, struct pull_source *out, struct fault *f)
{
	int64_t max = out->revocations ? REVOCATION_MAX_BYTES : LICENSE_MAX_BYTES, bytes = max;
	int err;

	out->interval_s = PULL_INTERVAL_S;
	out->timeout_s = PULL_TIMEOUT_S;
	err = json_int(item, "interval", PULL_MIN_INTERVAL_S, 30 * 86400, &out->interval_s, f);
	if (!err)
		err = json_int(item, "timeout", 1, 600, &out->timeout_s, f);
	if (!err)
		err = json_int(item, "max_bytes", 1, max, &bytes, f);
	out->max_bytes = (size_t)bytes;
	return err;
}

static int read_source(const cJSON *item, struct pull_source *out, struct fault *f)
{
	int err = json_keys(item, keys, f);

	if (err)
		return err;
	err = read_name(item, out, f);
	if (!err)
		err = read_url(item, out, f);
	if (!err)
		err = read_numbers(item, out, f);
	if (!err)
		err = json_path(item, "ca", &out->ca, f);
	if (!err)
		err = json_path(item, "token_file", &out->token_file, f);
	return err ? err : read_proxy(item, out, f);
}

static int check_name(const struct pull_sources *sources, const char *name, struct fault *f)
{
	for (size_t i = 0; i + 1 < sources->n; i++)
		if (!strcmp(sources->list[i].name, name))
			return fault_set(f, EINVAL,
					 "\"name\" \"%s\" stands twice; give each source its own",
					 name);
	return 0;
}

static int take_source(const cJSON *item, void *arg, struct fault *f)
{
	struct pull_sources *sources = arg;
	struct pull_source *source = &sources->list[sources->n++];
	int err = read_source(item, source, f);

	return err ? err : check_name(sources, source->name, f);
}

int pull_sources_read(const cJSON *root, struct pull_sources *out, struct fault *f)
{
	struct pull_sources sources = {0};
	const cJSON *array = NULL;
	int err = json_list(root, "pull", PULL_MAX_SOURCES, &array, f);

	if (err || !array)
		return err;
	sources.list = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*sources.list));
	if (!sources.list)
		return fault_set(f, ENOMEM, "out of memory");
	err = json_objects("pull", array, take_source, &sources, f);
	if (err)
		pull_sources_free(&sources);
	else
		*out = sources;
	return err;
}
