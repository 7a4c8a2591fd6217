/* SPDX-License-Identifier: MIT */
/* fault.h - what went wrong, in words, on its way to the one place that prints it. */
#ifndef PORTLIC_FAULT_H
#define PORTLIC_FAULT_H

#include <stdarg.h>
#include <stddef.h>

/* A message says what failed, on what (quoted), why, and what to do. text is "" when all is well. */
struct fault {
	char text[512];
};

/* Writes the message (cut at the end of text) unless f is NULL; returns -err, err > 0 an errno. */
__attribute__((format(printf, 3, 4))) int fault_set(struct fault *f, int err, const char *fmt, ...);

/*
 * vsnprintf for messages that quote what others wrote: control characters and what is no UTF-8 (a
 * character that was cut in two) become '?'.
 */
__attribute__((format(printf, 3, 0))) void fault_format(char *text, size_t size, const char *fmt,
							va_list ap);

#endif
