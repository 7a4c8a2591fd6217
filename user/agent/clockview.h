/* SPDX-License-Identifier: MIT */
/* clockview.h - the clock as the API shows it. */
#ifndef PORTLIC_AGENT_CLOCKVIEW_H
#define PORTLIC_AGENT_CLOCKVIEW_H

#include <cjson/cJSON.h>

struct agent;

cJSON *clock_json(const struct agent *agent);

/* What is wrong with the clock or with state.json. */
void clock_warn(cJSON *warnings, const struct agent *agent);

#endif
