/* SPDX-License-Identifier: MIT */
/* peer.c - both ends of the traffic. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "bed.h"
#include "peer.h"

#define MAX_SOCKETS 512
#define TIMEOUT_MS 1000

static int bound(int type, uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 512) < 0))
		_exit(1);
	return fd;
}

/* Whether the socket has ended. */
static bool answer(int fd)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	char buf[2048];
	ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

	if (n <= 0)
		return true;
	sendto(fd, buf, (size_t)n, MSG_NOSIGNAL, len ? (struct sockaddr *)&from : NULL, len);
	return false;
}

_Noreturn static void serve(struct pollfd *p, int n, int n_listeners)
{
	for (;;) {
		poll(p, (nfds_t)n, -1);
		for (int i = n - 1; i >= 0; i--) {
			if (!p[i].revents)
				continue;
			if (i < n_listeners) {
				int fd = accept(p[i].fd, NULL, NULL);

				if (fd >= 0 && n < MAX_SOCKETS)
					p[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
				else if (fd >= 0)
					close(fd);
			} else if (answer(p[i].fd) && p[i].events == POLLIN) {
				close(p[i].fd);
				p[i] = p[--n];
			}
		}
	}
}

pid_t peer_serve(int number, const uint16_t *tcp, size_t n_tcp, const uint16_t *udp, size_t n_udp)
{
	static struct pollfd p[MAX_SOCKETS];
	int ready[2];
	char c;
	pid_t pid;
	int n = 0;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		int home = -1;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bed_enter(number, &home);
		for (size_t i = 0; i < n_tcp; i++)
			p[n++] =
				(struct pollfd){.fd = bound(SOCK_STREAM, tcp[i]), .events = POLLIN};
		for (size_t i = 0; i < n_udp; i++)
			p[n++] = (struct pollfd){.fd = bound(SOCK_DGRAM, udp[i]),
						 .events = POLLIN | POLLPRI};
		close(ready[0]);
		close(ready[1]);
		serve(p, n, (int)n_tcp);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 0);
	close(ready[0]);
	return pid;
}

void peer_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int open_to(int type, const char *address, uint16_t port)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct timeval limit = {.tv_sec = TIMEOUT_MS / 1000};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	char mapped[64];
	int r;

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(address, ':') ? "" : "::ffff:", address);
	assert_int_equal(inet_pton(AF_INET6, mapped, &to.sin6_addr), 1);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* connect() too */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	r = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	close(fd);
	return r;
}

static int open_from(int from, int type, const char *address, uint16_t port)
{
	int home = -1;
	int fd;

	if (from >= 0)
		bed_enter(from, &home);
	fd = open_to(type, address, port);
	netns_leave(&home);
	return fd;
}

int peer_echo(int fd)
{
	char c = 'x';

	if (send(fd, &c, 1, MSG_NOSIGNAL) < 0)
		return errno;
	if (recv(fd, &c, 1, 0) == 1)
		return 0;
	return errno == EAGAIN ? ETIMEDOUT : errno;
}

static int exchange(int fd)
{
	struct linger reset = {.l_onoff = 1};
	int r;

	if (fd < 0)
		return -fd;
	r = peer_echo(fd);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	return r;
}

int peer_tcp(int from, const char *address, uint16_t port)
{
	return exchange(open_from(from, SOCK_STREAM, address, port));
}

int peer_udp(int from, const char *address, uint16_t port)
{
	return exchange(open_from(from, SOCK_DGRAM, address, port));
}

int peer_connect(int from, const char *address, uint16_t port)
{
	return open_from(from, SOCK_STREAM, address, port);
}

void peer_loop_start(struct peer_loop *loop, const char *address, uint16_t port)
{
	loop->count = mmap(NULL, sizeof(*loop->count), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(loop->count != MAP_FAILED);
	loop->pid = fork();
	if (loop->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int r = peer_tcp(HOST, address, port);

		if (r == 0)
			loop->count->good++;
		else if (r == ECONNREFUSED)
			loop->count->refused++;
		else
			loop->count->other++;
		usleep(r ? 2000 : 500); /* no faster than refusals are sent; a CPU for others */
	}
}

void peer_loop_wait(const struct peer_loop *loop, uint64_t more)
{
	uint64_t until = loop->count->good + loop->count->refused + loop->count->other + more;

	for (int i = 0; loop->count->good + loop->count->refused + loop->count->other < until;
	     i++) {
		assert_true(i < 30000); /* half a minute */
		usleep(1000);
	}
}

void peer_loop_stop(struct peer_loop *loop)
{
	peer_stop(loop->pid);
}
