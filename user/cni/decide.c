/* SPDX-License-Identifier: MIT */
/* decide.c - pods that nothing can select aren't kept waiting. */
#include "decide.h"

#include <errno.h>
#include <string.h>

bool cni_is_system(const char *namespace)
{
	for (size_t i = 0; namespace && i < CNI_N_SYSTEM; i++)
		if (!strcmp(namespace, cni_system_namespaces[i]))
			return true;
	return false;
}

bool cni_may_be_selected(const struct cni_call *call, const struct cni_conf *conf,
			 const struct cni_said *said)
{
	if (!said)
		return !cni_is_system(call->namespace);
	if (!call->namespace)
		return said->gates; /* no pod of Kubernetes */
	switch (said->selected) {
	case CNI_NEVER:
		return false;
	case CNI_ASKED:
		return conf->asks || !conf->sees_annotations;
	default:
		return true;
	}
}

bool cni_is_watched(const struct cni_call *call, const struct cni_conf *conf,
		    const struct cni_said *said)
{
	return said && call->namespace && said->selected == CNI_WATCHED && !conf->asks &&
	       conf->sees_annotations;
}

void cni_pod_text(const struct cni_call *call, struct fault *out)
{
	if (call->namespace)
		fault_set(out, EINVAL, "pod \"%s\" of namespace \"%s\"",
			  call->name ? call->name : "?", call->namespace);
	else
		fault_set(out, EINVAL, "container \"%s\"",
			  call->name	    ? call->name
			  : call->container ? call->container
					    : "?");
}
