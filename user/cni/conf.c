/* SPDX-License-Identifier: MIT */
/* conf.c - the entry is read strictly as JSON, and as far as its members are ours. */
#include "conf.h"

#include <errno.h>
#include <string.h>

#include "policy.h"
#include "version.h"

#define MAX_VERSION 32
#define MAX_PATH 4095

static const char *const fail_words[] = {"closed", "open", NULL};

static int bad(struct cni_error *error, const struct fault *f)
{
	return cni_fail(error, CNI_BAD_CONFIG, "correct portlic-cni's entry of the conflist", "%s",
			f->text);
}

static int read_json(const char *text, size_t len, struct cni_conf *out, struct cni_error *error)
{
	static const struct json_limits limits = {.max_depth = 32, .max_members = 131072};
	struct json_error why = {0};
	int err = json_parse(text, len, &limits, &out->root, &why);

	if (err == -ENOMEM)
		return cni_fail(error, CNI_IO, "", "out of memory");
	if (err)
		return cni_fail(error, CNI_BAD_JSON, "this is for the runtime to mend",
				"the configuration on stdin is no JSON: byte %zu: %s", why.offset,
				why.text);
	if (!cJSON_IsObject(out->root))
		return cni_fail(error, CNI_BAD_JSON, "this is for the runtime to mend",
				"the configuration on stdin is no JSON object");
	return 0;
}

static int read_version(struct cni_conf *out, struct cni_error *error)
{
	struct fault f = {0};

	if (json_string(out->root, "cniVersion", 1, MAX_VERSION, &out->version, &f))
		return bad(error, &f);
	return 0;
}

/* For a gate, whatever policies match: as the agent reads annotations, but what is no good counts too. */
static bool asks(const cJSON *annotations)
{
	const cJSON *mode = json_get(annotations, MODE_ANNOTATION);

	return json_get(annotations, POLICY_ANNOTATION) ||
	       (mode && (!cJSON_IsString(mode) || strcmp(mode->valuestring, "off") != 0));
}

/* containerd and CRI-O leave runtimeConfig out where there is nothing for it. */
static void look_at_annotations(struct cni_conf *out)
{
	const cJSON *config = json_get(out->root, "runtimeConfig");
	const cJSON *annotations = json_get(config, CNI_ANNOTATIONS);

	out->sees_annotations =
		annotations ||
		cJSON_IsTrue(json_get(json_get(out->root, "capabilities"), CNI_ANNOTATIONS));
	out->asks = asks(annotations);
}

static int read_ours(struct cni_conf *out, struct fault *f)
{
	const char *socket = CNI_DEFAULT_SOCKET, *selection = CNI_DEFAULT_SELECTION;
	int fail = 0, err;

	err = json_word(out->root, "fail", fail_words, &fail, f);
	if (!err)
		err = json_string(out->root, "socket", 1, MAX_PATH, &socket, f);
	if (!err)
		err = json_string(out->root, "selection", 1, MAX_PATH, &selection, f);
	if (!err && (*socket != '/' || *selection != '/'))
		err = fault_set(f, EINVAL, "\"%s\" must be an absolute path",
				*socket != '/' ? "socket" : "selection");
	if (err)
		return err;
	out->socket = socket;
	out->selection = selection;
	out->fail_open = fail;
	return 0;
}

static int read_previous(enum cni_command command, struct cni_conf *out, struct fault *f)
{
	int err = json_object(out->root, "prevResult", &out->previous, f);

	if (!err && !out->previous && (command == CNI_ADD || command == CNI_CHECK))
		err = fault_set(f, EINVAL,
				"\"prevResult\" is missing: portlic-cni makes no network, put it "
				"behind the plugin that does, as \"portlic-cni install\" does");
	return err;
}

static int read_attachments(const struct cni_conf *conf, struct fault *f)
{
	const cJSON *list = NULL, *item;
	const char *container = NULL, *ifname = NULL;
	int err = json_array(conf->root, "cni.dev/valid-attachments", 0, 1 << 16, &list, f);

	cJSON_ArrayForEach (item, list) {
		if (!err)
			err = json_string(item, "containerID", 1, CNI_ID_MAX, &container, f);
		if (!err)
			err = json_string(item, "ifname", 1, CNI_ID_MAX, &ifname, f);
		if (!err && (!json_get(item, "containerID") || !json_get(item, "ifname")))
			err = fault_set(f, EINVAL,
					"\"cni.dev/valid-attachments\": each needs a "
					"\"containerID\" and an \"ifname\"");
	}
	return err;
}

static int need_version(const struct cni_conf *conf, struct cni_error *error)
{
	if (conf->version && cni_era(conf->version) != CNI_ERA_NONE)
		return 0;
	return cni_fail(
		error, CNI_INCOMPATIBLE, "set \"cniVersion\" of the conflist to one of these",
		"%s%s%s; portlic-cni speaks 0.3.0, 0.3.1, 0.4.0, 1.0.0 and " CNI_NEWEST,
		conf->version ? "cniVersion \"" : "\"cniVersion\" is missing",
		conf->version ? conf->version : "", conf->version ? "\" isn't known here" : "");
}

int cni_conf_read(enum cni_command command, const char *text, size_t len, struct cni_conf *out,
		  struct cni_error *error)
{
	struct fault f = {0};
	int err;

	*out = (struct cni_conf){.socket = CNI_DEFAULT_SOCKET, .selection = CNI_DEFAULT_SELECTION};
	if (read_json(text, len, out, error) || read_version(out, error) ||
	    need_version(out, error))
		return -1;
	look_at_annotations(out);
	err = read_ours(out, &f);
	if (command == CNI_DEL)
		return 0;
	if (!err)
		err = read_previous(command, out, &f);
	if (!err && command == CNI_GC)
		err = read_attachments(out, &f);
	if (err)
		return bad(error, &f);
	return 0;
}

int cni_conf_read_version(const char *text, size_t len, struct cni_conf *out,
			  struct cni_error *error)
{
	*out = (struct cni_conf){0};
	if (!len)
		return 0;
	return read_json(text, len, out, error) || read_version(out, error) ? -1 : 0;
}

void cni_conf_free(struct cni_conf *conf)
{
	cJSON_Delete(conf->root);
	*conf = (struct cni_conf){0};
}
