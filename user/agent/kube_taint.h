/* SPDX-License-Identifier: MIT */
/* kube_taint.h - the taint that keeps pods off a node until its agent is ready. */
#ifndef PORTLIC_AGENT_KUBE_TAINT_H
#define PORTLIC_AGENT_KUBE_TAINT_H

#include <stdbool.h>

#define KUBE_TAINT "node.portlic.dev/agent-not-ready"

struct agent;
struct kube_request;

struct kube_taint {
	struct kube_request *request; /* under way */
	bool over;		      /* the node has no such taint */
	bool told;		      /* why it can't go */
	unsigned int waited;	      /* ticks since the last try */
};

/* Once the agent is ready and knows namespaces and PortPolicies it takes the taint off its own node, if it is there. To be called every second. */
void kube_taint_tick(struct agent *agent);
void kube_taint_stop(struct agent *agent);

#endif
