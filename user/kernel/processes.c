/* SPDX-License-Identifier: MIT */
/* processes.c - one walk through /proc. */
#include "processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"

#define DELETED " (deleted)" /* behind the path of a cgroup that was removed */

/* The beginning of a small file, as text; false: the process has gone. */
static bool read_of(int pid, const char *name, char *text, size_t size)
{
	_close_ int fd = -1;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The line "0::PATH" of /proc/PID/cgroup, a new string; NULL: there is none. */
static char *read_cgroup(int pid)
{
	char text[2 * PATH_MAX], *line = text, *end;

	if (!read_of(pid, "cgroup", text, sizeof(text)))
		return NULL;
	while (strncmp(line, "0::/", 4)) {
		line = strchr(line, '\n');
		if (!line++)
			return NULL;
	}
	end = strchr(line, '\n');
	if (!end)
		return NULL;
	*end = '\0';
	if ((size_t)(end - line) > strlen(DELETED) && !strcmp(end - strlen(DELETED), DELETED))
		return NULL;
	return strdup(line + strlen("0::"));
}

/* A number of /proc/PID/stat, the n-th field behind the name, which in its parentheses may hold anything. */
static uint64_t stat_field(int pid, int n)
{
	unsigned long long number = 0;
	char text[1024];
	const char *at;

	if (!read_of(pid, "stat", text, sizeof(text)) || !(at = strrchr(text, ')')))
		return 0;
	for (int field = 0; at && field < n; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%llu", &number) == 1 ? number : 0;
}

uint64_t process_start(int pid)
{
	return stat_field(pid, 20);
}

int process_parent(int pid)
{
	return (int)stat_field(pid, 2);
}

bool process_is_root(int pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &st) == 0 && st.st_uid == 0;
}

bool process_is_called(int pid, const char *name)
{
	char text[64];

	if (!read_of(pid, "comm", text, sizeof(text)))
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, name) == 0;
}

struct reading {
	struct processes processes;
	size_t room;
};

static int add(int pid, void *data)
{
	struct reading *reading = data;
	struct processes *p = &reading->processes;
	struct process process = {.pid = pid};
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (stat(path, &st) < 0 || !(process.cgroup = read_cgroup(pid)))
		return 0;
	process.netns = st.st_ino;
	if (array_grow(&p->list, p->n, &reading->room, sizeof(*p->list))) {
		free(process.cgroup);
		return -ENOMEM;
	}
	p->list[p->n++] = process;
	return 0;
}

int processes_each(int (*each)(int pid, void *data), void *data, struct fault *f)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int r = 0;

	if (!proc)
		return fault_set(f, errno, "can't read \"/proc\": %s", strerror(errno));
	while (r == 0 && (e = readdir(proc)))
		if (isdigit((unsigned char)e->d_name[0]))
			r = each(atoi(e->d_name), data);
	closedir(proc);
	return r == -ENOMEM ? fault_set(f, ENOMEM, "no memory for the processes of the node") : r;
}

int processes_read(struct processes *out, struct fault *f)
{
	struct reading reading = {0};
	int r = processes_each(add, &reading, f);

	if (r < 0) {
		processes_free(&reading.processes);
		return r;
	}
	*out = reading.processes;
	return 0;
}

void processes_free(struct processes *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].cgroup);
	free(p->list);
	*p = (struct processes){0};
}
