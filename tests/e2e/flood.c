/* SPDX-License-Identifier: MIT */
/* flood.c - flood ADDRESS COUNT: that many datagrams from one socket, each to another port or, after all ports, address. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BATCH 64
#define PORTS 65535

static int send_all(int fd, struct mmsghdr *messages, unsigned int n)
{
	for (unsigned int sent = 0; sent < n;) {
		int r = sendmmsg(fd, messages + sent, n - sent, 0);

		if (r < 0)
			return -1;
		sent += (unsigned int)r;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static char byte = 'x';
	static struct iovec payload = {&byte, 1};
	static struct sockaddr_in to[BATCH];
	static struct mmsghdr messages[BATCH];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct in_addr first;

	if (fd < 0 || !count || inet_pton(AF_INET, argv[1], &first) != 1) {
		fprintf(stderr, "flood ADDRESS COUNT\n");
		return 2;
	}
	for (unsigned int i = 0; i < BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){.msg_name = &to[i],
						      .msg_namelen = sizeof(to[i]),
						      .msg_iov = &payload,
						      .msg_iovlen = 1};
	for (unsigned long done = 0; done < count;) {
		unsigned int n = 0;

		for (; n < BATCH && done < count; n++, done++) {
			to[n].sin_family = AF_INET;
			to[n].sin_port = htons((uint16_t)(1 + done % PORTS));
			to[n].sin_addr.s_addr =
				htonl(ntohl(first.s_addr) + (uint32_t)(done / PORTS));
		}
		if (send_all(fd, messages, n) < 0) {
			perror("flood");
			return 1;
		}
	}
	return 0;
}
