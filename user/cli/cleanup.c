/* SPDX-License-Identifier: MIT */
/* cleanup.c - portlic cleanup: takes portlic off this node. The programs that put things there take them away. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "output.h"

#define SAID_MAX (4U << 20) /* bytes: the names of all gates of a node, and more */
#define WORDS_MAX 8

extern char **environ;

/* The one beside this one, or of the PATH. */
static char *program(const char *name)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *path = NULL;

	if (len > 0) {
		self[len] = '\0';
		if (asprintf(&path, "%s/%s", dirname(self), name) < 0)
			return NULL;
		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return strdup(name);
}

/* All that comes until the other end is closed; NULL: no memory, or too much. */
static char *read_all(int fd)
{
	_free_ char *text = malloc(SAID_MAX + 1);
	size_t len = 0;
	ssize_t n;

	while (text && len < SAID_MAX &&
	       ((n = read(fd, text + len, SAID_MAX - len)) > 0 || (n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	if (!text || len == SAID_MAX)
		return NULL;
	text[len] = '\0';
	return TAKE_PTR(text);
}

/* Runs words[] and takes what it says on stdout. *status as of wait(2). */
static int run(char *const *words, char **said, int *status, struct failure *why)
{
	posix_spawn_file_actions_t actions;
	int ends[2], err;
	pid_t pid;

	if (pipe(ends))
		return fail(why, EXIT_USAGE, "no pipe: %m");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	err = posix_spawnp(&pid, words[0], &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	*said = err ? NULL : read_all(ends[0]);
	close(ends[0]);
	if (err)
		return fail(why, EXIT_USAGE, "can't run \"%s\": %s; install it beside portlic",
			    words[0], strerror(err));
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return *said ? 0 : fail(why, EXIT_USAGE, "\"%s\" says too much", words[0]);
}

/* The agent's own program knows what is pinned and how it is taken down. */
static int remove_agent(const struct args *args, cJSON **done, struct failure *why)
{
	_free_ char *agent = program("portlicd");
	_free_ char *said = NULL;
	char *words[WORDS_MAX] = {agent, "--cleanup"};
	struct fault bad = {0};
	int n = 2, status = 0, r;

	if (!agent)
		return fail(why, EXIT_USAGE, "out of memory");
	if (option_text(args, OPT_CONFIG)) {
		words[n++] = "--config";
		words[n++] = (char *)option_text(args, OPT_CONFIG);
	}
	if (option_text(args, OPT_STATE))
		words[n++] = "--state";
	if (option_text(args, OPT_FORCE))
		words[n++] = "--force";
	r = run(words, &said, &status, why);
	if (r)
		return r;
	if (json_parse_object("what portlicd says", said, strlen(said), done, &bad))
		return fail(why, EXIT_USAGE, "%s", bad.text);
	if (member_text(*done, "error"))
		return fail(why,
			    WIFEXITED(status) && WEXITSTATUS(status) == 1 ? EXIT_REFUSED
									  : EXIT_USAGE,
			    "%s", member_text(*done, "error"));
	return WIFEXITED(status) && !WEXITSTATUS(status)
		       ? 0
		       : fail(why, EXIT_USAGE, "portlicd --cleanup failed");
}

/* First of all: without the agent the plugin would hold back new pods of gated namespaces. */
static int remove_plugin(const struct args *args, struct failure *why)
{
	_free_ char *plugin = program("portlic-cni");
	_free_ char *said = NULL;
	char *words[] = {plugin,   "uninstall",
			 "--bin",  (char *)option_text(args, OPT_CNI_BIN),
			 "--conf", (char *)option_text(args, OPT_CNI_CONF),
			 NULL};
	int status = 0, r;

	if (!plugin)
		return fail(why, EXIT_USAGE, "out of memory");
	r = run(words, &said, &status, why);
	if (!r && (!WIFEXITED(status) || WEXITSTATUS(status)))
		r = fail(why, EXIT_USAGE,
			 "portlic-cni uninstall failed, see above; nothing else was removed");
	return r;
}

static int print_removed(const struct args *args, cJSON *done, bool plugin, struct failure *why)
{
	const cJSON *item;

	if (args->json) {
		cJSON_AddBoolToObject(done, "cni", plugin);
		return print_json(done, why);
	}
	cJSON_ArrayForEach (item, json_get(done, "gates"))
		printf("gate %s: removed\n", cJSON_IsString(item) ? item->valuestring : "?");
	printf("%s: %g pins removed\n", member_text(done, "bpffs"), member_number(done, "pins"));
	printf("files: %g removed\n", member_number(done, "files"));
	if (plugin)
		puts("CNI plugin: removed");
	cJSON_ArrayForEach (item, json_get(done, "left"))
		printf("left, empty: %s\n", cJSON_IsString(item) ? item->valuestring : "?");
	return 0;
}

int cmd_cleanup(const struct args *args, struct failure *why)
{
	bool plugin = option_text(args, OPT_CNI_BIN), conf = option_text(args, OPT_CNI_CONF);
	_json_ cJSON *done = NULL;
	int r;

	if (geteuid())
		return fail(why, EXIT_USAGE, "only root can take gates away: run it with sudo");
	if (plugin != conf)
		return fail(why, EXIT_USAGE, "--cni-bin and --cni-conf go together; give both");
	r = plugin ? remove_plugin(args, why) : 0;
	if (!r)
		r = remove_agent(args, &done, why);
	return r ? r : print_removed(args, done, plugin, why);
}
