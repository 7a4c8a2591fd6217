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

/* Place of a program among those on the interface, 0: the first to run; -ENOENT: it isn't there. */
int tcx_place(int ifindex, enum gate_hook hook, uint32_t prog_id);

#endif
