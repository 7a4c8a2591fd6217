/* SPDX-License-Identifier: MIT */
/* uninstall.h - takes everything away that the agent left on this node. */
#ifndef PORTLIC_AGENT_UNINSTALL_H
#define PORTLIC_AGENT_UNINSTALL_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "config.h"
#include "fault.h"

/*
 * Gates and whatever else is pinned, the entitlements, the socket; with `state` the state directory, too. Not
 * while an agent holds the locks (-EWOULDBLOCK), but with `force`. *done says what was removed, of what there
 * was: {"bpffs":"PATH","gates":["NAME"],"pins":n,"files":n,"left":["PATH: why"]}; `left` are directories that
 * can't go, being mount points: they are empty.
 */
int uninstall(const struct config *config, bool state, bool force, cJSON **done, struct fault *f);

#endif
