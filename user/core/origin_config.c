/* SPDX-License-Identifier: MIT */
/* origin_config.c - reads `origins`. */
#include "origin_config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define MAX_NETWORKS 1024
#define MAX_RUNTIMES 64

static const char *const keys[] = {"node", "pod", "runtime", NULL};

static int read_networks(const cJSON *object, const char *name, struct cidr **out, size_t *n,
			 struct fault *f)
{
	const cJSON *array = NULL, *item;
	int err = json_list(object, name, MAX_NETWORKS, &array, f);

	if (err || !array)
		return err;
	*out = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(**out));
	if (!*out)
		return fault_set(f, ENOMEM, "out of memory");
	cJSON_ArrayForEach (item, array) {
		err = cidr_parse(name, item, &(*out)[*n], f);
		if (err)
			return err;
		++*n;
	}
	return 0;
}

static int read_runtimes(const cJSON *object, struct origin_config *out, struct fault *f)
{
	int err = json_strings(object, "runtime", 0, MAX_RUNTIMES, 1, PATH_MAX - 1, &out->runtimes,
			       &out->n_runtimes, f);

	for (size_t i = 0; !err && i < out->n_runtimes; i++)
		if (out->runtimes[i][0] != '/')
			err = fault_set(f, EINVAL,
					"\"runtime\": \"%.128s\" must be the path of a cgroup, "
					"like \"/system.slice/engine.service\"",
					out->runtimes[i]);
	return err;
}

int origin_config_read(const cJSON *root, struct origin_config *out, struct fault *f)
{
	struct origin_config config = {0};
	const cJSON *object = NULL;
	struct fault why = {0};
	int err = 0;

	if (cJSON_IsNull(json_get(root, "origins")))
		return 0;
	err = json_object(root, "origins", &object, f);
	if (err || !object)
		return err;
	err = json_keys(object, keys, &why);
	if (!err)
		err = read_networks(object, "node", &config.node, &config.n_node, &why);
	if (!err)
		err = read_networks(object, "pod", &config.pods, &config.n_pods, &why);
	if (!err)
		err = read_runtimes(object, &config, &why);
	if (err)
		origin_config_free(&config);
	else
		*out = config;
	return json_within("origins", err, &why, f);
}

void origin_config_free(struct origin_config *config)
{
	free(config->node);
	free(config->pods);
	json_free_strings(config->runtimes, config->n_runtimes);
	*config = (struct origin_config){0};
}
