/* SPDX-License-Identifier: MIT */
/* license_text.c - a license's ports in words. */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "license_text.h"
#include "porttext.h"

cJSON *license_ports_json(const struct license *lic)
{
	_json_ cJSON *ports = cJSON_CreateArray();

	for (size_t i = 0; i < lic->n_ports; i++) {
		char text[PORTTEXT_LEN];
		cJSON *port = cJSON_CreateString(porttext(&lic->ports[i], text));

		if (!cJSON_AddItemToArray(ports, port)) {
			cJSON_Delete(port);
			return NULL;
		}
	}
	return TAKE_PTR(ports);
}

char *license_ports_text(const cJSON *ports, size_t most)
{
	size_t n = (size_t)cJSON_GetArraySize(ports), shown = 0, size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	const cJSON *port;

	if (!out)
		return NULL;
	cJSON_ArrayForEach (port, ports) {
		const char *name = cJSON_GetStringValue(port);

		if (shown == most)
			break;
		fprintf(out, "%s%s", shown++ ? ", " : "", name ? name : "?");
	}
	if (n > shown)
		fprintf(out, "%s+%zu more", shown ? ", " : "", n - shown);
	return fclose(out) ? NULL : text;
}
