/* SPDX-License-Identifier: MIT */
/* tenure.c - takes, renews and loses the node's Lease. */
#include "tenure.h"

#include "pace.h"

#define S 1000000000ULL
#define MS 1000000ULL

static uint64_t renew_ns(const struct tenure *t)
{
	uint64_t s = t->hold_s / 10;

	if (s < TENURE_RENEW_MIN_S)
		s = TENURE_RENEW_MIN_S;
	return (s > TENURE_RENEW_MAX_S ? TENURE_RENEW_MAX_S : s) * S;
}

uint64_t tenure_cut(uint64_t until_ns, uint32_t hold_s, uint64_t now_ns)
{
	uint64_t most = now_ns + hold_s * S;

	return until_ns < most ? until_ns : most;
}

void tenure_begin(struct tenure *t, uint32_t hold_s, uint64_t until_ns, uint64_t now_ns)
{
	*t = (struct tenure){
		.hold_s = hold_s, .epoch = 1, .until_ns = tenure_cut(until_ns, hold_s, now_ns)};
}

bool tenure_holds(const struct tenure *t, uint64_t now_ns)
{
	return now_ns < t->until_ns;
}

enum tenure_step tenure_next(const struct tenure *t, bool wanted, uint64_t now_ns)
{
	if (!wanted || t->sent_ns || now_ns < t->next_ns)
		return TENURE_WAIT;
	if (t->renewed_ns && now_ns < t->renewed_ns + renew_ns(t))
		return TENURE_WAIT;
	if (!t->known)
		return TENURE_GET;
	return t->exists ? TENURE_WRITE : TENURE_CREATE;
}

void tenure_sent(struct tenure *t, enum tenure_step step, uint64_t now_ns)
{
	t->sent_ns = now_ns;
	t->asked = step;
}

/* The pause after a failure is never so long that the Lease runs out for it. */
static uint64_t pause_ns(const struct tenure *t, uint32_t random)
{
	uint64_t ns = pace_retry_ms(t->failures, 0, random) * MS;

	return ns < renew_ns(t) ? ns : renew_ns(t);
}

static void renewed(struct tenure *t, uint64_t sent_ns, uint64_t now_ns)
{
	/* Somebody may have reclaimed before this write reached the server: it holds for what comes. */
	if (t->until_ns && !tenure_holds(t, now_ns))
		t->epoch++;
	t->until_ns = sent_ns + t->hold_s * S;
	t->renewed_ns = sent_ns;
}

void tenure_answered(struct tenure *t, enum outcome answer, uint64_t now_ns, uint32_t random)
{
	uint64_t sent_ns = t->sent_ns;

	t->sent_ns = 0;
	if (answer == OUTCOME_DONE) {
		t->failures = 0;
		t->known = t->exists = true;
		if (t->asked != TENURE_GET)
			renewed(t, sent_ns, now_ns);
		return;
	}
	t->failures++;
	t->known = answer == OUTCOME_MISSING;
	t->exists = false;
	/* What is there is looked at and replaced at once, the first time. */
	if (answer == OUTCOME_FAILED || t->failures > 2)
		t->next_ns = now_ns + pause_ns(t, random);
}
