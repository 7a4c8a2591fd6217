/* SPDX-License-Identifier: MIT */
/*
 * clsact.h - programs on an interface before Linux 6.6: filters, which root in the pod can remove.
 *
 * A filter can't be pinned, so it is found again by its handle and priority, and a qdisc that
 * portlic made by the directory clsact_IFINDEX among the gate's pins. All calls concern the
 * namespace that this thread is in.
 */
#ifndef PORTLIC_CLSACT_H
#define PORTLIC_CLSACT_H

#include <stdbool.h>
#include <stdint.h>

#include "gate.h"

/* Attaches, or replaces in place. *made: there was no clsact qdisc before. */
int clsact_attach(int ifindex, enum gate_hook hook, int prog, bool *made);
int clsact_query(int ifindex, enum gate_hook hook, uint32_t *prog_id); /* -ENOENT: not there */
int clsact_detach(int ifindex, enum gate_hook hook);

/* The filter that runs first, if that isn't ours; else *rival stays as it is. */
void clsact_first(int ifindex, enum gate_hook hook, struct gate_rival *rival);

/* Puts ours, which is there, ahead of all others; at any time one of ours stands. */
int clsact_regain(int ifindex, enum gate_hook hook, int prog);

/* Removes the qdisc unless somebody else has a filter on it by now. */
int clsact_remove_qdisc(int ifindex);

#endif
