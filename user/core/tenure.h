/* SPDX-License-Identifier: MIT */
/*
 * tenure.h - how long what this node has borrowed is its own: a Lease of the node's, renewed. Pure.
 *
 * What was borrowed is in force until the last renewal that was answered well was sent + hold, by this node's
 * boot clock. Who reclaims waits for longer than that from when it sees a version of the Lease, and it can't
 * see one before it was sent: so the node has stopped before anybody else may have its seats. An answer that
 * comes later than that revives nothing: a new epoch begins, in which nothing is borrowed yet.
 */
#ifndef PORTLIC_TENURE_H
#define PORTLIC_TENURE_H

#include <stdbool.h>
#include <stdint.h>

#include "outcome.h"

#define TENURE_HOLD_S 3600 /* the default */
#define TENURE_HOLD_MIN_S 30
#define TENURE_HOLD_MAX_S 86400
#define TENURE_RENEW_MIN_S 5 /* a tenth of hold, within these */
#define TENURE_RENEW_MAX_S 60

enum tenure_step {
	TENURE_WAIT,
	TENURE_GET,    /* read the Lease: its version isn't known */
	TENURE_CREATE, /* POST */
	TENURE_WRITE,  /* PUT with the version in sight */
};

struct tenure {
	uint32_t hold_s;   /* goes into the Lease as leaseDurationSeconds */
	uint32_t epoch;	   /* another number: what was borrowed before is lost */
	uint64_t until_ns; /* boot clock; it holds before that. 0: never did */
	uint64_t
		renewed_ns; /* when the last write that was answered well was sent; 0: none in this life */
	uint64_t sent_ns;      /* of the request that runs; 0: none does */
	uint64_t next_ns;      /* nothing before */
	unsigned int failures; /* in a row */
	bool known, exists;    /* whether the Lease is there, and its version is the one in sight */
	enum tenure_step asked;
};

/*
 * An agent begins. until_ns: until when the shares that the kernel has are in force at the latest, 0: none is. Only
 * those with seats count: an entry without any may be the kernel's own, and says nothing of a tenure.
 * Before the first renewal is sent the agent cuts them with tenure_cut(): hold may be shorter than in its
 * earlier life, and what the Lease then says has to be true of them.
 */
void tenure_begin(struct tenure *t, uint32_t hold_s, uint64_t until_ns, uint64_t now_ns);
uint64_t tenure_cut(uint64_t until_ns, uint32_t hold_s, uint64_t now_ns);

/* wanted: the node has borrowed something or wants to (borrow_wants_tenure). Without it the Lease lies still. */
enum tenure_step tenure_next(const struct tenure *t, bool wanted, uint64_t now_ns);
void tenure_sent(struct tenure *t, enum tenure_step step, uint64_t now_ns);
void tenure_answered(struct tenure *t, enum outcome answer, uint64_t now_ns, uint32_t random);

/* What was borrowed is in force. */
bool tenure_holds(const struct tenure *t, uint64_t now_ns);

#endif
