/* SPDX-License-Identifier: MIT */
/* licenseview.h - a license file as the API shows it, or refuses it. */
#ifndef PORTLIC_AGENT_LICENSEVIEW_H
#define PORTLIC_AGENT_LICENSEVIEW_H

#include <cjson/cJSON.h>

struct licenses;
struct agent;
struct http_request;
struct license;
struct rejection;
struct source_file;

/* NULL: no memory. */
cJSON *license_json(const struct licenses *licenses, const struct source_file *file);

/* Answers that a token is rejected, and why. */
void license_rejected(struct http_request *request, const char *name, const struct rejection *why);

/* Another line's file must not be overwritten by accident. -EEXIST: answered. */
int license_other_line(const struct agent *agent, struct http_request *request, const char *name,
		       const struct license *lic);

#endif
