/* SPDX-License-Identifier: MIT */
/* outcome.h - what became of a request for one object of the Kubernetes API. Pure. */
#ifndef PORTLIC_OUTCOME_H
#define PORTLIC_OUTCOME_H

enum outcome {
	OUTCOME_DONE,	  /* the write succeeded, the GET found it */
	OUTCOME_CONFLICT, /* somebody else's write came first, or it exists already */
	OUTCOME_MISSING,  /* there is none */
	OUTCOME_FAILED,	  /* nobody knows */
};

#endif
