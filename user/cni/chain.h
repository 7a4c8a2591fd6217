/* SPDX-License-Identifier: MIT */
/* chain.h - the directory of CNI configurations: ours in, ours out. */
#ifndef PORTLIC_CNI_CHAIN_H
#define PORTLIC_CNI_CHAIN_H

#include "conflist.h"
#include "fault.h"

struct chain_change {
	char file[256]; /* that was written or removed last; "": none had to be */
};

/*
 * Chains the plugin into the first configuration of `dir` in order of names, which is the one that runtimes
 * take; that of a single plugin stays and gets a list of ours in front of it. Nothing is written if all is as
 * it should be. -ENOENT: there is no configuration; -EBADMSG: it can't be used; else -errno.
 */
int chain_in(const char *dir, const struct conflist_entry *entry, struct chain_change *change,
	     struct fault *f);

/* Out of all configurations of `dir`. */
int chain_out(const char *dir, struct chain_change *change, struct fault *f);

#endif
