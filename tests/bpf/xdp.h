/* SPDX-License-Identifier: MIT */
/* xdp.h - the shield of a box, on its maps, and frames run through it. */
#ifndef PORTLIC_TEST_XDP_H
#define PORTLIC_TEST_XDP_H

#include "box.h"
#include "shield.skel.h"

/* Loaded for an interface with the address of the frames; exits where it can't be. */
struct shield_bpf *xdp_open(struct box *box);

/* box_clear(), and wire has no event to tell for an hour: those the shield would leave to it. */
void xdp_begin(struct box *box);

/* The action (enum xdp_action), or BOX_NO_RUN. It runs as on `lo` of the box's namespace. */
int xdp_run(struct shield_bpf *shield, const struct frame *f);

uint64_t xdp_dropped(struct shield_bpf *shield, int n_cpus); /* as it counts for the agent */

#endif
