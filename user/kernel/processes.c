/* SPDX-License-Identifier: MIT */
/* processes.c - one walk through /proc. */
#include "processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"

#define DELETED " (deleted)" /* behind the path of a cgroup that was removed */

static void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static FILE *open_of(int pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

/* The line "0::PATH" of /proc/PID/cgroup, a new string; NULL: there is none. */
static char *read_cgroup(int pid)
{
	_cleanup_(cleanup_file) FILE *file = open_of(pid, "cgroup");
	char line[PATH_MAX + 16];

	while (file && fgets(line, sizeof(line), file)) {
		size_t len = strcspn(line, "\n");

		line[len] = '\0';
		if (strncmp(line, "0::/", 4))
			continue;
		if (len > strlen(DELETED) && !strcmp(line + len - strlen(DELETED), DELETED))
			return NULL;
		return strdup(line + strlen("0::"));
	}
	return NULL;
}

uint64_t process_start(int pid)
{
	_cleanup_(cleanup_file) FILE *file = open_of(pid, "stat");
	unsigned long long start = 0;
	char line[1024];
	const char *at;

	/* The name, in parentheses, may hold anything; starttime is the 20th field behind it. */
	if (!file || !fgets(line, sizeof(line), file) || !(at = strrchr(line, ')')))
		return 0;
	for (int field = 0; at && field < 20; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%llu", &start) == 1 ? start : 0;
}

static int add(struct processes *p, size_t *room, int pid)
{
	struct process process = {.pid = pid};
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (stat(path, &st) < 0 || !(process.cgroup = read_cgroup(pid)))
		return 0;
	process.netns = st.st_ino;
	if (p->n == *room) {
		size_t more = 2 * *room + 256;
		void *list = reallocarray(p->list, more, sizeof(*p->list));

		if (!list) {
			free(process.cgroup);
			return -ENOMEM;
		}
		p->list = list;
		*room = more;
	}
	p->list[p->n++] = process;
	return 0;
}

int processes_read(struct processes *out, struct fault *f)
{
	struct processes p = {0};
	DIR *proc = opendir("/proc");
	struct dirent *e;
	size_t room = 0;
	int r = 0;

	if (!proc)
		return fault_set(f, errno, "can't read \"/proc\": %s", strerror(errno));
	while (r == 0 && (e = readdir(proc)))
		if (isdigit((unsigned char)e->d_name[0]))
			r = add(&p, &room, atoi(e->d_name));
	closedir(proc);
	if (r < 0) {
		processes_free(&p);
		return fault_set(f, -r, "no memory for the processes of the node");
	}
	*out = p;
	return 0;
}

void processes_free(struct processes *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].cgroup);
	free(p->list);
	*p = (struct processes){0};
}
