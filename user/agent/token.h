/* SPDX-License-Identifier: MIT */
/* token.h - a bearer token from its file, read anew for each use: it may be rotated. */
#ifndef PORTLIC_AGENT_TOKEN_H
#define PORTLIC_AGENT_TOKEN_H

#include "fault.h"

#define TOKEN_MAX_BYTES 8192

/* *out is the caller's. The fault names the file and never what stands in it. */
int token_read(const char *path, char **out, struct fault *f);

#endif
