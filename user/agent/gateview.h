/* SPDX-License-Identifier: MIT */
/* gateview.h - a gate as the API shows it. */
#ifndef PORTLIC_AGENT_GATEVIEW_H
#define PORTLIC_AGENT_GATEVIEW_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "gate.h"

struct agent;
struct gate_entry;

cJSON *gate_json(const struct agent *agent, const struct gate_entry *entry);

/* A warning for each gate that doesn't follow what was asked for last. */
void gates_warn_errors(cJSON *warnings, const struct agent *agent);

/* Something listens there and nothing that holds now opens it. */
bool gate_unlicensed(const struct gate_entry *entry, const struct gate_listener *listener);

#endif
