/* SPDX-License-Identifier: MIT */
/* fault.c - writes a message into its bounded place. */
#include "fault.h"

#include <stdio.h>
#include <string.h>

/* Drops a UTF-8 character that the end of the buffer cut in two. */
static void drop_cut_character(char *text)
{
	size_t len = strlen(text), start = len;

	while (start && len - start < 3 && (text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start && (text[start - 1] & 0xc0) == 0xc0)
		start--;
	if (start < len && (text[start] & 0xc0) == 0xc0) {
		size_t want = (text[start] & 0xe0) == 0xc0   ? 2
			      : (text[start] & 0xf0) == 0xe0 ? 3
							     : 4;
		if (len - start < want)
			text[start] = '\0';
	}
}

void fault_format(char *text, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(text, size, fmt, ap);

	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	if (n >= 0 && (size_t)n >= size)
		drop_cut_character(text);
}

int fault_set(struct fault *f, int err, const char *fmt, ...)
{
	va_list ap;

	if (!f)
		return -err;
	va_start(ap, fmt);
	fault_format(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return -err;
}
