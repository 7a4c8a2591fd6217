/* SPDX-License-Identifier: MIT */
/* knock.h - one frame towards a pod's port from the other end of its veth, and whether it is answered. */
#ifndef PORTLIC_KNOCK_H
#define PORTLIC_KNOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "gate.h"

/* A SYN, or a datagram of one byte, from a port that no client uses. Its length from the IP header on, or -errno. */
int knock_send(const struct gate_way *way, uint8_t ip_proto, uint16_t port);

/* Whether a SYN-ACK from the port has come out since. */
bool knock_answered(const struct gate_way *way, uint16_t port);

#endif
