/* SPDX-License-Identifier: MIT */
/* help.c - help and shell completion, written from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "options.h"

/* "license sign", "status" */
static int full_name(const struct command *cmd, char *out, size_t size)
{
	return snprintf(out, size, "%s%s%s", cmd->noun ? cmd->noun : "", cmd->noun ? " " : "",
			cmd->verb);
}

static void list_verbs(const struct commands *commands, const char *noun)
{
	for (size_t i = 0; i < commands->n; i++) {
		const struct command *cmd = &commands->list[i];
		char name[64];

		if (noun && (!cmd->noun || strcmp(cmd->noun, noun) != 0))
			continue;
		full_name(cmd, name, sizeof(name));
		printf("  %-16s  %s\n", name, cmd->summary);
	}
}

static void list_options(uint32_t ids)
{
	for (int id = 0; id < OPT_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];
		char name[64];

		if (!(ids & (1U << id)))
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

void help_all(const struct commands *commands)
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
	list_verbs(commands, NULL);
	printf("\nOptions of all commands:\n");
	list_options(OPTIONS_GLOBAL);
	printf("\nExit status: 0 done, 1 refused, 2 usage or I/O, 4 no agent; `license verify` has "
	       "its own.\nMore: portlic COMMAND --help, portlic(1)\n");
	list_examples(examples, sizeof(examples) / sizeof(examples[0]));
}

void help_noun(const struct commands *commands, const char *noun)
{
	printf("Usage: portlic %s VERB [OPTION...] [ARGUMENT...]\n\nVerbs:\n", noun);
	list_verbs(commands, noun);
	printf("\nOptions of all commands:\n");
	list_options(OPTIONS_GLOBAL);
	printf("\nEXAMPLES\n");
	for (size_t i = 0; i < commands->n; i++) {
		const struct command *cmd = &commands->list[i];

		if (cmd->noun && !strcmp(cmd->noun, noun))
			printf("  %s  # %s\n", cmd->examples[0].command, cmd->examples[0].why);
	}
}

void help_command(const struct command *cmd)
{
	char name[64];

	full_name(cmd, name, sizeof(name));
	printf("portlic %s - %s\n\nUsage: portlic %s %s\n", name, cmd->summary, name, cmd->usage);
	if (cmd->options) {
		printf("\nOptions:\n");
		list_options(cmd->options);
	}
	printf("\nOptions of all commands:\n");
	list_options(OPTIONS_GLOBAL);
	list_examples(cmd->examples, sizeof(cmd->examples) / sizeof(cmd->examples[0]));
}

static void completion_options(uint32_t ids)
{
	for (int id = 0; id < OPT_COUNT; id++)
		if (ids & (1U << id))
			printf(" --%s", option_specs[id].name);
}

static void completion_choices(void)
{
	for (int id = 0; id < OPT_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];

		if (spec->kind != OPTION_CHOICE)
			continue;
		if (spec->letter)
			printf("\t-%c | --%s)", spec->letter, spec->name);
		else
			printf("\t--%s)", spec->name);
		printf(" words='");
		for (const char *c = spec->value; *c; c++)
			putchar(*c == '|' ? ' ' : *c);
		printf("' ;;\n");
	}
}

static void completion_verbs(const struct commands *commands)
{
	const char *last = "";

	printf("\t\t'')\n\t\t\twords='");
	for (size_t i = 0; i < commands->n; i++) {
		const struct command *cmd = &commands->list[i];
		const char *first = cmd->noun ? cmd->noun : cmd->verb;

		if (strcmp(first, last) != 0)
			printf("%s%s", *last ? " " : "", first);
		last = first;
	}
	printf("' ;;\n");
	for (size_t i = 0; i < commands->n; i++) {
		const char *noun = commands->list[i].noun;

		if (!noun ||
		    (i && commands->list[i - 1].noun && !strcmp(noun, commands->list[i - 1].noun)))
			continue;
		printf("\t\t%s)\n\t\t\twords='", noun);
		for (size_t j = i; j < commands->n && commands->list[j].noun &&
				   !strcmp(noun, commands->list[j].noun);
		     j++)
			printf("%s%s", j > i ? " " : "", commands->list[j].verb);
		printf("' ;;\n");
	}
}

void help_completion(const struct commands *commands)
{
	printf("# Completion of portlic for bash. Made by `make completion` from the table of "
	       "commands.\n"
	       "_portlic() {\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	       "\tlocal words='' said='' i\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n"
	       "\t\t-o | --socket | --output) ((i++)) ;;\n"
	       "\t\t-*) ;;\n"
	       "\t\t*) said+=${said:+ }${COMP_WORDS[i]} ;;\n"
	       "\t\tesac\n"
	       "\tdone\n"
	       "\tcase $prev in\n");
	completion_choices();
	printf("\tesac\n\tif [[ -z $words && $cur == -* ]]; then\n\t\tcase $said in\n");
	for (size_t i = 0; i < commands->n; i++) {
		char name[64];

		full_name(&commands->list[i], name, sizeof(name));
		printf("\t\t'%s'*) words='", name);
		completion_options(commands->list[i].options);
		printf("' ;;\n");
	}
	printf("\t\tesac\n\t\twords+='");
	completion_options(OPTIONS_GLOBAL);
	printf("'\n\telif [[ -z $words ]]; then\n\t\tcase $said in\n");
	completion_verbs(commands);
	printf("\t\tesac\n\tfi\n"
	       "\t# shellcheck disable=SC2207 # no word of ours holds white space\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	       "}\ncomplete -o default -F _portlic portlic\n");
}
