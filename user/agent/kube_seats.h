/* SPDX-License-Identifier: MIT */
/*
 * kube_seats.h - seats that the whole cluster counts (scope "cluster"), where a Kubernetes API server is followed.
 *
 * Of each license line that gives such seats this node borrows some from the line's pool, a Lease in the agent's
 * namespace, and holds them as long as it renews a Lease of its own (tenure.h, borrow.h). The kernel has them as
 * shares (shares.h), which end by themselves. Once a second, behind the usher's round, the shares are read, judged and
 * written; in between the API server is asked. The agent that writes for all (kube_leads) takes back what nodes
 * have that are gone (reclaim.h).
 */
#ifndef PORTLIC_AGENT_KUBE_SEATS_H
#define PORTLIC_AGENT_KUBE_SEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "borrow.h"
#include "kube.h"
#include "lease.h"
#include "reclaim.h"
#include "tenure.h"

struct agent;
struct gate_entry;

/* A license line that gives seats of the cluster on this node, or gave them and holds some still. */
struct seat_line {
	struct seat_line *next;
	struct agent *agent;
	uint64_t line; /* plic_limit.line */
	struct borrow borrow;
	struct lease lease;	      /* the pool's, as the last GET found it; no name: none */
	struct kube_request *request; /* NULL: none runs */
	struct fault trouble;	      /* of the last answer, "" if it was good */
	bool troubled;		      /* ... which was told */
	uint64_t short_ns;	      /* boot clock: when a port last had too few, 0: never */
};

struct kube_seats {
	bool begun;	/* the kernel's shares of before were read */
	bool settled;	/* ... and cut to what the Lease will say: the API server may be asked */
	bool rounding;	/* shares are being read or written */
	bool again;	/* another round has to follow */
	bool lost_told; /* the tenure is over, and that was told */
	struct seat_line *lines;

	struct tenure tenure;
	struct lease lease; /* this node's, as it was seen last; no name: never */
	struct kube_request *tenure_request;
	struct fault trouble; /* of the last renewal, "" if it went well */
	bool conflicted;      /* somebody else has written the Lease since the last renewal */
	unsigned int doubled; /* ... so many times, without a renewal where nobody had */

	/* the writer's */
	struct reclaim *reclaim; /* NULL: this agent isn't it */
	struct kube_watch *borrowers;
	struct kube_request *reclaim_request;
	bool unread;		      /* a Lease couldn't be kept: all are watched anew */
	enum reclaim_step reclaiming; /* what it asks for */
	struct lease pool;	      /* that is being written */
	char *continued;	      /* the next page of the pools' list, NULL: the first */
	uint64_t reclaimed;	      /* nodes that were taken out of pools */
};

void kube_seats_stop(struct agent *agent);
/* To be called every second. */
void kube_seats_tick(struct agent *agent);
/* Reads, judges and writes the shares; where that is under way, once more behind it. */
void kube_seats_round(struct agent *agent);

/* For the status: docs/api.md, `cluster_seats`; null: off, or there are none. */
cJSON *kube_seats_json(const struct agent *agent);
void kube_seats_warn(const struct agent *agent, cJSON *warnings);
void kube_seats_metrics(FILE *out, const struct agent *agent);
/*
 * Why a client of a port gets no seat, and what to do, where the cluster counts them. false: it doesn't, or
 * nothing is known.
 */
bool kube_seats_explain(const struct agent *agent, const struct gate_entry *entry, uint8_t ip_proto,
			uint16_t port, char *out, size_t size);

/* ---- among the files kube_seats*.c ---- */

#define KUBE_POOL_LEASE "portlic-seats-"	/* and the line, 16 hex digits */
#define KUBE_BORROWER_LEASE "portlic-borrower-" /* and the node's name */
#define KUBE_SEATS_DOUBLED 3 /* so often: another node with this one's name is likely */

struct share;

/* What the rules in force name of the cluster's seats: by line, protocol, port. */
struct seat_wish {
	uint64_t line;
	uint32_t total;
	uint16_t port;
	uint8_t proto;
};
/* Each once. *out is the caller's. -ENOMEM. shares: what the kernel has, for the ports of wide ranges. */
int kube_seats_wishes(const struct agent *agent, const struct share *shares, size_t n_shares,
		      struct seat_wish **out, size_t *n);

struct seat_line *kube_seats_line(const struct agent *agent, uint64_t line); /* or NULL */
struct seat_line *kube_seats_put(struct agent *agent, uint64_t line);	     /* NULL: no memory */
void kube_seats_drop(struct seat_line **at);

/* What is to be asked of the API server now, but for what the writer asks. */
void kube_seats_ask(struct agent *agent);
void kube_tenure_tick(struct agent *agent);
void kube_pool_tick(struct agent *agent);
void kube_reclaim_tick(struct agent *agent);
void kube_reclaim_stop(struct agent *agent);

/* Some line has borrowed something, or wants to. */
bool kube_seats_wanted(const struct agent *agent);
/* Some line has borrowed something, be it still in force or not. */
bool kube_seats_lent(const struct agent *agent);
/* The pool that its Lease holds. -EBADMSG and why; -ENOMEM. */
int kube_pool_read(const struct lease *lease, struct seatpool *out, struct fault *f);
/* What an answer that isn't good says; "" for one that is. */
void kube_seats_trouble(const struct kube_answer *answer, struct fault *f);

#endif
