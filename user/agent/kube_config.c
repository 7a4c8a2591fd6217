/* SPDX-License-Identifier: MIT */
/* kube_config.c - the configuration's `kubernetes`, and what a pod is told of its cluster. */
#include "kube.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "file.h"
#include "json.h"
#include "tenure.h"
#include "url.h"

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
#define NAME_MAX_BYTES 253 /* of an object; of a namespace 63 */

static const char *const keys[] = {"api",	"token_file",	  "ca_file",	"node",
				   "namespace", "kubelet_cgroup", "seats_hold", NULL};

static const char *from_env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* What Kubernetes calls a DNS subdomain: it stands in paths and selectors as it is. */
static bool is_name(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.");

	return n && !text[n] && n <= NAME_MAX_BYTES && text[0] != '-' && text[0] != '.';
}

static int read_api(const cJSON *object, struct kube_config *out, struct fault *f)
{
	const char *host = from_env("KUBERNETES_SERVICE_HOST"), *text = NULL;
	const char *port = from_env("KUBERNETES_SERVICE_PORT");
	struct fault why = {0};
	struct url url;
	int err = json_string(object, "api", 1, URL_MAX_BYTES, &text, f);

	if (err)
		return err;
	if (!text && !host)
		return fault_set(
			f, EINVAL,
			"\"api\" is missing, and KUBERNETES_SERVICE_HOST isn't set: outside "
			"of a pod give \"api\": \"https://HOST:PORT\"");
	if (text)
		out->api = strdup(text);
	else if (asprintf(&out->api, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host,
			  port ? port : "443") < 0)
		out->api = NULL;
	if (!out->api)
		return -ENOMEM;
	if (url_parse(out->api, &url, &why))
		return text ? fault_set(f, EINVAL, "\"api\" %s", why.text)
			    : fault_set(
				      f, EINVAL,
				      "\"%.200s\", of KUBERNETES_SERVICE_HOST and _PORT, %s; give "
				      "\"api\": \"https://HOST:PORT\"",
				      out->api, why.text);
	if (url.has_path)
		return fault_set(f, EINVAL, "\"api\" must be \"https://HOST:PORT\" without a path");
	if (!url.https && !url.loopback)
		return fault_set(f, EINVAL,
				 "\"api\" must begin with https://: only to this machine itself "
				 "(kubectl proxy) http:// will do");
	out->api[url.origin] = '\0';
	return 0;
}

static int read_file_name(const cJSON *object, const char *key, const char *fallback, char **out,
			  struct fault *f)
{
	int err = json_path(object, key, out, f);

	if (err || *out)
		return err;
	*out = strdup(fallback);
	return *out ? 0 : -ENOMEM;
}

static int read_name(const cJSON *object, const char *key, const char *env, char **out,
		     struct fault *f)
{
	const char *text = from_env(env);
	int err = json_string(object, key, 1, NAME_MAX_BYTES, &text, f);

	if (err || !text)
		return err;
	if (!is_name(text))
		return fault_set(f, EINVAL, "\"%s\" (or %s) is no name of Kubernetes: \"%.100s\"",
				 key, env, text);
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

/* As the pod is told; outside of one there is none. */
static int account_namespace(char **out)
{
	_free_ void *bytes = NULL;
	_free_ char *text = NULL;
	size_t len = 0;

	if (file_read(ACCOUNT "/namespace", NAME_MAX_BYTES, &bytes, &len, NULL))
		return 0;
	text = strndup(bytes, len);
	if (!text)
		return -ENOMEM;
	text[strcspn(text, "\r\n")] = '\0';
	if (is_name(text))
		*out = TAKE_PTR(text);
	return 0;
}

/* As /proc/PID/cgroup has it. */
static int read_cgroup(const cJSON *object, char **out, struct fault *f)
{
	int err = json_path(object, "kubelet_cgroup", out, f);
	size_t len = *out ? strlen(*out) : 0;

	if (!err && len > 1 && (*out)[len - 1] == '/')
		(*out)[len - 1] = '\0';
	return err;
}

static int read_members(const cJSON *object, struct kube_config *out, struct fault *f)
{
	int err = json_keys(object, keys, f);

	if (!err)
		err = read_api(object, out, f);
	if (!err)
		err = read_file_name(object, "token_file", ACCOUNT "/token", &out->token_file, f);
	if (!err)
		err = read_file_name(object, "ca_file", ACCOUNT "/ca.crt", &out->ca_file, f);
	if (!err)
		err = read_name(object, "node", "NODE_NAME", &out->node, f);
	if (!err && !out->node)
		return fault_set(
			f, EINVAL,
			"\"node\" is missing: the name of this node as `kubectl get nodes` "
			"has it, here or in NODE_NAME (fieldRef spec.nodeName)");
	if (!err)
		err = read_name(object, "namespace", "POD_NAMESPACE", &out->namespace, f);
	if (!err && !out->namespace)
		err = account_namespace(&out->namespace);
	if (!err)
		err = read_cgroup(object, &out->kubelet_cgroup, f);
	return err ? err
		   : json_int(object, "seats_hold", TENURE_HOLD_MIN_S, TENURE_HOLD_MAX_S,
			      &out->seats_hold_s, f);
}

int kube_config_read(const cJSON *root, struct kube_config *out, struct fault *f)
{
	const cJSON *object = json_get(root, "kubernetes");
	struct kube_config config = {.on = true, .seats_hold_s = TENURE_HOLD_S};
	struct fault why = {0};
	int err;

	if (!object || cJSON_IsNull(object) || cJSON_IsFalse(object))
		return 0;
	if (!cJSON_IsObject(object))
		return fault_set(f, EINVAL, "\"kubernetes\" must be an object, null or false");
	err = read_members(object, &config, &why);
	if (err) {
		kube_config_free(&config);
		return json_within("kubernetes", err, &why, f);
	}
	*out = config;
	return 0;
}

void kube_config_free(struct kube_config *config)
{
	free(config->api);
	free(config->token_file);
	free(config->ca_file);
	free(config->node);
	free(config->namespace);
	free(config->kubelet_cgroup);
	*config = (struct kube_config){0};
}
