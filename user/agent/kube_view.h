/* SPDX-License-Identifier: MIT */
/* kube_view.h - the connection to the API server as the status and the metrics show it. */
#ifndef PORTLIC_AGENT_KUBE_VIEW_H
#define PORTLIC_AGENT_KUBE_VIEW_H

#include <stdio.h>

#include <cjson/cJSON.h>

struct agent;

void kube_warn(const struct agent *agent, cJSON *warnings);
void kube_metrics(FILE *out, const struct agent *agent);

#endif
