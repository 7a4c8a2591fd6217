/* SPDX-License-Identifier: MIT */
/* trust_store.c - trust stores: out of a directory of *.jwks files, out of one own key. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "output.h"
#include "trust_store.h"

static int is_jwks(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".jwks");
}

static void add_file(struct trust *trust, const char *dir, const char *name)
{
	_buffer_ struct buffer text = {};
	struct failure why = {};
	_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		path = NULL;
	/* A FIFO would keep us waiting for its writer. */
	if (path && (stat(path, &st) || !S_ISREG(st.st_mode)))
		fault_set(&why.fault, EINVAL, "\"%s\" is no regular file", path);
	else if (path && !file_read(path, TRUST_MAX_BYTES, &text, &why) &&
		 !trust_add(trust, name, text.bytes, text.len, &why.fault))
		return;
	warning("trust file left out: %s", why.fault.text[0] ? why.fault.text : "out of memory");
}

int trust_store_load(const char *dir, struct trust **out, struct failure *why)
{
	_trust_ struct trust *trust = NULL;
	struct dirent **entries;
	int n = scandir(dir, &entries, is_jwks, alphasort);

	if (n < 0)
		return fail(
			why, EXIT_USAGE,
			"can't read the trust directory \"%s\": %m; --trust names a directory of "
			"*.jwks files",
			dir);
	if (trust_new(&trust))
		fail(why, EXIT_USAGE, "out of memory");
	for (int i = 0; i < n; i++) {
		if (trust)
			add_file(trust, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (!trust)
		return EXIT_USAGE;
	if (!trust_n_keys(trust))
		warning("no key in \"%s\": put the vendor's *.jwks there", dir);
	*out = TAKE_PTR(trust);
	return 0;
}

int trust_store_own(const struct jwk *key, const char *iss, struct trust **out, struct failure *why)
{
	_trust_ struct trust *trust = NULL;
	_free_ char *text = NULL;

	if (trust_new(&trust) || jwk_write_trust(key, iss, &text))
		return fail(why, EXIT_USAGE, "out of memory");
	if (trust_add(trust, "new trust file", text, strlen(text), &why->fault))
		return EXIT_USAGE;
	*out = TAKE_PTR(trust);
	return 0;
}
