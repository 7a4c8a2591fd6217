/* SPDX-License-Identifier: MIT */
/* uninstall.c - gates, pins, state and run-time files go, in this order: what is left explains what went wrong. */
#include "uninstall.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "file.h"
#include "node.h"
#include "pins.h"

#define WALK_DESCRIPTORS 16

/* nftw(3) hands nothing of its caller's on. */
static struct {
	unsigned int files;
	int err;
	char path[256]; /* of the error */
} walk;

/* An agent locks both; each stays locked until this process ends. Without a file there is no agent. */
static int take_lock(const char *path, int flags, struct fault *f)
{
	int fd = open(path, flags | O_CLOEXEC);
	int err;

	if (fd < 0)
		return errno == ENOENT ? 0
				       : fault_set(f, errno, "can't open \"%s\": %s", path,
						   strerror(errno));
	err = file_lock(fd);
	if (!err)
		return 0;
	close(fd);
	return fault_set(f, -err,
			 "an agent runs and holds \"%s\": stop it, or its gates come back; "
			 "--force goes on all the same",
			 path);
}

static int take_locks(const struct config *config, struct fault *f)
{
	_free_ char *lock = NULL;
	int err;

	if (asprintf(&lock, "%s/lock", config->state_dir) < 0) {
		lock = NULL;
		return fault_set(f, ENOMEM, "no memory");
	}
	err = take_lock(lock, O_RDWR, f);
	return err ? err : take_lock(config->bpffs, O_RDONLY | O_DIRECTORY, f);
}

static int name_gate(const char *dir, const char *name, void *names)
{
	cJSON *item = cJSON_CreateString(name);

	return cJSON_AddItemToArray(names, item) ? 0 : -ENOMEM;
}

static int count_pin(const char *path, const struct stat *st, int type, struct FTW *at)
{
	walk.files += type != FTW_D;
	return 0;
}

/* Without a bpf file system there are no pins: they live in nothing else. */
static int remove_pins(const char *bpffs, cJSON *done, struct fault *f)
{
	_free_ char *gates = pins_path(bpffs, "gates");
	cJSON *names = cJSON_AddArrayToObject(done, "gates");
	int r;

	if (!gates || !names || pins_each(gates, name_gate, names) < 0)
		return fault_set(f, ENOMEM, "can't list the gates in \"%s\"", bpffs);
	walk.files = 0;
	nftw(bpffs, count_pin, WALK_DESCRIPTORS, FTW_PHYS | FTW_MOUNT);
	r = node_cleanup(bpffs, f);
	if (r == -ENODEV) {
		walk.files = 0;
		*f = (struct fault){0};
		r = 0;
	}
	cJSON_AddNumberToObject(done, "pins", r ? 0 : walk.files);
	return r;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	bool directory = type == FTW_DP || type == FTW_DNR;

	if (!(directory ? rmdir(path) : unlink(path))) {
		walk.files += !directory;
		return 0;
	}
	if (errno == ENOENT || (directory && errno == EBUSY)) /* a mount point: emptied */
		return 0;
	walk.err = errno;
	snprintf(walk.path, sizeof(walk.path), "%s", path);
	return 1;
}

/* All of a directory, on its own file system; what isn't there is gone. */
static int remove_tree(const char *dir, cJSON *left, struct fault *f)
{
	_free_ char *note = NULL;

	walk.err = 0;
	if (access(dir, F_OK))
		return 0;
	if (nftw(dir, remove_entry, WALK_DESCRIPTORS, FTW_PHYS | FTW_MOUNT | FTW_DEPTH))
		return fault_set(f, walk.err ? walk.err : errno, "can't remove \"%s\": %s",
				 walk.err ? walk.path : dir, strerror(walk.err ? walk.err : errno));
	if (access(dir, F_OK))
		return 0;
	if (asprintf(&note, "%s: it is a mount point", dir) < 0)
		note = NULL;
	cJSON_AddItemToArray(left, cJSON_CreateString(note ? note : dir));
	return 0;
}

/* A state directory of the agent's has the lock in it; any other, named by mistake, stays. */
static int remove_state(const struct config *config, cJSON *left, struct fault *f)
{
	_free_ char *lock = NULL;

	if (asprintf(&lock, "%s/lock", config->state_dir) < 0) {
		lock = NULL;
		return fault_set(f, ENOMEM, "no memory");
	}
	if (access(config->state_dir, F_OK) || access(lock, F_OK))
		return rmdir(config->state_dir) && errno == ENOTEMPTY
			       ? fault_set(f, ENOTEMPTY,
					   "\"%s\" has no file \"lock\", so it is no agent's state "
					   "directory: remove it by hand if it is",
					   config->state_dir)
			       : 0;
	return remove_tree(config->state_dir, left, f);
}

static int remove_entitlement(const char *path, const struct stat *st, int type, struct FTW *at)
{
	if (type == FTW_DP)
		rmdir(path); /* if nothing else is in it */
	else if (!strcmp(path + at->base, "entitlements.json"))
		walk.files += !unlink(path);
	return 0;
}

static void remove_run(const struct config *config)
{
	_free_ char *copy = strdup(config->socket);

	if (config->entitlements_dir)
		nftw(config->entitlements_dir, remove_entitlement, WALK_DESCRIPTORS,
		     FTW_PHYS | FTW_MOUNT | FTW_DEPTH);
	walk.files += !unlink(config->socket);
	if (copy)
		rmdir(dirname(copy)); /* if nothing else is in it */
}

int uninstall(const struct config *config, bool state, bool force, cJSON **done, struct fault *f)
{
	_json_ cJSON *said = cJSON_CreateObject();
	cJSON *left = said ? cJSON_AddArrayToObject(said, "left") : NULL;
	int err = 0;

	if (!left || !cJSON_AddStringToObject(said, "bpffs", config->bpffs))
		return fault_set(f, ENOMEM, "no memory");
	if (!force)
		err = take_locks(config, f);
	if (!err)
		err = remove_pins(config->bpffs, said, f);
	if (err)
		return err;
	walk.files = 0;
	remove_run(config);
	if (state)
		err = remove_state(config, left, f);
	cJSON_AddNumberToObject(said, "files", walk.files);
	if (!err)
		*done = TAKE_PTR(said);
	return err;
}
