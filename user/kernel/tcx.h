/* SPDX-License-Identifier: MIT */
/* tcx.h - programs on an interface as links, kernel 6.6 and later; newer than libbpf 1.1's headers. */
#ifndef PORTLIC_TCX_H
#define PORTLIC_TCX_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "gate.h"

/* Whether this kernel has them; attaches nothing. */
int tcx_probe(bool *has, struct fault *f);

/* Puts prog ahead of all others on the interface of this thread's namespace: a link's descriptor,
 * or -errno (-EEXIST: prog is there already, -ENODEV: no such interface). */
int tcx_attach(int ifindex, enum gate_hook hook, int prog);

/* Where a program stands among those on the interface. */
struct tcx_place {
	uint32_t link_id;  /* of its link */
	uint32_t first_id; /* the program that runs first: itself, or somebody else's */
};
/* -ENOENT: it isn't there. */
int tcx_find(int ifindex, enum gate_hook hook, uint32_t prog_id, struct tcx_place *out);

/* A program that leaves everything to the next one: its descriptor, or -errno. */
int tcx_load_next(void);

/*
 * A program that does what prog does: it jumps into it, as long as *jump, a map, is held open, and drops
 * all after that. Its descriptor, or -errno.
 */
int tcx_load_stub(int prog, int *jump);

#endif
