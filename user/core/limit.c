/* SPDX-License-Identifier: MIT */
/* limit.c - what licenses and policies limit -> struct plic_limit. */
#include "limit.h"

#include <string.h>

#include <sodium.h>

#define NS_PER_S 1000000000ULL
#define MAX_BUCKET_NS (PLIC_NEVER / 4) /* the kernel's differences of times in it are signed */

__u64 limit_line(const struct license *lic)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	__u64 line;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)lic->iss, strlen(lic->iss) + 1);
	crypto_hash_sha256_update(&state, (const unsigned char *)lic->lid, strlen(lic->lid));
	crypto_hash_sha256_final(&state, digest);
	memcpy(&line, digest, sizeof(line));
	return line == PLIC_LINE_POLICY ? 1 : line;
}

static __u32 at_most_u32(int64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (__u32)n;
}

static void fit_burst(struct plic_limit *limit)
{
	if (limit->burst > MAX_BUCKET_NS / limit->interval_ns)
		limit->burst = (__u32)(MAX_BUCKET_NS / limit->interval_ns);
}

/* More than one in a nanosecond is no limit. */
static void set_rate(struct plic_limit *limit, const struct license_rate *rate)
{
	unsigned __int128 interval;

	if (!rate->connections)
		return;
	interval = (unsigned __int128)rate->per_s * NS_PER_S / (unsigned __int128)rate->connections;
	if (!interval)
		return;
	limit->interval_ns = interval > MAX_BUCKET_NS ? MAX_BUCKET_NS : (__u64)interval;
	limit->burst = at_most_u32(rate->burst);
	fit_burst(limit);
}

/*
 * Windows begin at nbf, and before it: numbered from the first one of 1970 on, they keep their numbers, to
 * one, when a renewal has another nbf.
 */
static void set_quota(struct plic_limit *limit, const struct license_quota *quota, bool whole,
		      int64_t nbf, const struct time_base *base)
{
	if (!quota->window_s)
		return;
	limit->quota_connections = (__u64)quota->connections;
	limit->quota_bytes = (__u64)quota->bytes;
	limit->window_ns = (__u64)quota->window_s > PLIC_NEVER / NS_PER_S
				   ? PLIC_NEVER
				   : (__u64)quota->window_s * NS_PER_S;
	limit->start_ns = base->boot_ns - (__u64)(base->wall_s - nbf % quota->window_s) * NS_PER_S;
	limit->flags |= (quota->block ? PLIC_LIMIT_BLOCK : 0) |
			(quota->scope == SCOPE_POD ? 0 : PLIC_LIMIT_QUOTA_NODE) |
			(whole ? PLIC_LIMIT_QUOTA_LINE : 0);
}

struct plic_limit limit_of_license(const struct license *lic, const struct license_port *port,
				   const struct time_base *base, bool borrows)
{
	bool whole = !port->quota.window_s;
	struct plic_limit limit;

	memset(&limit, 0, sizeof(limit)); /* compared as bytes */
	limit.seats = at_most_u32(port->seats ?: lic->seats);
	if (limit.seats && lic->seats_scope != SCOPE_POD)
		limit.flags |= PLIC_LIMIT_SEATS_NODE;
	if (limit.seats && lic->seats_scope == SCOPE_CLUSTER && borrows)
		limit.flags |= PLIC_LIMIT_SEATS_SHARE;
	set_rate(&limit, &port->rate);
	set_quota(&limit, whole ? &lic->quota : &port->quota, whole, lic->nbf, base);
	if (port->tls)
		limit.flags |= PLIC_LIMIT_TLS;
	if (limit.seats || limit.interval_ns || limit.window_ns || limit.flags)
		limit.line = limit_line(lic);
	return limit;
}

struct plic_limit limit_of_policy(const struct policy_port *port)
{
	struct plic_limit limit;

	memset(&limit, 0, sizeof(limit));
	limit.line = PLIC_LINE_POLICY;
	limit.seats = at_most_u32(port->seats);
	set_rate(&limit, &port->rate);
	if (port->tls)
		limit.flags |= PLIC_LIMIT_TLS;
	return limit;
}

/* 0 is no limit, the largest. */
static __u64 larger(__u64 a, __u64 b)
{
	return !a || !b ? 0 : a > b ? a : b;
}

static bool quota_is_larger(const struct plic_limit *a, const struct plic_limit *b)
{
	long double x = (a->quota_bytes ?: a->quota_connections) / (long double)a->window_ns;
	long double y = (b->quota_bytes ?: b->quota_connections) / (long double)b->window_ns;

	return x > y;
}

static void widen_quota(struct plic_limit *a, const struct plic_limit *b)
{
	const __u8 own = PLIC_LIMIT_QUOTA_NODE | PLIC_LIMIT_QUOTA_LINE | PLIC_LIMIT_BLOCK;
	const struct plic_limit *from = b;

	if (a->window_ns && b->window_ns && !quota_is_larger(b, a))
		from = a;
	else if (!a->window_ns)
		from = a;
	a->quota_connections = from->quota_connections;
	a->quota_bytes = from->quota_bytes;
	a->start_ns = from->start_ns;
	a->window_ns = from->window_ns;
	a->flags = (a->flags & ~own) | (from->flags & own);
}

void limit_widen(struct plic_limit *a, const struct plic_limit *b)
{
	__u8 tls = a->flags & b->flags & PLIC_LIMIT_TLS;

	if (!a->interval_ns || !b->interval_ns)
		a->interval_ns = a->burst = 0;
	else if (b->interval_ns < a->interval_ns)
		a->interval_ns = b->interval_ns;
	if (a->interval_ns && b->burst > a->burst)
		a->burst = b->burst;
	if (a->interval_ns)
		fit_burst(a);
	a->seats = (__u32)larger(a->seats, b->seats);
	if (!a->seats)
		a->flags &= ~(PLIC_LIMIT_SEATS_NODE | PLIC_LIMIT_SEATS_SHARE);
	widen_quota(a, b);
	a->flags = (a->flags & ~PLIC_LIMIT_TLS) | tls;
	a->line = a->line ?: b->line;
}

static __u8 limit_flags(const struct plic_limit *limit)
{
	return (limit->seats ? PLIC_RULE_SEATS : 0) | (limit->window_ns ? PLIC_RULE_QUOTA : 0) |
	       (limit->flags & PLIC_LIMIT_TLS ? PLIC_RULE_TLS : 0) |
	       (limit->seats || limit->window_ns || limit->interval_ns ||
				limit->flags & PLIC_LIMIT_TLS
			? PLIC_RULE_LIMITS
			: 0);
}

__u8 rule_flags(const struct plic_rule *rule, const struct rule_limits *limits)
{
	bool narrow = rule->origins || rule->sources;
	__u8 flags = limit_flags(&limits->policy[0]);

	for (size_t i = 0; i < rule->n_grants; i++) {
		narrow |= rule->grants[i].origins || rule->grants[i].sources;
		flags |= limit_flags(&limits->grants[i]);
	}
	return flags | (narrow ? PLIC_RULE_NARROW : 0);
}
