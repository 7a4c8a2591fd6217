/* SPDX-License-Identifier: MIT */
/*
 * election.h - which of many agents writes: the one that holds a Lease. Pure.
 *
 * The API server's resourceVersion decides: a write replaces exactly the version that its author has seen, so
 * of two only one succeeds. Who follows watches the Lease and asks for nothing; it takes the Lease when the
 * record that it saw hasn't changed for ELECTION_DURATION_S of its own boot clock. Who leads renews it, and
 * counts as leading for ELECTION_DEADLINE_S from when its last successful renewal was sent: so it has
 * stopped before anybody else may begin. The clocks of two nodes need not agree.
 */
#ifndef PORTLIC_ELECTION_H
#define PORTLIC_ELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "outcome.h"

#define ELECTION_DURATION_S 15 /* unchanged for so long: it is free */
#define ELECTION_DEADLINE_S 10 /* not renewed for so long: the holder holds it no more */
#define ELECTION_RENEW_S 5     /* it is renewed so often */
#define ELECTION_RETRY_S 2     /* after a failed write, twice that at most */
#define ELECTION_SPREAD_S 3 /* those who want it are spread over this, that not all try at once */

enum election_step {
	ELECTION_WAIT,
	ELECTION_GET,	 /* read it: another version than expected is there */
	ELECTION_CREATE, /* POST */
	ELECTION_WRITE,	 /* PUT with the version in sight: takes or renews it */
};

struct election {
	bool known;		  /* whether there is a Lease, and whose */
	bool exists, mine, free_; /* free_: nobody's, its holder has let go */
	uint64_t seen_ns;	  /* when the record in sight was seen first; boot clock */
	uint64_t wait_ns;	  /* so long after it a taker waits, drawn by lot */
	uint64_t renewed_ns; /* when the last successful write of ours was sent; 0: we don't lead */
	uint64_t sent_ns;    /* of the request that runs; 0: none does */
	uint64_t next_ns;    /* nothing before */
	bool stale;	     /* the version in sight isn't the present one */
	enum election_step asked; /* of that request */
};

/*
 * A record came: by the watch, or with the answer to our write or GET. changed: it is another than the last.
 * random: any number.
 */
void election_saw(struct election *e, bool mine, bool free_, bool changed, uint64_t now_ns,
		  uint32_t random);
/* There is no Lease. */
void election_absent(struct election *e, uint64_t now_ns, uint32_t random);

/* What is to be asked of the API server now. */
enum election_step election_next(const struct election *e, uint64_t now_ns);
void election_sent(struct election *e, enum election_step step, uint64_t now_ns);
/* Its answer; with OUTCOME_DONE to be called before election_saw. */
void election_answered(struct election *e, enum outcome answer, uint64_t now_ns, uint32_t random);

/* May write. To be asked before each write. */
bool election_leads(const struct election *e, uint64_t now_ns);

#endif
