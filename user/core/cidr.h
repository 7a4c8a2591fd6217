/* SPDX-License-Identifier: MIT */
/* cidr.h - a network as it is written, and as the kernel looks it up. Pure. */
#ifndef PORTLIC_CIDR_H
#define PORTLIC_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "json.h"

struct cidr {
	uint8_t address[16]; /* IPv4 mapped, network order; bits behind len are zero */
	uint8_t len;	     /* 0 to 128 */
};

extern const struct cidr cidr_ipv4; /* ::ffff:0:0/96 */

/* The string item, "10.0.0.0/8" or "fd00::/8". -EINVAL: the fault begins with "name" and has the remedy. */
int cidr_parse(const char *name, const cJSON *item, struct cidr *out, struct fault *f);

/* As it is written; returns text. */
#define CIDR_TEXT_SIZE 50 /* INET6_ADDRSTRLEN and "/128" */
char *cidr_text(const struct cidr *network, char text[CIDR_TEXT_SIZE]);

/* b lies within a. */
bool cidr_covers(const struct cidr *a, const struct cidr *b);

#endif
