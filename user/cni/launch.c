/* SPDX-License-Identifier: MIT */
/*
 * launch.c - portlic-cni on a node whose C library is another: a static program that starts the plugin with
 * the libraries that came with it, DIR/portlic-lib (DIR: where this program is).
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBS "portlic-lib"

/* DIR/portlic-lib behind its link, so that one call has one set of libraries throughout. */
static char *libraries(char *own)
{
	ssize_t len = readlink("/proc/self/exe", own, PATH_MAX);
	char *slash;

	if (len <= 0 || len >= PATH_MAX)
		return NULL;
	own[len] = '\0';
	slash = strrchr(own, '/');
	if (!slash || slash - own + sizeof("/" LIBS) > PATH_MAX)
		return NULL;
	strcpy(slash + 1, LIBS);
	return realpath(own, NULL);
}

/* A pod whose network can't be judged doesn't start, but it may end. */
static int failed(const char *where)
{
	const char *command = getenv("CNI_COMMAND");

	if (command && (!strcmp(command, "DEL") || !strcmp(command, "GC")))
		return 0;
	printf("{\"cniVersion\":\"0.4.0\",\"code\":5,\"msg\":\"portlic-cni can't be started: %s "
	       "has no "
	       "whole set of its libraries\",\"details\":\"run portlic-cni install again on this "
	       "node\"}\n",
	       where);
	return 1;
}

int main(int argc, char **argv)
{
	char own[PATH_MAX + sizeof(LIBS)] = LIBS, loader[PATH_MAX + 8], program[PATH_MAX + 16];
	char *libs = libraries(own), **args = calloc((size_t)argc + 6, sizeof(*args));

	if (!libs || !args)
		return failed(own);
	snprintf(loader, sizeof(loader), "%s/ld.so", libs);
	snprintf(program, sizeof(program), "%s/portlic-cni", libs);
	args[0] = loader;
	args[1] = "--inhibit-cache"; /* the node's own libraries are none of ours */
	args[2] = "--library-path";
	args[3] = libs;
	args[4] = program;
	memcpy(args + 5, argv + 1, (size_t)(argc > 0 ? argc - 1 : 0) * sizeof(*args));
	execv(loader, args);
	return failed(own);
}
