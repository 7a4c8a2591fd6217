/* SPDX-License-Identifier: MIT */
/* agent.h - one question to the agent, over its Unix socket. */
#ifndef PORTLIC_CNI_AGENT_H
#define PORTLIC_CNI_AGENT_H

#include "call.h"
#include "fault.h"

enum cni_answer {
	CNI_GATED,	/* or, of CHECK: as it should be */
	CNI_UNSELECTED, /* nothing selects it */
	CNI_REFUSAL,	/* it is selected and has no gate: why says so */
	CNI_AWAY,	/* no agent, or it is starting or stopping: why */
	CNI_UNCLEAR,	/* its answer is none of ours: why */
};

/* Asks POST /v1/cni, 30 s at most (DEL: 5 s). */
enum cni_answer cni_ask(const char *socket, const struct cni_call *call, struct fault *why);

/* GET /healthz: CNI_GATED if somebody answers, else CNI_AWAY. */
enum cni_answer cni_agent_lives(const char *socket, struct fault *why);

#endif
