/* SPDX-License-Identifier: MIT */
/* main.c - the portlic command line: how a verb is found and run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cleanup.h"
#include "commands.h"
#include "help.h"
#include "options.h"
#include "output.h"

/* The words that may stand at a place: nouns and bare verbs, or the verbs of a noun. */
static size_t words_at(const char *noun, const char *words[COMMANDS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < commands.n; i++) {
		const char *has = commands.list[i].noun;

		if (noun && has && !strcmp(has, noun))
			words[n++] = commands.list[i].verb;
		else if (!noun && (!n || !has || strcmp(words[n - 1], has) != 0))
			words[n++] = has ? has : commands.list[i].verb;
	}
	return n;
}

static int unknown_word(const char *noun, const char *word, struct failure *why)
{
	const char *words[COMMANDS_MAX], *near;
	const char *gap = noun ? " " : "", *before = noun ? noun : "";
	size_t n = words_at(noun, words), at = 0;
	char list[256] = "";

	for (size_t i = 0; i < n && at < sizeof(list); i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "",
				       words[i]);
	if (!word)
		return fail(why, EXIT_USAGE, "%s%sneeds a %s: %s; see `portlic %s%s--help`",
			    noun ? noun : "portlic", " ", noun ? "verb" : "command", list, before,
			    gap);
	near = suggest(word, words, n);
	if (near)
		return fail(why, EXIT_USAGE,
			    "unknown command \"%s%s%s\"; did you mean `portlic %s%s%s`?", before,
			    gap, word, before, gap, near);
	return fail(why, EXIT_USAGE, "unknown command \"%s%s%s\"; there are: %s", before, gap, word,
		    list);
}

static bool is_noun(const char *word)
{
	for (size_t i = 0; i < commands.n; i++)
		if (commands.list[i].noun && !strcmp(commands.list[i].noun, word))
			return true;
	return false;
}

/* Takes noun and verb from the front of the operands. */
static int find_command(struct args *args, struct failure *why)
{
	const char *first = args->n_operands ? args->operands[0] : NULL;
	const char *noun = first && is_noun(first) ? first : NULL;
	const char *verb = !noun ? first : args->n_operands > 1 ? args->operands[1] : NULL;

	for (size_t i = 0; verb && i < commands.n; i++) {
		const struct command *cmd = &commands.list[i];

		if (strcmp(cmd->verb, verb) != 0 || !cmd->noun != !noun ||
		    (noun && strcmp(cmd->noun, noun) != 0))
			continue;
		args->command = cmd;
		args->operands += noun ? 2 : 1;
		args->n_operands -= noun ? 2 : 1;
		return 0;
	}
	return unknown_word(noun, verb, why);
}

static int help(struct args *args, struct failure *why)
{
	int r = 0;

	if (!args->n_operands)
		help_all();
	else if (args->n_operands == 1 && is_noun(args->operands[0]))
		help_noun(args->operands[0]);
	else if (!(r = find_command(args, why)))
		help_command(args->command);
	return r;
}

static int dispatch(struct args *args, struct failure *why)
{
	int r;

	if (option_text(args, OPT_HELP))
		return help(args, why);
	if (option_text(args, OPT_VERSION)) {
		puts("portlic " PORTLIC_VERSION);
		return 0;
	}
	if (args->n_operands == 1 && !strcmp(args->operands[0], "__complete")) {
		help_completion();
		return 0;
	}
	r = find_command(args, why);
	if (!r)
		r = options_check(args, why);
	return r ? r : args->command->run(args, why);
}

/* Errors obey -o json too, even one that stands before it on the command line. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--output=json") || !strcmp(argv[i], "-o=json") ||
		    ((!strcmp(argv[i], "-o") || !strcmp(argv[i], "--output")) && i + 1 < argc &&
		     !strcmp(argv[i + 1], "json")))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	_free_ char **operands = calloc((size_t)argc + 1, sizeof(*operands));
	struct args args = {.operands = operands, .json = wants_json(argc, argv)};
	struct failure why = {};
	int r;

	if (!operands || sodium_init() < 0)
		return EXIT_USAGE;
	r = options_parse(argc, argv, &args, &why);
	if (!r)
		r = dispatch(&args, &why);
	if (why.fault.text[0])
		print_failure(args.json, &why);
	if (fflush(stdout) || ferror(stdout)) {
		fail(&why, EXIT_USAGE, "can't write the output: %m");
		print_failure(false, &why);
		return EXIT_USAGE;
	}
	return r;
}
