/* SPDX-License-Identifier: MIT */
/* explain.h - what a gate's programs would say to a new connection, asked of a twin of theirs. */
#ifndef PORTLIC_EXPLAIN_H
#define PORTLIC_EXPLAIN_H

#include "gate.h"

struct gate_question {
	uint8_t ip_proto; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
	uint16_t port;
	uint8_t from[16]; /* IPv4 mapped, network order */
	uint32_t origins; /* mask, bit: enum plic_origin; 0: as the address tells */
	bool on_lo;	  /* one of the namespace's own addresses is anyway: told with the answer */
	uint64_t at_ns;	  /* boot clock */
};

struct gate_answer {
	enum plic_verdict verdict;
	enum plic_reason reason; /* unless it is allowed */
	enum plic_hook hook;	 /* that denied, or would have (audit) */
	enum plic_origin origin; /* that the client was judged by */
};

/*
 * Loads the gate's object once more, with the same rules, sources, limits, flows and markers and counters of
 * its own, hands it one packet, and forgets it: nothing is counted, charged, told or changed.
 */
int gate_explain(struct gate *gate, struct gate_question *question, struct gate_answer *out,
		 struct fault *f);

#endif
