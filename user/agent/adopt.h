/* SPDX-License-Identifier: MIT */
/* adopt.h - the pins that an earlier agent left. */
#ifndef PORTLIC_AGENT_ADOPT_H
#define PORTLIC_AGENT_ADOPT_H

#include "attach.h"

/*
 * First job of the agent: opens the node's maps and looks at the pins of an earlier agent. Those of
 * known gates and of living namespaces are taken over, the rest is removed. found() with an
 * error: the agent can't work (no bpffs, no rights).
 */
void adopt_pins(struct agent *agent, attach_done *found);

/* The directory of the pins is still the one it was; else an alarm. To be called often. */
void adopt_watch(struct agent *agent);

#endif
