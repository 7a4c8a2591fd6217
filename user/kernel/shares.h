/* SPDX-License-Identifier: MIT */
/*
 * shares.h - the node's shares of seats that the cluster counts (plic_shares): read, raised, lowered,
 * forgotten. Who calls sees to it that nobody else in user space writes there meanwhile; gates that come up at
 * once do it under the node's lock (node_priv.h).
 */
#ifndef PORTLIC_SHARES_H
#define PORTLIC_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node.h"
#include "portlic.h"

struct share {
	struct plic_usage_key usage; /* owner PLIC_NODE_WIDE */
	uint32_t seats;
	uint64_t
		until_ns; /* boot clock; 0: programs only asked for it, or it ended and was swept */
	uint64_t asked;	  /* begins anew with the entry; may miss what comes during a write */
	uint64_t used;	  /* seats that are taken */
};

/* All entries, in the order of shares_compare(). *out is the caller's. -errno. */
int shares_read(const struct node *node, struct share **out, size_t *n);
int shares_compare(const void *a, const void *b); /* by usage, as bytes */

/*
 * The node has so many seats until then. To be used where it becomes no less in either; else shares_lower().
 * -EAGAIN: the share before has ended, and who sat by it may still stand: again after the next seats_round().
 * -errno.
 */
int shares_write(const struct node *node, const struct plic_usage_key *usage, uint32_t seats,
		 uint64_t until_ns);

/*
 * Lowers the share to *seats, or to as many as clients sit in by then if that is more, but never raises it:
 * *seats becomes what it now is. When it returns no program gives seats by the former share any more, on any
 * CPU, so the rest can be another node's. Waits for a grace period of RCU (tens of milliseconds). -ENOENT:
 * there is none. Other -errno: it is what it was or lower.
 */
int shares_lower(const struct node *node, const struct plic_usage_key *usage, uint32_t *seats);

/* Whether there are no more to be had: then clients who are idle make room once all are taken. -errno. */
int shares_set_full(const struct node *node, const struct plic_usage_key *usage, bool full);

/*
 * Ends the share: nobody sits there any more. The next seats_round() sees to who did, and takes the entry away
 * once no gate has the limit. 0 if there is none. -errno.
 */
int shares_drop(const struct node *node, const struct plic_usage_key *usage);

/* An entry in which clients only asked, and nobody sits, goes. Any other stays: 0 too. -errno. */
int shares_forget(const struct node *node, const struct plic_usage_key *usage);

/* For seats.c. False: there is none, or it has ended. */
bool shares_in_force(const struct node *node, const struct plic_usage_key *usage, uint64_t now_ns,
		     struct plic_share *out);

/* Where there is no entry, one by which who sits stays until the agent has had time to borrow. */
void shares_seed(const struct node *node, const struct plic_usage_key *usage, uint64_t now_ns);

/* One more client found no seat. */
void shares_ask(const struct node *node, const struct plic_usage_key *usage);

/*
 * Nobody sits any more by the shares that had ended at ended_ns: shares_write() may begin anew. Entries of
 * limits that aren't alive go, and those in which clients only asked beyond SHARES_ASKED: who scans a range of ports
 * is to fill neither the table nor the agent's time.
 */
#define SHARES_ASKED 512
void shares_sweep(const struct node *node, uint64_t ended_ns,
		  bool (*alive)(const struct plic_usage_key *usage, void *data), void *data);

#endif
