/* SPDX-License-Identifier: MIT */
/* config.c - reads the agent's configuration strictly. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "file.h"
#include "json.h"

#define CONFIG_MAX_BYTES 65536

static const char *const keys[] = {"audience",	"trust_dir", "license_dir", "policy_dir",
				   "state_dir", "socket",    "bpffs",	    "metrics",
				   "pull",	"notify",    "kubernetes",  "entitlements_dir",
				   "origins",	NULL};

/* "ADDR:PORT", "[v6]:PORT" or ":PORT" (every address). */
static int parse_address(const char *text, struct config *out)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->metrics_addr;
	struct sockaddr_in *in = (struct sockaddr_in *)&out->metrics_addr;
	const char *colon = strrchr(text, ':'), *from = text;
	size_t len = colon ? (size_t)(colon - text) : 0;
	char host[INET6_ADDRSTRLEN] = "::", *end;
	unsigned long port;
	bool brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';

	if (!colon || colon[1] < '0' || colon[1] > '9' || strlen(colon + 1) > 5)
		return -EINVAL;
	port = strtoul(colon + 1, &end, 10);
	if (*end || !port || port > 65535)
		return -EINVAL;
	if (brackets) {
		from++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return -EINVAL;
	if (len) {
		memcpy(host, from, len);
		host[len] = '\0';
	}
	if (brackets || !len) {
		*in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
		out->metrics_len = sizeof(*in6);
		return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	*in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	out->metrics_len = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

static int read_metrics(const cJSON *root, struct config *out, struct fault *f)
{
	const cJSON *item = json_get(root, "metrics");
	const char *text = ":9754";
	int err;

	if (cJSON_IsNull(item) || cJSON_IsFalse(item))
		return 0;
	err = json_string(root, "metrics", 1, 64, &text, f);
	if (err)
		return err;
	if (parse_address(text, out))
		return fault_set(f, EINVAL,
				 "\"metrics\" must be \"ADDR:PORT\", \"[V6ADDR]:PORT\", \":PORT\" "
				 "or null, not \"%s\"",
				 text);
	out->metrics = true;
	out->metrics_text = strdup(text);
	return out->metrics_text ? 0 : -ENOMEM;
}

static int read_path(const cJSON *root, const char *key, const char *fallback, char **out,
		     struct fault *f)
{
	int err = json_path(root, key, out, f);

	if (err || *out)
		return err;
	*out = strdup(fallback);
	return *out ? 0 : -ENOMEM;
}

static int read_members(const cJSON *root, struct config *out, struct fault *f)
{
	const char *audience = NULL;
	const struct {
		const char *key, *fallback;
		char **to;
	} paths[] = {
		{"trust_dir", "/etc/portlic/trust.d", &out->trust_dir},
		{"license_dir", "/etc/portlic/licenses.d", &out->license_dir},
		{"policy_dir", "/etc/portlic/policies.d", &out->policy_dir},
		{"state_dir", "/var/lib/portlic", &out->state_dir},
		{"socket", "/run/portlic/portlicd.sock", &out->socket},
		{"bpffs", "/sys/fs/bpf/portlic", &out->bpffs},
	};
	size_t i;
	int err;

	err = json_keys(root, keys, f);
	if (!err)
		err = json_string(root, "audience", 1, 256, &audience, f);
	if (err)
		return err;
	if (!audience)
		return fault_set(f, EINVAL,
				 "\"audience\" is missing: the name of this installation, as the "
				 "vendor writes it into licenses");
	out->audience = strdup(audience);
	if (!out->audience)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		err = read_path(root, paths[i].key, paths[i].fallback, paths[i].to, f);
		if (err)
			return err;
	}
	if (!cJSON_IsNull(json_get(root, "entitlements_dir")))
		err = read_path(root, "entitlements_dir", "/run/portlic/entitlements",
				&out->entitlements_dir, f);
	if (!err)
		err = pull_sources_read(root, &out->pull, f);
	if (!err)
		err = notify_targets_read(root, &out->notify, f);
	if (!err)
		err = origin_config_read(root, &out->origins, f);
	if (!err)
		err = kube_config_read(root, &out->kubernetes, f);
	return err ? err : read_metrics(root, out, f);
}

int config_default(struct config *out, struct fault *f)
{
	_json_ cJSON *root = cJSON_CreateObject();
	struct config config = {0};
	int err;

	if (!root || !cJSON_AddStringToObject(root, "audience", "-"))
		return fault_set(f, ENOMEM, "no memory");
	err = read_members(root, &config, f);
	if (err)
		config_free(&config);
	else
		*out = config;
	return err;
}

int config_read(const char *file, struct config *out, struct fault *f)
{
	struct config config = {0};
	struct fault why = {0};
	_free_ void *bytes = NULL;
	_json_ cJSON *root = NULL;
	char what[300];
	size_t len = 0;
	int err;

	snprintf(what, sizeof(what), "configuration \"%s\"", file);
	err = file_read(file, CONFIG_MAX_BYTES, &bytes, &len, &why);
	if (err)
		return fault_set(f, -err,
				 "%s can't be read: %s; write it or name another with "
				 "--config",
				 what, why.text);
	err = json_parse_object(what, bytes, len, &root, f);
	if (err)
		return err;
	err = read_members(root, &config, &why);
	if (err) {
		config_free(&config);
		return fault_set(f, -err, "%s: %s", what, why.text[0] ? why.text : strerror(-err));
	}
	*out = config;
	return 0;
}

void config_free(struct config *config)
{
	free(config->audience);
	free(config->trust_dir);
	free(config->license_dir);
	free(config->policy_dir);
	free(config->state_dir);
	free(config->socket);
	free(config->bpffs);
	free(config->entitlements_dir);
	free(config->metrics_text);
	pull_sources_free(&config->pull);
	notify_targets_free(&config->notify);
	origin_config_free(&config->origins);
	kube_config_free(&config->kubernetes);
	*config = (struct config){0};
}
