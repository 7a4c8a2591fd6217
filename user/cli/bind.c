/* SPDX-License-Identifier: MIT */
/* bind.c - who this node is, for licenses bound to a cluster or a node. */
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "cleanup.h"
#include "files.h"

#define MACHINE_ID "/etc/machine-id" /* machine-id(5): 32 hexadecimal digits and a newline */

static char *machine_id(void)
{
	_buffer_ struct buffer text = {};
	struct failure ignored;

	if (file_read(MACHINE_ID, 64, &text, &ignored))
		return NULL;
	text.bytes[strcspn(text.bytes, " \t\r\n")] = '\0';
	return text.bytes[0] ? strdup(text.bytes) : NULL;
}

static int set_member(const char *word, struct identity *identity, struct failure *why)
{
	const char *equals = strchr(word, '=');
	char **to = NULL;

	if (!strncmp(word, "cluster=", 8))
		to = &identity->cluster;
	else if (!strncmp(word, "node=", 5))
		to = &identity->node;
	if (!to || !equals[1] || *to)
		return fail(why, EXIT_USAGE,
			    "--bind \"%s\": give cluster=UID, node=ID, both with a "
			    "comma between, or skip",
			    word);
	*to = strdup(equals + 1);
	return *to ? 0 : fail(why, EXIT_USAGE, "out of memory");
}

int identity_parse(const char *bind, struct identity *out, struct failure *why)
{
	_free_ char *copy = bind ? strdup(bind) : NULL;
	char *rest = copy, *word;
	int r = 0;

	if (bind && !strcmp(bind, "skip")) {
		out->skip = true;
		return 0;
	}
	while (!r && (word = strsep(&rest, ",")))
		r = set_member(word, out, why);
	if (!r && !out->node)
		out->node = machine_id();
	return r;
}

void identity_free(struct identity *identity)
{
	free(identity->cluster);
	free(identity->node);
}
