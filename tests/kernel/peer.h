/* SPDX-License-Identifier: MIT */
/* peer.h - both ends of the traffic: an echo server in a pod, clients, and loops of connects. */
#ifndef PORTLIC_TEST_PEER_H
#define PORTLIC_TEST_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Answers on all addresses (both families) of pod `number` until peer_stop(). */
pid_t peer_serve(int number, const uint16_t *tcp, size_t n_tcp, const uint16_t *udp, size_t n_udp);
void peer_stop(pid_t pid);

#define HOST -1

/*
 * From the host's side or from inside pod `from`: connects, sends a byte, gets it back. 0 or the errno
 * (ETIMEDOUT after a second).
 */
int peer_tcp(int from, const char *address, uint16_t port);
int peer_udp(int from, const char *address, uint16_t port);

/* An open connection: its descriptor. */
int peer_connect(int from, const char *address, uint16_t port);
int peer_echo(int fd); /* 0 or errno */

/* Connects over and over in a process of its own. */
struct peer_loop {
	pid_t pid;
	volatile struct {
		uint64_t good, refused, other;
	} * count;
};
void peer_loop_start(struct peer_loop *loop, const char *address, uint16_t port);
void peer_loop_wait(const struct peer_loop *loop, uint64_t more); /* until so many more were made */
void peer_loop_stop(struct peer_loop *loop);

#endif
