/* SPDX-License-Identifier: MIT */
/* addresses.h - the addresses of the namespace this thread is in, by rtnetlink. */
#ifndef PORTLIC_ADDRESSES_H
#define PORTLIC_ADDRESSES_H

#include <stddef.h>

#include "cidr.h"
#include "fault.h"

/* All but those of the loopback network, each with len 128; *out is the caller's. */
int addresses_list(struct cidr **out, size_t *n, struct fault *f);

#endif
