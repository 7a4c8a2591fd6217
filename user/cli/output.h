/* SPDX-License-Identifier: MIT */
/* output.h - what reaches stdout and stderr. */
#ifndef PORTLIC_OUTPUT_H
#define PORTLIC_OUTPUT_H

#include <stdio.h>

#include "cli.h"
#include "json.h"

/* An error: on stderr for people, {"error","reason"} on stdout with -o json. */
void print_failure(bool json, const struct failure *why);
/* A warning: always on stderr. */
__attribute__((format(printf, 1, 2))) void warning(const char *fmt, ...);

/* Prints an object or array on its own line (compact) or indented; EXIT_USAGE when out of memory. */
int print_json_line(const cJSON *json, struct failure *why);
int print_json(const cJSON *json, struct failure *why);
/* "label        text", "-" for NULL or "". */
void print_field(const char *label, const char *text);
/* What was done to what: "gate web: deleted", or {"deleted":"web"}. */
int print_done(const struct args *args, const char *noun, const char *name, const char *done,
	       struct failure *why);

/*
 * A copy of text that a terminal can't be fooled with: control characters (C0, DEL, C1) become '?',
 * bytes that are no UTF-8 too. The files shown were written by others. NULL: out of memory.
 */
char *printable(const char *text);

/* Members of an object from the agent; NULL, 0 or false when absent or of another type. */
const char *member_text(const cJSON *object, const char *name);
double member_number(const cJSON *object, const char *name);
bool member_true(const cJSON *object, const char *name);

#endif
