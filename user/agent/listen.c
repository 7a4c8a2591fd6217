/* SPDX-License-Identifier: MIT */
/* listen.c - binds the sockets that the agent serves. */
#include "listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "cleanup.h"

static int make_parent(const char *path, struct fault *f)
{
	_free_ char *dir = strdup(path);

	if (!dir)
		return -ENOMEM;
	*strrchr(dir, '/') = '\0';
	if (*dir && mkdir(dir, 0755) && errno != EEXIST)
		return fault_set(f, errno, "can't make directory \"%s\": %s", dir, strerror(errno));
	return 0;
}

/* A socket file that nobody answers on was left by an agent that was killed. */
static int clear_way(const struct sockaddr_un *at, struct fault *f)
{
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)at, sizeof(*at)))
		return fault_set(f, EADDRINUSE,
				 "another agent answers on socket \"%s\": stop it, or give this "
				 "one another \"socket\" and \"state_dir\"",
				 at->sun_path);
	if (lstat(at->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return fault_set(f, EEXIST, "\"%s\" is there and is no socket: remove it",
				 at->sun_path);
	return unlink(at->sun_path) ? -errno : 0;
}

int listen_unix(const char *path, struct fault *f)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	_close_ int fd = -1;
	mode_t mask;
	int err;

	if (strlen(path) >= sizeof(at.sun_path))
		return fault_set(f, ENAMETOOLONG, "socket path \"%s\" has more than %zu characters",
				 path, sizeof(at.sun_path) - 1);
	strcpy(at.sun_path, path);
	err = make_parent(path, f);
	if (!err)
		err = clear_way(&at, f);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fault_set(f, errno, "can't make a socket: %s", strerror(errno));
	mask = umask(0177); /* 0600 from the first moment */
	err = bind(fd, (struct sockaddr *)&at, sizeof(at)) ? -errno : 0;
	umask(mask);
	if (!err && listen(fd, SOMAXCONN))
		err = -errno;
	if (err)
		return fault_set(f, -err, "can't listen on \"%s\": %s", path, strerror(-err));
	return TAKE_FD(fd);
}

static int bind_tcp(const struct sockaddr *addr, socklen_t len)
{
	_close_ int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, off = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		return -errno;
	if (addr->sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)))
		return -errno;
	if (bind(fd, addr, len) || listen(fd, SOMAXCONN))
		return -errno;
	return TAKE_FD(fd);
}

/* "Every address" on a machine without IPv6. */
static bool every_ipv4(const struct sockaddr *addr, struct sockaddr_in *in)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;

	if (addr->sa_family != AF_INET6 || !IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		return false;
	*in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = in6->sin6_port};
	return true;
}

int listen_tcp(const struct sockaddr *addr, socklen_t len, const char *text, struct fault *f)
{
	int fd = bind_tcp(addr, len);
	struct sockaddr_in in;

	if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && every_ipv4(addr, &in))
		fd = bind_tcp((const struct sockaddr *)&in, sizeof(in));
	if (fd >= 0)
		return fd;
	return fault_set(f, -fd,
			 "can't serve metrics on \"%s\": %s; set \"metrics\" to a free address, or "
			 "to null",
			 text, strerror(-fd));
}
