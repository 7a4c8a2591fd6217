/* SPDX-License-Identifier: MIT */
/*
 * clockbox.c - what the guest of clock.sh has no program for.
 *
 *   clockbox sync 0|1        tells the kernel whether its clock is synchronised
 *   clockbox listen PORT...  accepts TCP connections on 127.0.0.1 and ends them, for ever
 *   clockbox try PORT        prints ok, refused or timeout
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <unistd.h>

#define MAX_PORTS 8

static int declare(int synchronised)
{
	struct timex tx = {.modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR,
			   .status = synchronised ? 0 : STA_UNSYNC};

	if (adjtimex(&tx) < 0) {
		perror("adjtimex");
		return 1;
	}
	return 0;
}

static int tcp(const char *port, struct sockaddr_in *to)
{
	*to = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_port = htons(atoi(port)),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int serve(char **ports, int n)
{
	struct pollfd fds[MAX_PORTS];
	struct sockaddr_in at;
	int i, one = 1;

	for (i = 0; i < n && i < MAX_PORTS; i++) {
		fds[i] = (struct pollfd){.fd = tcp(ports[i], &at), .events = POLLIN};
		setsockopt(fds[i].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fds[i].fd, (struct sockaddr *)&at, sizeof(at)) || listen(fds[i].fd, 16)) {
			perror(ports[i]);
			return 1;
		}
	}
	while (poll(fds, i, -1) > 0)
		for (int j = 0; j < i; j++)
			if (fds[j].revents)
				close(accept(fds[j].fd, NULL, NULL));
	return 1;
}

static int try_port(const char *port)
{
	const struct timeval limit = {.tv_sec = 1};
	struct sockaddr_in at;
	int fd = tcp(port, &at);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (!connect(fd, (struct sockaddr *)&at, sizeof(at)))
		puts("ok");
	else
		puts(errno == ECONNREFUSED ? "refused" : "timeout");
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (!strcmp(verb, "sync") && argc == 3)
		return declare(atoi(argv[2]));
	if (!strcmp(verb, "listen") && argc > 2)
		return serve(argv + 2, argc - 2);
	if (!strcmp(verb, "try") && argc == 3)
		return try_port(argv[2]);
	fprintf(stderr, "clockbox: sync 0|1, listen PORT..., try PORT\n");
	return 2;
}
