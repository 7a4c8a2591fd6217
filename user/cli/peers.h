/* SPDX-License-Identifier: MIT */
/* peers.h - the clients of a port, as `port show` has them. */
#ifndef PORTLIC_PEERS_H
#define PORTLIC_PEERS_H

#include <cjson/cJSON.h>

#include "cli.h"

/* Asks the agent for the clients of a port. 0 and *out, to be deleted, or an exit status. */
int peers_get(const struct args *args, const char *gate, long port, const char *protocol,
	      cJSON **out, struct failure *why);

/* How many came in the last day, and the first few of them. */
void peers_print(const cJSON *peers);

#endif
