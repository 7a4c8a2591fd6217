/* SPDX-License-Identifier: MIT */
/* marks.h - which TCP sockets of a gate's namespace the pod itself opened, as its markers tell. */
#ifndef PORTLIC_MARKS_H
#define PORTLIC_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "fault.h"
#include "sockdiag.h"

struct gate;

struct marks {
	uint64_t *cookies; /* sorted */
	size_t n;
};

int marks_read(const struct gate *g, struct marks *out, struct fault *f);
bool marks_has(const struct marks *marks, const struct sock_entry *e);
void marks_free(struct marks *marks);
#define _marks_ _cleanup_(marks_free)

/* Marks the socket; gate_set_marked() is to be called afterwards. */
int marks_put(const struct gate *g, const struct sock_entry *e);

#endif
