/* SPDX-License-Identifier: MIT */
/* error.h - why a call of the plugin failed, as CNI wants to be told. Pure. */
#ifndef PORTLIC_CNI_ERROR_H
#define PORTLIC_CNI_ERROR_H

#include "fault.h"

/* The codes of the CNI specification, then our own. */
enum cni_code {
	CNI_OK = 0,
	CNI_INCOMPATIBLE = 1, /* a cniVersion that we don't have */
	CNI_BAD_ENVIRONMENT = 4,
	CNI_IO = 5,
	CNI_BAD_JSON = 6,
	CNI_BAD_CONFIG = 7,
	CNI_TRY_AGAIN = 11,
	CNI_UNAVAILABLE = 50,	  /* of STATUS: no ADD can be served */
	CNI_REFUSED = 100,	  /* the agent: the pod is selected, and no gate could come up */
	CNI_NOT_UNDERSTOOD = 101, /* the agent's answer */
};

/* message: a sentence for `kubectl describe pod`; remedy: what to do. */
struct cni_error {
	enum cni_code code;
	struct fault message, remedy;
};

/* Returns -1. remedy may be "". */
__attribute__((format(printf, 4, 5))) int cni_fail(struct cni_error *error, enum cni_code code,
						   const char *remedy, const char *fmt, ...);

/* The object of the specification, malloc; NULL: no memory. version NULL: not known. */
char *cni_error_text(const struct cni_error *error, const char *version);

#endif
