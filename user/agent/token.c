/* SPDX-License-Identifier: MIT */
/* token.c - reads a bearer token, without the line's end. */
#include "token.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "file.h"

int token_read(const char *path, char **out, struct fault *f)
{
	_free_ char *text = NULL;
	_free_ void *bytes = NULL;
	struct fault why = {0};
	size_t len = 0, i;
	int err = file_read(path, TOKEN_MAX_BYTES, &bytes, &len, &why);

	if (err)
		return fault_set(f, -err, "token_file \"%s\" can't be read: %s", path, why.text);
	text = strndup(bytes, len);
	if (!text)
		return -ENOMEM;
	while (len && strchr("\r\n", text[len - 1]))
		text[--len] = '\0';
	for (i = 0; i < len && text[i] > ' ' && text[i] <= '~'; i++)
		;
	if (!len || i < len)
		return fault_set(f, EINVAL,
				 "token_file \"%s\" must hold one token on one line, printable "
				 "ASCII without blanks",
				 path);
	*out = TAKE_PTR(text);
	return 0;
}
