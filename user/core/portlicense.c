/* SPDX-License-Identifier: MIT */
/* portlicense.c - reads the two resources. */
#include "portlicense.h"

#include <errno.h>
#include <string.h>

#include "license.h"

static int copy(const char *text, char **out)
{
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

static int read_secret_ref(const cJSON *ref, struct portlicense *out, struct fault *f)
{
	static const char *const known[] = {"name", "key", NULL};
	const char *name = NULL, *key = "license.key";
	int err = json_keys(ref, known, f);

	if (!err)
		err = json_string(ref, "name", 1, KOBJECT_NAME_MAX, &name, f);
	if (!err && !name)
		err = fault_set(f, EINVAL, "\"name\" is missing; name a Secret in this namespace");
	if (!err)
		err = json_string(ref, "key", 1, 253, &key, f);
	if (!err)
		err = copy(name, &out->secret);
	return err ? err : copy(key, &out->key);
}

static int read_spec(const cJSON *spec, struct portlicense *out, struct fault *f)
{
	static const char *const known[] = {"token", "secretRef", NULL};
	const cJSON *ref = NULL;
	const char *token = NULL;
	struct fault why = {0};
	int err;

	if (!cJSON_IsObject(spec))
		return fault_set(f, EINVAL, "is missing; give \"token\" or \"secretRef\"");
	err = json_keys(spec, known, f);
	if (!err)
		err = json_object(spec, "secretRef", &ref, f);
	if (!err && !ref == !json_get(spec, "token"))
		err = fault_set(f, EINVAL, "give \"token\" or \"secretRef\", one of them");
	if (err)
		return err;
	if (ref)
		return json_within("secretRef", read_secret_ref(ref, out, &why), &why, f);
	if (!cJSON_IsString(json_get(spec, "token")))
		return fault_set(f, EINVAL, "\"token\" must be a string");
	token = json_get(spec, "token")->valuestring;
	if (strlen(token) > LICENSE_MAX_BYTES)
		return fault_set(f, EINVAL, "\"token\": %zu bytes, at most %d", strlen(token),
				 LICENSE_MAX_BYTES);
	return copy(token, &out->token);
}

int portlicense_read(const cJSON *object, struct portlicense *out, struct fault *f)
{
	struct portlicense read = {0};
	struct fault why = {0};
	int err = kobject_read(object, &read.object, f);

	if (err)
		return err;
	err = json_within("spec", read_spec(json_get(object, "spec"), &read, &why), &why, f);
	if (err) { /* nothing of the spec counts */
		struct kobject meta = read.object;

		read.object = (struct kobject){0};
		portlicense_free(&read);
		read.object = meta;
	}
	*out = read;
	return err;
}

void portlicense_free(struct portlicense *license)
{
	kobject_free(&license->object);
	free(license->token);
	free(license->secret);
	free(license->key);
	*license = (struct portlicense){0};
}

char *portpolicy_text(const cJSON *object, const struct kobject *meta, struct fault *f)
{
	const cJSON *spec = json_get(object, "spec");
	_json_ cJSON *policy = NULL;
	char *text;

	if (!cJSON_IsObject(spec)) {
		fault_set(f, EINVAL, "\"spec\" is missing; it is what a policy file has");
		return NULL;
	}
	if (json_get(spec, "name")) {
		fault_set(f, EINVAL,
			  "\"spec\": remove \"name\"; the policy is called as the "
			  "object is");
		return NULL;
	}
	policy = cJSON_Duplicate(spec, true);
	if (!policy || !cJSON_AddStringToObject(policy, "name", meta->name)) {
		fault_set(f, ENOMEM, "out of memory");
		return NULL;
	}
	text = cJSON_PrintUnformatted(policy);
	if (!text)
		fault_set(f, ENOMEM, "out of memory");
	return text;
}
