/* SPDX-License-Identifier: MIT */
/* cached.c - looks for our type in the configurations of DIR/results, which are base64 in JSON. */
#include "cached.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "files.h"

#define MAX_BYTES (16 << 20)

static bool names_us(const char *text)
{
	/* "portlic-cni", quotes and all, at the three places that it can have in base64. */
	static const char *const forms[] = {"InBvcnRsaWMtY25pI", "Jwb3J0bGljLWNuaS",
					    "icG9ydGxpYy1jbmki"};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (strstr(text, forms[i]))
			return true;
	return false;
}

static bool is_user(const char *dir, const char *name)
{
	_free_ char *path = NULL, *text = NULL;
	size_t len = 0;

	if (asprintf(&path, "%s/results/%s", dir, name) < 0) {
		path = NULL;
		return false;
	}
	return !files_read(path, MAX_BYTES, &text, &len, NULL) && names_us(text);
}

size_t cached_users(const char *dir)
{
	_free_ char *path = NULL;
	struct dirent *entry;
	size_t n = 0;
	DIR *results;

	if (asprintf(&path, "%s/results", dir) < 0) {
		path = NULL;
		return 0;
	}
	results = opendir(path);
	while (results && (entry = readdir(results)))
		n += is_user(dir, entry->d_name);
	if (results)
		closedir(results);
	return n;
}
