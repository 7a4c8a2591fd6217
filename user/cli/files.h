/* SPDX-License-Identifier: MIT */
/* files.h - whole files, read once into one buffer. */
#ifndef PORTLIC_FILES_H
#define PORTLIC_FILES_H

#include "cli.h"

struct buffer {
	char *bytes; /* len bytes and a NUL that doesn't count */
	size_t len;
};

/*
 * Reads path ("-": stdin) up to one byte past max, so that the reader sees that a file is too big.
 * 0, or EXIT_USAGE with a message that quotes the path.
 */
int file_read(const char *path, size_t max, struct buffer *out, struct failure *why);
void buffer_free(struct buffer *buffer);
/* Makes a new file of mode; never one that exists. EXIT_USAGE with a message. */
int file_create(const char *path, int mode, const char *text, struct failure *why);
/* What stands behind the last slash. */
const char *file_name(const char *path);

#define _buffer_ __attribute__((cleanup(buffer_free)))

#endif
