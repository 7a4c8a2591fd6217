/* SPDX-License-Identifier: MIT */
/* election.c - takes, renews and loses the Lease. */
#include "election.h"

#define S 1000000000ULL

static uint64_t spread(uint64_t most_s, uint32_t random)
{
	return (most_s * S >> 16) * (random >> 16);
}

bool election_leads(const struct election *e, uint64_t now_ns)
{
	return e->renewed_ns && now_ns - e->renewed_ns < ELECTION_DEADLINE_S * S;
}

void election_saw(struct election *e, bool mine, bool free_, bool changed, uint64_t now_ns,
		  uint32_t random)
{
	if (changed || !e->known || !e->exists) {
		e->seen_ns = now_ns;
		e->wait_ns = spread(ELECTION_SPREAD_S, random);
	}
	e->known = e->exists = true;
	e->mine = mine;
	e->free_ = free_;
	e->stale = false;
	if (!mine)
		e->renewed_ns = 0;
}

void election_absent(struct election *e, uint64_t now_ns, uint32_t random)
{
	if (e->known && !e->exists)
		return;
	e->known = true;
	e->exists = e->mine = e->free_ = e->stale = false;
	e->seen_ns = now_ns;
	e->wait_ns = spread(ELECTION_SPREAD_S, random);
}

/* When the record in sight may be replaced by us. */
static uint64_t due(const struct election *e)
{
	if (e->mine) /* also what an earlier life of ours left: it is ours to go on with */
		return e->renewed_ns ? e->renewed_ns + ELECTION_RENEW_S * S : 0;
	if (e->exists && !e->free_)
		return e->seen_ns + ELECTION_DURATION_S * S + e->wait_ns;
	return e->seen_ns + e->wait_ns;
}

enum election_step election_next(const struct election *e, uint64_t now_ns)
{
	if (!e->known || e->sent_ns || now_ns < e->next_ns)
		return ELECTION_WAIT;
	if (e->stale)
		return ELECTION_GET;
	if (now_ns < due(e))
		return ELECTION_WAIT;
	return e->exists ? ELECTION_WRITE : ELECTION_CREATE;
}

void election_sent(struct election *e, enum election_step step, uint64_t now_ns)
{
	e->sent_ns = now_ns;
	e->asked = step;
}

void election_answered(struct election *e, enum outcome answer, uint64_t now_ns, uint32_t random)
{
	uint64_t sent_ns = e->sent_ns;

	e->sent_ns = 0;
	e->next_ns = 0;
	switch (answer) {
	case OUTCOME_DONE:
		if (e->asked != ELECTION_GET)
			e->renewed_ns = sent_ns;
		return;
	case OUTCOME_MISSING:
		election_absent(e, now_ns, random);
		break;
	case OUTCOME_CONFLICT:
		e->stale = true;
		if (!election_leads(e, now_ns))
			break;
		return; /* the holder looks at once what came between */
	case OUTCOME_FAILED:
		if (e->asked != ELECTION_GET) /* it may have been done all the same */
			e->stale = true;
		break;
	}
	e->next_ns = now_ns + ELECTION_RETRY_S * S + spread(ELECTION_RETRY_S, random);
}
