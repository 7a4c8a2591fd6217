/* SPDX-License-Identifier: MIT */
/* decide.h - whether the agent has to be asked about a pod, and what holds if it can't be. Pure. */
#ifndef PORTLIC_CNI_DECIDE_H
#define PORTLIC_CNI_DECIDE_H

#include <stdbool.h>

#include "call.h"
#include "cni_selection.h"
#include "conf.h"

/* said: what the selection says of the call's namespace; NULL: the agent left none that can be read. */
bool cni_may_be_selected(const struct cni_call *call, const struct cni_conf *conf,
			 const struct cni_said *said);

/* Without a selection: kube-system and what else Kubernetes itself puts up. */
bool cni_is_system(const char *namespace);

/* Whoever may select it refuses nothing, and it asks for nothing else: it starts without the agent, too. */
bool cni_is_watched(const struct cni_call *call, const struct cni_conf *conf,
		    const struct cni_said *said);

/* How messages name the pod: pod "web-1" of namespace "shop". */
void cni_pod_text(const struct cni_call *call, struct fault *out);

#endif
