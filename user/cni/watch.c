/* SPDX-License-Identifier: MIT */
/* watch.c - a network plugin that is upgraded writes its configuration anew, and without us. */
#include "install.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cleanup.h"

#define SETTLE_MS 100 /* one who writes has done by then, or there is an event more */
#define LOOK_MS 60000 /* what inotify doesn't tell: a directory that was replaced */
#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB |        \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

static void drain(int fd)
{
	char buf[16384];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

/* A watch again on a directory that has one is the same watch. */
static void watch_both(int fd, const struct install *install)
{
	inotify_add_watch(fd, install->bin, EVENTS);
	inotify_add_watch(fd, install->conf, EVENTS);
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Waits for a change and for quiet after it; true: it is to end. */
static bool wait_for_change(int inotify, int signals)
{
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
			       {.fd = inotify, .events = POLLIN}};
	int ms = LOOK_MS, n;

	while ((n = poll(fds, ARRAY_SIZE(fds), ms)) != 0) {
		if (n < 0 && errno != EINTR)
			return true;
		if (n > 0 && fds[0].revents)
			return true;
		if (n > 0)
			drain(inotify);
		if (ms == SETTLE_MS)
			break; /* one who writes without an end doesn't keep us from it */
		ms = SETTLE_MS;
	}
	return false;
}

int install_watch(const struct install *install)
{
	_close_ int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	_close_ int signals = open_signals();
	struct fault said = {0};

	if (inotify < 0 || signals < 0) {
		fprintf(stderr, "portlic-cni: can't watch: %s\n", strerror(errno));
		return 1;
	}
	do {
		struct fault f = {0};

		watch_both(inotify, install);
		if (!install_once(install, true, &f))
			f.text[0] = '\0';
		/* What lasts is told once. */
		if (f.text[0] && strcmp(f.text, said.text) != 0)
			fprintf(stderr, "portlic-cni: %s\n", f.text);
		said = f;
	} while (!wait_for_change(inotify, signals));
	return 0;
}
