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
	struct mark *list; /* sorted by cookie */
	size_t n;
};

int marks_read(const struct gate *g, struct marks *out, struct fault *f);
bool marks_has(const struct marks *marks, const struct sock_entry *e);
void marks_free(struct marks *marks);
#define _marks_ _cleanup_(marks_free)

/* Forgets those whose socket isn't in a list that was made after `marks`: it has gone. */
void marks_prune(const struct gate *g, const struct marks *marks, const struct sock_entry *list,
		 size_t n);

/* Marks the socket; gate_set_marked() is to be called afterwards. */
int marks_put(const struct gate *g, const struct sock_entry *e);

#endif
