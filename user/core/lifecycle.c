/* SPDX-License-Identifier: MIT */
/* lifecycle.c - states and deadlines of licenses (LICENSE-FORMAT §5). */
#include "lifecycle.h"

#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "revocation.h"

#define DAY_S 86400LL

const char *license_state_word(enum license_state state)
{
	static const char *const words[] = {
#define LICENSE_STATE_WORD(name, word) [STATE_##name] = (word),
		LICENSE_STATES(LICENSE_STATE_WORD)
#undef LICENSE_STATE_WORD
	};

	return state < STATE_COUNT ? words[state] : "";
}

const char *license_state_upper(enum license_state state)
{
	static const char *const words[] = {
#define LICENSE_STATE_UPPER(name, word) [STATE_##name] = #name,
		LICENSE_STATES(LICENSE_STATE_UPPER)
#undef LICENSE_STATE_UPPER
	};

	return state < STATE_COUNT ? words[state] : "";
}

/* a + b for b >= 0, LIFECYCLE_NEVER instead of an overflow. */
static int64_t add(int64_t a, int64_t b)
{
	return a > LIFECYCLE_NEVER - b ? LIFECYCLE_NEVER : a + b;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool reached(int64_t t, int64_t now)
{
	return t != LIFECYCLE_NEVER && now >= t;
}

/* The moments of one license that no other license moves. */
struct moments {
	int64_t stale;	 /* wants a newer list from here on */
	int64_t lapse;	 /* its own end, revocation apart: grace is over */
	int64_t revoked; /* a list names it from here on */
};

static struct moments moments_of(const struct license *lic, const struct revocations *revocations)
{
	struct moments m = {
		.stale = LIFECYCLE_NEVER,
		.lapse = add(lic->exp, lic->grace_s),
		.revoked = LIFECYCLE_NEVER,
	};
	int64_t newest = -1;

	if (revocations) {
		m.revoked = revocations_at(revocations, lic);
		newest = revocations_newest(revocations, lic->iss);
	}
	if (lic->rl_max_age_s && newest >= 0) {
		int64_t end = add(newest, lic->rl_max_age_s);

		m.stale = add(end, 1);
		m.lapse = earlier(m.lapse, add(end, lic->grace_s));
	} else if (lic->rl_max_age_s) {
		/* No list at all: stale from its first moment on, so only the grace is left. */
		m.stale = lic->nbf - LIFECYCLE_SLACK_S;
		m.lapse = earlier(m.lapse, add(m.stale, lic->grace_s));
	}
	return m;
}

static bool has_begun(const struct license *lic, int64_t now)
{
	return now >= lic->nbf - LIFECYCLE_SLACK_S;
}

/* WARN: the last 14 days or 10 % of its life, what is longer, but at most a third. */
static bool ends_soon(const struct license *lic, int64_t now)
{
	int64_t life = lic->exp - lic->nbf;
	int64_t warn = life / 10 > 14 * DAY_S ? life / 10 : 14 * DAY_S;

	return lic->exp - now <= earlier(warn, life / 3);
}

static enum license_state state_of(const struct license *lic, const struct moments *m, int64_t now)
{
	if (reached(m->revoked, now))
		return STATE_REVOKED;
	if (!has_begun(lic, now))
		return STATE_PENDING;
	if (reached(m->lapse, now))
		return STATE_LAPSED;
	if (now >= lic->exp)
		return STATE_GRACE;
	return now >= m->stale ? STATE_STALE : STATE_ACTIVE;
}

static void set_deadlines(struct license_view *view, const struct moments *m, int64_t now)
{
	struct deadlines *d = &view->deadlines;
	bool revoked = (m->revoked != LIFECYCLE_NEVER && m->revoked <= m->lapse) ||
		       reached(m->revoked, now);

	view->lapse = view->lic->lapse;
	if (revoked && view->lapse == PLIC_REPORT)
		view->lapse = PLIC_BLOCK_NEW;
	/* The slack ahead of nbf is for a clock that lags; a license loaded ahead begins at nbf. */
	d->from =
		view->state == STATE_PENDING ? view->lic->nbf : view->lic->nbf - LIFECYCLE_SLACK_S;
	d->new_until = earlier(m->lapse, m->revoked);
	if (view->lapse == PLIC_REPORT)
		d->cut_at = add(m->revoked, LICENSE_DRAIN_S);
	else
		d->cut_at = add(d->new_until, view->lapse == PLIC_BLOCK ? 0 : LICENSE_DRAIN_S);
}

static void judge(struct license_view *view, const struct revocations *revocations, int64_t now)
{
	const struct moments m = moments_of(view->lic, revocations);

	view->state = state_of(view->lic, &m, now);
	view->warn = view->state == STATE_ACTIVE && ends_soon(view->lic, now);
	view->equivocation = view->renewed = false;
	set_deadlines(view, &m, now);
}

bool license_same_line(const struct license *a, const struct license *b)
{
	return !strcmp(a->lid, b->lid) && !strcmp(a->iss, b->iss);
}

int license_compare_rank(const struct license *a, const struct license *b)
{
	if (a->seq != b->seq)
		return a->seq > b->seq ? 1 : -1;
	if (a->iat != b->iat)
		return a->iat > b->iat ? 1 : -1;
	return memcmp(a->sha256, b->sha256, sizeof(a->sha256));
}

bool lifecycle_replaces(const struct license *lic, const struct revocations *revocations,
			int64_t now)
{
	/* Without a list that was young enough for it once it was never ACTIVE. */
	return has_begun(lic, now) &&
	       moments_of(lic, revocations).stale > lic->nbf - LIFECYCLE_SLACK_S &&
	       !(revocations && reached(revocations_at_jti(revocations, lic), now));
}

/* a and b are two files of one line, a the one that comes first. */
static void judge_pair(struct license_view *a, struct license_view *b,
		       const struct revocations *revocations, int64_t now)
{
	int order = license_compare_rank(a->lic, b->lic);
	struct license_view *high = order >= 0 ? a : b, *low = order >= 0 ? b : a;

	if (!order) /* the same bytes in two files */
		return;
	if (a->lic->seq == b->lic->seq)
		a->equivocation = b->equivocation = true;
	if (lifecycle_replaces(high->lic, revocations, now) && low->state != STATE_REVOKED)
		low->state = STATE_SUPERSEDED;
	low->warn &= low->state == STATE_ACTIVE;
	low->renewed |= high->state == STATE_PENDING && high->lic->nbf <= low->deadlines.new_until;
}

static int by_line(const void *a, const void *b)
{
	const struct license *x = (*(struct license_view *const *)a)->lic;
	const struct license *y = (*(struct license_view *const *)b)->lic;
	int order = strcmp(x->lid, y->lid);

	return order ? order : strcmp(x->iss, y->iss);
}

/* Without memory to sort them each is held against each. */
void lifecycle_judge(struct license_view *views, size_t n, const struct revocations *revocations,
		     int64_t now)
{
	_free_ struct license_view **sorted = calloc(n + 1, sizeof(*sorted));

	for (size_t i = 0; i < n; i++) {
		judge(&views[i], revocations, now);
		if (sorted)
			sorted[i] = &views[i];
	}
	if (sorted)
		qsort(sorted, n, sizeof(*sorted), by_line);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n; j++) {
			struct license_view *a = sorted ? sorted[i] : &views[i];
			struct license_view *b = sorted ? sorted[j] : &views[j];

			if (license_same_line(a->lic, b->lic))
				judge_pair(a, b, revocations, now);
			else if (sorted)
				break;
		}
	}
}
