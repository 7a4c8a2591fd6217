/* SPDX-License-Identifier: MIT */
/* fault.h - what went wrong, in words, on its way to the one place that prints it. */
#ifndef PORTLIC_FAULT_H
#define PORTLIC_FAULT_H

/* A message says what failed, on what (quoted), why, and what to do. text is "" when all is well. */
struct fault {
	char text[512];
};

/* Writes the message (cut at the end of text) unless f is NULL; returns -err, err > 0 an errno. */
__attribute__((format(printf, 3, 4))) int fault_set(struct fault *f, int err, const char *fmt, ...);

#endif
