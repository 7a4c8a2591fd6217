/* SPDX-License-Identifier: MIT */
/* licenseview.h - a license file as the API shows it. */
#ifndef PORTLIC_AGENT_LICENSEVIEW_H
#define PORTLIC_AGENT_LICENSEVIEW_H

#include <cjson/cJSON.h>

struct licenses;
struct source_file;

/* NULL: no memory. */
cJSON *license_json(const struct licenses *licenses, const struct source_file *file);

#endif
