/* SPDX-License-Identifier: MIT */
/* spawn.c - posix_spawn and a pidfd; no handler of SIGCHLD is needed. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"

struct spawn {
	pid_t pid; /* of its process group, too */
	int pidfd;
	uv_poll_t poll;	  /* readable: it ended */
	uv_timer_t timer; /* it may run so long */
	int64_t timeout_s;
	bool timed_out;
	unsigned int handles; /* that aren't closed yet */
	spawn_done *done;
	void *arg;
};

/* A file in memory, which takes any length without a reader. */
static int input_file(const char *input)
{
	size_t len = strlen(input);
	int fd = memfd_create("event", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, input, len) == (ssize_t)len && !lseek(fd, 0, SEEK_SET))
		return fd;
	close(fd);
	return -EIO;
}

/* Only ours is set: file actions run in the child, in this order. */
static int set_actions(posix_spawn_file_actions_t *actions, int input)
{
	int err = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);

	if (!err)
		err = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null",
						       O_WRONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	return err ? err : posix_spawn_file_actions_addchdir_np(actions, "/");
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	err = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
							   POSIX_SPAWN_SETSIGDEF);
	if (!err)
		err = posix_spawnattr_setsigmask(attributes, &none);
	return err ? err : posix_spawnattr_setsigdefault(attributes, &all);
}

static int start_process(char *const *argv, char *const *env, int input, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int err;

	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes)) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	err = set_actions(&actions, input);
	if (!err)
		err = set_attributes(&attributes);
	if (!err)
		err = posix_spawn(pid, argv[0], &actions, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

static void on_closed(uv_handle_t *handle)
{
	struct spawn *spawn = handle->data;

	if (--spawn->handles)
		return;
	close(spawn->pidfd);
	free(spawn);
}

static void let_go(struct spawn *spawn)
{
	uv_poll_stop(&spawn->poll);
	uv_close((uv_handle_t *)&spawn->poll, on_closed);
	uv_close((uv_handle_t *)&spawn->timer, on_closed);
}

static void on_end(uv_poll_t *poll, int poll_status, int events)
{
	struct spawn *spawn = poll->data;
	struct fault why = {0};
	int status = 0;

	if (waitpid(spawn->pid, &status, WNOHANG) == 0)
		return; /* not yet */
	let_go(spawn);
	if (spawn->timed_out)
		fault_set(&why, ETIMEDOUT, "it didn't end within %lld s and was killed",
			  (long long)spawn->timeout_s);
	else if (WIFSIGNALED(status))
		fault_set(&why, EIO, "it was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fault_set(&why, EIO, "its exit status is %d", WEXITSTATUS(status));
	spawn->done(spawn->arg, why.text[0] ? &why : NULL);
}

static void on_timeout(uv_timer_t *timer)
{
	struct spawn *spawn = timer->data;

	spawn->timed_out = true;
	kill(-spawn->pid, SIGKILL);
}

static void watch_process(struct spawn *spawn, uv_loop_t *loop)
{
	uv_timer_init(loop, &spawn->timer);
	spawn->timer.data = spawn;
	spawn->poll.data = spawn;
	spawn->handles = 2;
	uv_poll_start(&spawn->poll, UV_READABLE, on_end);
	uv_timer_start(&spawn->timer, on_timeout, (uint64_t)spawn->timeout_s * 1000, 0);
}

struct spawn *spawn_start(uv_loop_t *loop, char *const *argv, char *const *env, const char *input,
			  int64_t timeout_s, spawn_done *done, void *arg, struct fault *f)
{
	_close_ int fd = input_file(input);
	struct spawn *spawn = fd < 0 ? NULL : calloc(1, sizeof(*spawn));
	int err;

	if (!spawn) {
		fault_set(f, ENOMEM, "out of memory");
		return NULL;
	}
	*spawn = (struct spawn){.timeout_s = timeout_s, .done = done, .arg = arg, .pidfd = -1};
	err = start_process(argv, env, fd, &spawn->pid);
	if (err) {
		fault_set(f, -err, "it can't be started: %s", strerror(-err));
		free(spawn);
		return NULL;
	}
	spawn->pidfd = (int)syscall(SYS_pidfd_open, spawn->pid, 0);
	if (spawn->pidfd < 0 || uv_poll_init(loop, &spawn->poll, spawn->pidfd)) {
		fault_set(f, EIO, "it can't be watched and was killed: out of descriptors?");
		kill(-spawn->pid, SIGKILL);
		waitpid(spawn->pid, NULL, 0);
		cleanup_close(&spawn->pidfd);
		free(spawn);
		return NULL;
	}
	watch_process(spawn, loop);
	return spawn;
}

void spawn_cancel(struct spawn *spawn)
{
	if (!spawn)
		return;
	kill(-spawn->pid, SIGKILL);
	waitpid(spawn->pid, NULL, WNOHANG); /* or init reaps it, as the agent ends */
	let_go(spawn);
}
