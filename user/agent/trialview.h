/* SPDX-License-Identifier: MIT */
/* trialview.h - what requests that may be on trial share. */
#ifndef PORTLIC_AGENT_TRIALVIEW_H
#define PORTLIC_AGENT_TRIALVIEW_H

#include "trial.h"

struct http_request;

/* ?confirm=SECONDS; 0: not given. -EINVAL: it has been answered. */
int trial_seconds(struct http_request *request, int64_t *seconds);

/* Puts the request's body on trial, as its ?file=, and applies. Else it has been answered. */
int trial_ask(struct agent *agent, struct http_request *request, enum trial_kind kind,
	      int64_t seconds);

/* Warns of what is on trial, and of enforced rehearsals. */
void trial_warn(cJSON *warnings, const struct agent *agent);

#endif
