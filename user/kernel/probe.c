/* SPDX-License-Identifier: MIT */
/* probe.c - one connection attempt over `lo`, as a process inside the namespace would make it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "gate_priv.h"
#include "netns.h"

#define PROBE_MS                                                                                   \
	1000 /* an answer over lo takes a millisecond; a dropped SYN is repeated after 1 s */

static int attempt(const struct sockaddr *to, socklen_t len)
{
	_close_ int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct linger reset = {.l_onoff = 1}; /* leaves no TIME_WAIT behind */
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t size = sizeof(error);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, to, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	switch (poll(&p, 1, PROBE_MS)) {
	case 0:
		return -ETIMEDOUT;
	case 1:
		return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
	default:
		return -errno;
	}
}

int gate_probe_tcp(struct gate *g, uint16_t port, bool *connected, int *err, struct fault *f)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	_netns_home_ int home = -1;
	int r = gate_enter(g, &home, f);

	if (r < 0)
		return r;
	r = attempt((struct sockaddr *)&v4, sizeof(v4));
	if (r == -ENETUNREACH || r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT)
		r = attempt((struct sockaddr *)&v6, sizeof(v6));
	*connected = r == 0;
	*err = -r;
	return 0;
}
