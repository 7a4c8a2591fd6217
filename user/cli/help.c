/* SPDX-License-Identifier: MIT */
/* help.c - help, written from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "options.h"

#define EXIT_STATUS "0 done, 1 refused, 2 usage or I/O, 4 no agent"

static void list_verbs(const char *noun)
{
	for (size_t i = 0; i < commands.n; i++) {
		const struct command *cmd = &commands.list[i];
		char name[64];

		if (noun && (!cmd->noun || strcmp(cmd->noun, noun) != 0))
			continue;
		command_name(cmd, name, sizeof(name));
		printf("  %-16s  %s\n", name, cmd->summary);
	}
}

static void list_options(uint64_t ids)
{
	for (int id = 0; id < OPT_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];
		char name[64];

		if (!(ids & OPTION_BIT(id)))
			continue;
		if (spec->letter)
			snprintf(name, sizeof(name), "-%c, --%s %s", spec->letter, spec->name,
				 spec->value ? spec->value : "");
		else
			snprintf(name, sizeof(name), "--%s %s", spec->name,
				 spec->value ? spec->value : "");
		printf("  %-32s  %s\n", name, spec->help);
	}
}

static void list_examples(const struct example *examples, size_t n)
{
	int widest = 0;

	for (size_t i = 0; i < n && examples[i].command; i++)
		if ((int)strlen(examples[i].command) > widest)
			widest = (int)strlen(examples[i].command);
	printf("\nEXAMPLES\n");
	for (size_t i = 0; i < n && examples[i].command; i++)
		printf("  %-*s  # %s\n", widest, examples[i].command, examples[i].why);
}

void help_all(void)
{
	static const struct example examples[] = {
		{"portlic status", "what the agent of this node holds"},
		{"portlic license verify --trust trust.d --audience prod-1 acme.lic",
		 "would this license be taken, and until when"},
		{"portlic gate add web --netns web",
		 "put a gate before the namespace of `ip netns`"},
		{"portlic port list -o json", "every port of every gate, for programs"},
	};

	printf("portlic - which ports of a workload may be reached, by license\n\n"
	       "Usage: portlic [--socket PATH] COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n");
	list_verbs(NULL);
	printf("\nOptions of all commands:\n");
	list_options(OPTIONS_GLOBAL);
	printf("\nExit status: " EXIT_STATUS "; `license verify` has its own.\n"
	       "More: portlic COMMAND --help, portlic(1)\n");
	list_examples(examples, sizeof(examples) / sizeof(examples[0]));
}

void help_noun(const char *noun)
{
	struct example examples[COMMANDS_MAX];
	size_t n = 0;

	printf("Usage: portlic %s VERB [OPTION...] [ARGUMENT...]\n\nVerbs:\n", noun);
	list_verbs(noun);
	printf("\nOptions of all commands:\n");
	list_options(OPTIONS_GLOBAL);
	for (size_t i = 0; i < commands.n && n < COMMANDS_MAX; i++)
		if (commands.list[i].noun && !strcmp(commands.list[i].noun, noun))
			examples[n++] = commands.list[i].examples[0];
	list_examples(examples, n);
}

void help_command(const struct command *cmd)
{
	char name[64];

	command_name(cmd, name, sizeof(name));
	printf("portlic %s - %s\n\nUsage: portlic %s %s\n", name, cmd->summary, name, cmd->usage);
	if (cmd->options) {
		printf("\nOptions:\n");
		list_options(cmd->options);
	}
	printf("\nOptions of all commands:\n");
	list_options(OPTIONS_GLOBAL);
	printf("\nExit status: %s\n", cmd->exit_status ? cmd->exit_status : EXIT_STATUS);
	list_examples(cmd->examples, sizeof(cmd->examples) / sizeof(cmd->examples[0]));
}
