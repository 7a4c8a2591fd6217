/* SPDX-License-Identifier: MIT */
/* help.h - what the table of commands says of itself: help and shell completion. */
#ifndef PORTLIC_HELP_H
#define PORTLIC_HELP_H

#include "commands.h"

void help_all(void);
void help_noun(const char *noun);
void help_command(const struct command *cmd);
/* The completion script for bash, as it stands in deploy/completion/. */
void help_completion(void);

#endif
