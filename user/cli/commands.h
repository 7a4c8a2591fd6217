/* SPDX-License-Identifier: MIT */
/* commands.h - all verbs of the command line. */
#ifndef PORTLIC_COMMANDS_H
#define PORTLIC_COMMANDS_H

#include "cli.h"

#define COMMANDS_MAX 64 /* more than there will be */

struct commands {
	const struct command *list;
	size_t n;
};

extern const struct commands commands;

/* "license sign", "status"; returns the length. */
int command_name(const struct command *cmd, char *out, size_t size);

#endif
