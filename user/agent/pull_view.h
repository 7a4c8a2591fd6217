/* SPDX-License-Identifier: MIT */
/* pull_view.h - the pull sources as the API, the status and the metrics show them. */
#ifndef PORTLIC_AGENT_PULL_VIEW_H
#define PORTLIC_AGENT_PULL_VIEW_H

#include <stdio.h>

#include <cjson/cJSON.h>

struct agent;

cJSON *pull_json(const struct agent *agent);
void pull_warn(const struct agent *agent, cJSON *warnings);
void pull_metrics(FILE *out, const struct agent *agent);

#endif
