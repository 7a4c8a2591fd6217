/* SPDX-License-Identifier: MIT */
/* notify_view.h - the targets of events as the status and the metrics show them. */
#ifndef PORTLIC_AGENT_NOTIFY_VIEW_H
#define PORTLIC_AGENT_NOTIFY_VIEW_H

#include <stdio.h>

#include <cjson/cJSON.h>

struct agent;

cJSON *notify_json(const struct agent *agent);
void notify_warn(const struct agent *agent, cJSON *warnings);
void notify_metrics(FILE *out, const struct agent *agent);

#endif
