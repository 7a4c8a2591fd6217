/* SPDX-License-Identifier: MIT */
/* help.h - what the table of commands says of itself: help and shell completion. */
#ifndef PORTLIC_HELP_H
#define PORTLIC_HELP_H

#include "cli.h"

struct commands {
	const struct command *list;
	size_t n;
};

void help_all(const struct commands *commands);
void help_noun(const struct commands *commands, const char *noun);
void help_command(const struct command *cmd);
/* The completion script for bash, as it stands in deploy/completion/. */
void help_completion(const struct commands *commands);

#endif
