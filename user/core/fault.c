/* SPDX-License-Identifier: MIT */
/* fault.c - writes a message into its bounded place. */
#include "fault.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

void fault_format(char *text, size_t size, const char *fmt, va_list ap)
{
	unsigned char *c = (unsigned char *)text;
	size_t left, n;

	if (vsnprintf(text, size, fmt, ap) < 0)
		text[0] = '\0';
	for (left = strlen(text); left; c += n, left -= n) {
		n = utf8_length(c, left);
		if (n && !utf8_control(c))
			continue;
		*c = '?';
		n = 1;
	}
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
