/* SPDX-License-Identifier: MIT */
/* unheld.h - limits that a cgroup's gate can't hold its clients to as a namespace's does: warned of. */
#ifndef PORTLIC_AGENT_UNHELD_H
#define PORTLIC_AGENT_UNHELD_H

#include <cjson/cJSON.h>

#include "gates.h"

void unheld_warn(cJSON *warnings, const struct gate_entry *entry);

#endif
