/* SPDX-License-Identifier: MIT */
/* licenseview.h - a license file as the API shows it. */
#ifndef PORTLIC_AGENT_LICENSEVIEW_H
#define PORTLIC_AGENT_LICENSEVIEW_H

#include <cjson/cJSON.h>

struct source_file;

cJSON *license_json(const struct source_file *file);

#endif
