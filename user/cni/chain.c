/* SPDX-License-Identifier: MIT */
/* chain.c - configurations are read, changed and replaced whole. */
#include "chain.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"

struct file {
	char *path;
	cJSON *root;
	mode_t mode;
};

static void file_close(struct file *file)
{
	free(file->path);
	cJSON_Delete(file->root);
}
#define _file_ _cleanup_(file_close)

static int file_open(const char *dir, const char *name, struct file *out, struct fault *f)
{
	_free_ char *text = NULL;
	struct fault why = {0};
	struct stat st;
	size_t len = 0;

	if (asprintf(&out->path, "%s/%s", dir, name) < 0) {
		out->path = NULL;
		return fault_set(f, ENOMEM, "out of memory");
	}
	if (stat(out->path, &st) || files_read(out->path, CONFLIST_MAX_BYTES, &text, &len, &why))
		return fault_set(f, errno ? errno : EIO, "can't read \"%s\": %s", out->path,
				 why.text[0] ? why.text : strerror(errno));
	out->mode = st.st_mode & 07777;
	return conflist_read(out->path, text, len, &out->root, f);
}

static int file_write(const struct file *file, const cJSON *root, struct chain_change *change,
		      struct fault *f)
{
	_free_ char *text = cJSON_Print(root), *line = NULL;
	int err;

	if (!text || asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		return fault_set(f, ENOMEM, "out of memory");
	}
	err = files_replace(file->path, line, strlen(line), file->mode, f);
	if (!err)
		snprintf(change->file, sizeof(change->file), "%s", strrchr(file->path, '/') + 1);
	return err;
}

/* The names of the directory's configurations in order, as runtimes have it. -errno. */
static int list(const char *dir, struct dirent ***out, struct fault *f)
{
	int n = scandir(dir, out, NULL, NULL), kept = 0;

	if (n < 0)
		return fault_set(f, errno, "can't read the directory \"%s\": %s", dir,
				 strerror(errno));
	for (int i = 0; i < n; i++) {
		if ((*out)[i]->d_type != DT_DIR && conflist_is_name((*out)[i]->d_name))
			(*out)[kept++] = (*out)[i];
		else
			free((*out)[i]);
	}
	/* By bytes, whatever the locale is. */
	for (int i = 1; i < kept; i++)
		for (int j = i; j && strcmp((*out)[j - 1]->d_name, (*out)[j]->d_name) > 0; j--) {
			struct dirent *entry = (*out)[j];

			(*out)[j] = (*out)[j - 1];
			(*out)[j - 1] = entry;
		}
	return kept;
}

static void list_free(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* A list that stands for a configuration of another's; false also where it can't be read. */
static bool is_wrapper(const char *dir, const char *name)
{
	_file_ struct file file = {0};

	return conflist_is_ours(name) && !file_open(dir, name, &file, NULL) &&
	       conflist_wraps(file.root);
}

static int remove_wrappers(const char *dir, struct dirent **names, int n, const char *but,
			   struct chain_change *change, struct fault *f)
{
	for (int i = 0; i < n; i++) {
		_free_ char *path = NULL;

		if ((but && !strcmp(names[i]->d_name, but)) || !is_wrapper(dir, names[i]->d_name))
			continue;
		if (asprintf(&path, "%s/%s", dir, names[i]->d_name) < 0) {
			path = NULL;
			return fault_set(f, ENOMEM, "out of memory");
		}
		if (unlink(path))
			return fault_set(f, errno, "can't remove \"%s\": %s", path,
					 strerror(errno));
		snprintf(change->file, sizeof(change->file), "%s", names[i]->d_name);
	}
	return 0;
}

static int chain_list(struct file *file, const struct conflist_entry *entry,
		      struct chain_change *change, struct fault *f)
{
	_json_ cJSON *before = cJSON_Duplicate(file->root, 1);
	struct fault why = {0};
	int err = conflist_chain(file->root, entry, &why);

	if (err)
		return fault_set(f, -err, "\"%s\": %s", file->path, why.text);
	if (before && cJSON_Compare(before, file->root, 1))
		return 0;
	return file_write(file, file->root, change, f);
}

static int wrap(const char *dir, const char *name, const struct file *single,
		const struct conflist_entry *entry, struct chain_change *change, struct fault *f)
{
	const char *ours = conflist_name_before(name);
	_file_ struct file file = {.mode = single->mode}, old = {0};
	struct fault why = {0};
	int err;

	if (!ours)
		return fault_set(f, EBADMSG, "no name comes before \"%s\"; rename it",
				 single->path);
	err = conflist_wrap(single->root, name, entry, &file.root, &why);
	if (err)
		return fault_set(f, -err, "\"%s\": %s", single->path, why.text);
	if (!file_open(dir, ours, &old, NULL) && cJSON_Compare(old.root, file.root, 1))
		return 0;
	if (asprintf(&file.path, "%s/%s", dir, ours) < 0) {
		file.path = NULL;
		return fault_set(f, ENOMEM, "out of memory");
	}
	return file_write(&file, file.root, change, f);
}

static int chain_first(const char *dir, struct dirent **names, int n,
		       const struct conflist_entry *entry, struct chain_change *change,
		       struct fault *f)
{
	_file_ struct file file = {0};
	const char *first = NULL;
	int err;

	for (int i = 0; i < n && !first; i++)
		if (!is_wrapper(dir, names[i]->d_name))
			first = names[i]->d_name;
	if (!first) {
		err = remove_wrappers(dir, names, n, NULL, change, f);
		return err ? err
			   : fault_set(f, ENOENT,
				       "there is no CNI configuration in \"%s\": install a network "
				       "plugin first, or use --watch, which waits for one",
				       dir);
	}
	err = file_open(dir, first, &file, f);
	if (err)
		return err;
	if (!conflist_is_list(first)) {
		err = wrap(dir, first, &file, entry, change, f);
		return err ? err
			   : remove_wrappers(dir, names, n, conflist_name_before(first), change, f);
	}
	err = chain_list(&file, entry, change, f);
	return err ? err : remove_wrappers(dir, names, n, NULL, change, f);
}

int chain_in(const char *dir, const struct conflist_entry *entry, struct chain_change *change,
	     struct fault *f)
{
	struct dirent **names = NULL;
	int n = list(dir, &names, f), err;

	*change = (struct chain_change){0};
	if (n < 0)
		return n;
	err = chain_first(dir, names, n, entry, change, f);
	list_free(names, n);
	return err;
}

static int unchain(const char *dir, const char *name, struct chain_change *change, struct fault *f)
{
	_file_ struct file file = {0};

	/* What can't be read has no entry of ours that a runtime would see. */
	if (!conflist_is_list(name) || file_open(dir, name, &file, NULL) ||
	    !conflist_has(file.root))
		return 0;
	conflist_unchain(file.root);
	return file_write(&file, file.root, change, f);
}

int chain_out(const char *dir, struct chain_change *change, struct fault *f)
{
	struct dirent **names = NULL;
	int n = list(dir, &names, f), err;

	*change = (struct chain_change){0};
	if (n < 0)
		return n;
	err = remove_wrappers(dir, names, n, NULL, change, f);
	for (int i = 0; i < n && !err; i++)
		err = unchain(dir, names[i]->d_name, change, f);
	list_free(names, n);
	return err;
}
