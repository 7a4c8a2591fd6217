/* SPDX-License-Identifier: MIT */
/* listen.h - the agent's listening sockets. Both return a descriptor or -errno. */
#ifndef PORTLIC_AGENT_LISTEN_H
#define PORTLIC_AGENT_LISTEN_H

#include <sys/socket.h>

#include "fault.h"

/* Mode 0600; its directory is made (0755) if absent. -EADDRINUSE: somebody answers there already. */
int listen_unix(const char *path, struct fault *f);

/* text: the address as the operator wrote it, for messages. */
int listen_tcp(const struct sockaddr *addr, socklen_t len, const char *text, struct fault *f);

#endif
