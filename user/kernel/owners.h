/* SPDX-License-Identifier: MIT */
/* owners.h - which container listens on a port (plic_owners), as its sockets tell. */
#ifndef PORTLIC_OWNERS_H
#define PORTLIC_OWNERS_H

#include "fault.h"

struct gate;
struct sockets;

/*
 * Writes the owner of each port that TCP listens on or unconnected UDP is bound to, by the cgroup that made
 * the socket. A port that two containers have nobody owns: then neither counts as the one that listens.
 */
int owners_write(struct gate *g, const struct sockets *s, struct fault *f);

#endif
