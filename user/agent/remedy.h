/* SPDX-License-Identifier: MIT */
/* remedy.h - what to do about a denial, in one sentence. */
#ifndef PORTLIC_AGENT_REMEDY_H
#define PORTLIC_AGENT_REMEDY_H

#include <stddef.h>

#include "portlic.h"

struct remedy_case {
	enum plic_reason reason;
	const char *port;   /* "8080/TCP" */
	const char *lid;    /* NULL: no license stands behind the port */
	const char *policy; /* NULL: the gate has none */
	const char *origin; /* of the client */
	const char *seats;  /* what is to be done for seats of the cluster; NULL: they aren't */
};

/* Writes the sentence, without a full stop. */
void remedy_text(const struct remedy_case *at, char *out, size_t size);

#endif
