/* SPDX-License-Identifier: MIT */
/* live.h - a pod's namespace and a peer's, joined by a veth, with the programs attached to the pod's. */
#ifndef PORTLIC_TEST_LIVE_H
#define PORTLIC_TEST_LIVE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "box.h"

#define OPEN 8080
#define SHUT 9090
#define CUT 7000
#define POD4 "10.99.0.2"
#define PEER4 "10.99.0.1"
#define POD6 "fd99::2"
#define PEER6 "fd99::1"

extern struct box box;
extern int pod, peer; /* namespaces */
extern uint8_t pod_mac[6];

void run(const char *command);
int socket_in(int netns, int domain, int type, int protocol);
/* eth0 of the pod and peer0 of the peer, whose namespace is made here. */
void build(void);
void open_raw(void);
void attach(const char *interface);
void attach_socket(void);
void detach(const char *interface);

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};
union address address(const char *text, uint16_t port);

/* A dual-stack server in the pod. */
int serve(int type, uint16_t port);
bool readable(int s, int ms);
int drain(int s);
void send_frame(const struct frame *f);
/* connect() from a namespace: 0 or errno; *ms: how long it took. */
int try_tcp(int from, const char *to, uint16_t port, int *ms);
/* A datagram from a connected socket; errno of the answer: ECONNREFUSED, or EAGAIN for silence. */
int try_udp(int from, const char *to, uint16_t port, int bytes);
/*
 * Who completes the checksums of what an interface sends: the stack (off), or as usual on a veth nobody,
 * which CHECKSUM_PARTIAL tells the receiver.
 */
void offload(int netns, const char *interface, bool on);

#endif
