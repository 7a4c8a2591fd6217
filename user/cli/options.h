/* SPDX-License-Identifier: MIT */
/* options.h - typed options, and the words around them. */
#ifndef PORTLIC_OPTIONS_H
#define PORTLIC_OPTIONS_H

#include "cli.h"

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_TIME,   /* seconds since 1970 UTC */
	OPTION_PID,    /* > 0 */
	OPTION_PORT,   /* 1 to 65535 */
	OPTION_SPAN,   /* seconds, read from "90s", "30m", "1h", "7d" */
	OPTION_CHOICE, /* `value` lists the words, with | between */
};

struct option_spec {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	const char *value; /* how help calls the value; NULL for a flag */
	const char *help;
};

extern const struct option_spec option_specs[OPT_COUNT];

/*
 * Takes the options out of argv[1 .. argc-1] (--name VALUE, --name=VALUE, -o VALUE, anywhere before
 * `--`) and leaves the other words in args->operands, an array of argc pointers that the caller owns.
 * 0, or EXIT_USAGE with a message.
 */
int options_parse(int argc, char **argv, struct args *args, struct failure *why);

/* Are all options among those of args->command, the required ones there, the operands as many? */
int options_check(const struct args *args, struct failure *why);

/* A word of words[0 .. n-1] that `word` may have been meant to be; NULL: none is near. */
const char *suggest(const char *word, const char *const *words, size_t n);

#endif
