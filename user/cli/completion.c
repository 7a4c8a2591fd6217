/* SPDX-License-Identifier: MIT */
/* completion.c - the completion script for bash, written from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "options.h"

static void completion_options(uint64_t ids)
{
	for (int id = 0; id < OPT_COUNT; id++)
		if (ids & OPTION_BIT(id))
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

static void completion_verbs(void)
{
	const char *last = "";

	printf("\t\t'')\n\t\t\twords='");
	for (size_t i = 0; i < commands.n; i++) {
		const struct command *cmd = &commands.list[i];
		const char *first = cmd->noun ? cmd->noun : cmd->verb;

		if (strcmp(first, last) != 0)
			printf("%s%s", *last ? " " : "", first);
		last = first;
	}
	printf("' ;;\n");
	for (size_t i = 0; i < commands.n; i++) {
		const char *noun = commands.list[i].noun;

		if (!noun ||
		    (i && commands.list[i - 1].noun && !strcmp(noun, commands.list[i - 1].noun)))
			continue;
		printf("\t\t%s)\n\t\t\twords='", noun);
		for (size_t j = i; j < commands.n && commands.list[j].noun &&
				   !strcmp(noun, commands.list[j].noun);
		     j++)
			printf("%s%s", j > i ? " " : "", commands.list[j].verb);
		printf("' ;;\n");
	}
}

void help_completion(void)
{
	printf("# SPDX-License-Identifier: MIT\n"
	       "# Completion of portlic for bash. Made by `make completion` from the table of "
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
	for (size_t i = 0; i < commands.n; i++) {
		char name[64];

		command_name(&commands.list[i], name, sizeof(name));
		printf("\t\t'%s'*) words='", name);
		completion_options(commands.list[i].options);
		printf("' ;;\n");
	}
	printf("\t\tesac\n\t\twords+='");
	completion_options(OPTIONS_GLOBAL);
	printf("'\n\telif [[ -z $words ]]; then\n\t\tcase $said in\n");
	completion_verbs();
	printf("\t\tesac\n\tfi\n"
	       "\t# shellcheck disable=SC2207 # no word of ours holds white space\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	       "}\ncomplete -o default -F _portlic portlic\n");
}
