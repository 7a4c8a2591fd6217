/* SPDX-License-Identifier: MIT */
/* result.c - results of one version as those of another. */
#include "result.h"

#include <string.h>

#include "version.h"

static void drop(cJSON *object, const char *const *names)
{
	for (; *names; names++)
		cJSON_DeleteItemFromObjectCaseSensitive(object, *names);
}

static void drop_in_each(cJSON *array, const char *const *names)
{
	cJSON *item;

	cJSON_ArrayForEach (item, array)
		drop(item, names);
}

/* "4" or "6" for each address. */
static int add_ip_versions(cJSON *ips)
{
	cJSON *item;

	cJSON_ArrayForEach (item, ips) {
		const cJSON *address = json_get(item, "address");

		if (!cJSON_IsString(address) || json_get(item, "version"))
			continue;
		if (!cJSON_AddStringToObject(item, "version",
					     strchr(address->valuestring, ':') ? "6" : "4"))
			return -1;
	}
	return 0;
}

static int convert(cJSON *result, enum cni_era era)
{
	static const char *const of_interfaces[] = {"mtu", "socketPath", "pciID", NULL};
	static const char *const of_routes[] = {"mtu",	 "advmss", "priority",
						"table", "scope",  NULL};
	static const char *const of_ips[] = {"version", NULL};
	cJSON *ips = json_get(result, "ips");

	if (era < CNI_ERA_1_1) {
		drop_in_each(json_get(result, "interfaces"), of_interfaces);
		drop_in_each(json_get(result, "routes"), of_routes);
	}
	if (era == CNI_ERA_0_3)
		return add_ip_versions(ips);
	drop_in_each(ips, of_ips);
	return 0;
}

static int set_version(cJSON *result, const char *version)
{
	cJSON *item = cJSON_CreateString(version);

	if (item && (json_get(result, "cniVersion")
			     ? cJSON_ReplaceItemInObjectCaseSensitive(result, "cniVersion", item)
			     : cJSON_AddItemToObject(result, "cniVersion", item)))
		return 0;
	cJSON_Delete(item);
	return -1;
}

char *cni_result_text(const cJSON *previous, const char *version)
{
	const cJSON *said = json_get(previous, "cniVersion");
	_json_ cJSON *result = cJSON_Duplicate(previous, 1);
	bool same = cJSON_IsString(said) && !strcmp(said->valuestring, version);

	if (!result ||
	    (!same && (convert(result, cni_era(version)) || set_version(result, version))))
		return NULL;
	return cJSON_PrintUnformatted(result);
}

char *cni_versions_text(const char *said)
{
	_json_ cJSON *root = cJSON_CreateObject();
	cJSON *list = cJSON_CreateArray();
	bool ours = said && cni_era(said) != CNI_ERA_NONE;

	if (!cJSON_AddItemToObject(root, "supportedVersions", list)) {
		cJSON_Delete(list);
		return NULL;
	}
	for (size_t i = 0; cni_versions[i]; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(cni_versions[i]));
	cJSON_AddStringToObject(root, "cniVersion", ours ? said : CNI_NEWEST);
	return cJSON_PrintUnformatted(root);
}
