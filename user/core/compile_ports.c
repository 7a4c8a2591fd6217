/* SPDX-License-Identifier: MIT */
/* compile_ports.c - what licenses, policy and tombstones say about each port. */
#include "compile_ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "grants.h"
#include "limit.h"
#include "pieces.h"

enum source_kind { SOURCE_LICENSE, SOURCE_OPEN, SOURCE_PROBE, SOURCE_TOMBSTONE, SOURCE_NARROW };

/* What stands behind a span of ports. */
struct source {
	enum source_kind kind;
	struct candidate candidate;	  /* not of SOURCE_NARROW */
	const struct policy_port *narrow; /* of SOURCE_NARROW */
};

struct compilation {
	const struct compile_input *in;
	const __u32 *numbers; /* of the views, NULL: index + 1 */
	__u8 mode, deny;      /* of the gate */
	__u32 *ranks;	      /* of the views, by the digest of their tokens */
	struct span *spans;
	struct source *sources; /* of the spans */
	size_t n_sources;
	struct candidate *candidates; /* scratch, room for all sources */
	__u32 *given, *given_before;  /* sources that give something to this piece and the last */
	size_t n_given_before;
	struct compiled_port *ports;
	size_t n_ports, room;
};

static void compilation_free(struct compilation *c)
{
	free(c->ranks);
	free(c->spans);
	free(c->sources);
	free(c->candidates);
	free(c->given);
	free(c->given_before);
	free(c->ports);
}

static int compare_digests(const void *a, const void *b, void *views)
{
	const struct license_view *v = views;
	const struct license *x = v[*(const __u32 *)a].lic, *y = v[*(const __u32 *)b].lic;

	if (!x || !y)
		return !!x - !!y;
	return memcmp(x->sha256, y->sha256, sizeof(x->sha256));
}

/* Numbers the views by digest from 1, equal files with equal numbers. */
static int rank_views(struct compilation *c)
{
	const struct compile_input *in = c->in;
	_free_ __u32 *order = calloc(in->n_views + 1, sizeof(*order));

	c->ranks = calloc(in->n_views + 1, sizeof(*c->ranks));
	if (!order || !c->ranks)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_views; i++)
		order[i] = i;
	qsort_r(order, in->n_views, sizeof(*order), compare_digests, (void *)in->views);
	for (size_t i = 0; i < in->n_views; i++) {
		bool same = i && !compare_digests(&order[i - 1], &order[i], (void *)in->views);

		c->ranks[order[i]] = same ? c->ranks[order[i - 1]] : i + 1;
	}
	return 0;
}

static void add_source(struct compilation *c, struct span span, struct source source)
{
	c->spans[c->n_sources] = span;
	c->sources[c->n_sources++] = source;
}

static void add_licenses(struct compilation *c)
{
	for (size_t i = 0; i < c->in->n_views; i++) {
		const struct license_view *view = &c->in->views[i];
		struct source s = {.kind = SOURCE_LICENSE, .candidate.rank = c->ranks[i]};

		if (!grant_of_license(view, c->numbers ? c->numbers[i] : i + 1, &c->in->base,
				      c->in->policy && c->in->policy->brownout, &s.candidate.grant))
			continue;
		for (size_t j = 0; j < view->lic->n_ports; j++) {
			const struct license_port *p = &view->lic->ports[j];

			s.candidate.name = p->name;
			s.candidate.limit = limit_of_license(
				view->lic, p, c->in->windows ?: &c->in->base, c->in->borrows);
			add_source(c, (struct span){p->port, p->end_port, p->protocol}, s);
		}
	}
}

static void add_policy(struct compilation *c, const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_open; i++) {
		const struct policy_open *p = &policy->open[i];

		if (has_ports(p->ip_proto))
			add_source(c, (struct span){p->port, p->end_port, p->ip_proto},
				   (struct source){.kind = SOURCE_OPEN,
						   .candidate = {.grant = grant_of_open(
									 p, c->in->namespace),
								 .name = ""}});
	}
	for (size_t i = 0; i < policy->n_ports; i++) {
		const struct policy_port *p = &policy->ports[i];

		add_source(c, (struct span){p->port, p->end_port, p->ip_proto},
			   (struct source){.kind = SOURCE_NARROW, .narrow = p});
	}
}

/* As an `open` for nobody but the kubelet. A policy may say no, and so may that of an interim. */
static void add_probes(struct compilation *c)
{
	const struct compile_input *in = c->in;
	const struct plic_grant grant = {.origins = 1U << PLIC_ORIGIN_PROBE,
					 .new_until_ns = PLIC_NEVER,
					 .cut_at_ns = PLIC_NEVER,
					 .ended_reason = PLIC_REASON_WITHDRAWN};

	if (in->policy && !in->policy->probes)
		return;
	for (size_t i = 0; i < in->n_probes; i++)
		add_source(c, (struct span){in->probes[i], in->probes[i], IPPROTO_TCP},
			   (struct source){.kind = SOURCE_PROBE,
					   .candidate = {.grant = grant, .name = ""}});
}

static void add_tombstones(struct compilation *c)
{
	for (size_t i = 0; i < c->in->n_tombstones; i++) {
		const struct tombstone *t = &c->in->tombstones[i];

		add_source(c, (struct span){t->port, t->end_port, t->ip_proto},
			   (struct source){.kind = SOURCE_TOMBSTONE,
					   .candidate = {.grant = grant_of_tombstone(t),
							 .rank = UINT32_MAX,
							 .name = ""}});
	}
}

static int gather(struct compilation *c)
{
	const struct compile_input *in = c->in;
	size_t n = 1 + in->n_tombstones + in->n_probes;

	for (size_t i = 0; i < in->n_views; i++)
		n += in->views[i].lic ? in->views[i].lic->n_ports : 0;
	if (in->policy)
		n += in->policy->n_open + in->policy->n_ports;
	c->spans = calloc(n, sizeof(*c->spans));
	c->sources = calloc(n, sizeof(*c->sources));
	c->candidates = calloc(n, sizeof(*c->candidates));
	c->given = calloc(n, sizeof(*c->given));
	c->given_before = calloc(n, sizeof(*c->given_before));
	if (!c->spans || !c->sources || !c->candidates || !c->given || !c->given_before)
		return -ENOMEM;
	if (rank_views(c))
		return -ENOMEM;
	add_licenses(c);
	if (in->policy)
		add_policy(c, in->policy);
	add_probes(c);
	add_tombstones(c);
	return 0;
}

/* A port's own mode; against a mode set for the gate it only counts where it is laxer. */
static void narrow(const struct compilation *c, const struct policy_port *p,
		   struct compiled_port *out)
{
	struct plic_rule *rule = &out->rule;

	if (p->mode >= 0 && (c->in->mode < 0 || p->mode > c->in->mode))
		rule->mode = p->mode;
	if (p->deny >= 0)
		rule->deny = p->deny;
	rule->origins = p->from.origins;
	rule->sources = from_set_id(&p->from, c->in->namespace);
	out->limits.policy[0] = limit_of_policy(p);
}

/*
 * What is given to probes alone becomes PLIC_RULE_PROBE and no grant: it must not keep open what its license no
 * longer does, nor take a place of the few that there are.
 */
static bool is_for_probes(const struct source *s)
{
	return s->kind != SOURCE_NARROW && !s->candidate.grant.sources &&
	       s->candidate.grant.origins == 1U << PLIC_ORIGIN_PROBE;
}

/* The sources that give something to a piece: tombstones don't where something admits. */
static size_t find_given(struct compilation *c, const struct piece *piece)
{
	bool admitted = false;
	size_t n = 0;

	for (size_t i = 0; i < piece->n_active; i++) {
		const struct source *s = &c->sources[piece->active[i]];

		admitted |= s->kind != SOURCE_NARROW && !is_for_probes(s) &&
			    grant_admits(&s->candidate.grant, c->in->base.boot_ns);
	}
	for (size_t i = 0; i < piece->n_active; i++) {
		enum source_kind kind = c->sources[piece->active[i]].kind;

		if (kind != SOURCE_NARROW && (kind != SOURCE_TOMBSTONE || !admitted))
			c->given[n++] = piece->active[i];
	}
	return n;
}

/* An `open` may name the kubelet beside others. */
static __u8 probe_flag(const struct compilation *c, size_t n_given, __u8 ip_proto)
{
	for (size_t i = 0; ip_proto == IPPROTO_TCP && i < n_given; i++)
		if (c->sources[c->given[i]].candidate.grant.origins & 1U << PLIC_ORIGIN_PROBE)
			return PLIC_RULE_PROBE;
	return 0;
}

static void fill_rule(struct compilation *c, const struct piece *piece, size_t n_given,
		      struct compiled_port *out)
{
	size_t n = 0;

	for (size_t i = 0; i < n_given; i++) {
		const struct source *s = &c->sources[c->given[i]];

		if (is_for_probes(s)) {
			out->rule.flags |= out->ip_proto == IPPROTO_TCP ? PLIC_RULE_PROBE : 0;
			continue;
		}
		c->candidates[n++] = s->candidate;
		out->open |= s->kind == SOURCE_OPEN;
	}
	n = grants_reduce(c->candidates, n);
	out->rule.mode = c->mode;
	out->rule.deny = c->deny;
	out->rule.n_grants = n;
	for (size_t i = 0; i < n; i++) {
		out->rule.grants[i] = c->candidates[i].grant;
		out->limits.grants[i] = c->candidates[i].limit;
		if (!out->name[0])
			memcpy(out->name, c->candidates[i].name,
			       strnlen(c->candidates[i].name, sizeof(out->name) - 1));
	}
	for (size_t i = 0; i < piece->n_active; i++)
		if (c->sources[piece->active[i]].kind == SOURCE_NARROW)
			narrow(c, c->sources[piece->active[i]].narrow, out);
	if (c->in->policy && c->in->policy->via && out->ip_proto == IPPROTO_TCP)
		out->rule.flags |= PLIC_RULE_VIA;
	out->rule.flags |= rule_flags(&out->rule, &out->limits);
	out->rule.flags |= probe_flag(c, n_given, out->ip_proto);
	out->probed = out->rule.flags & PLIC_RULE_PROBE;
}

/* A range that only an idle source cuts (a narrowing that says the same, a dead tombstone). */
static bool continues(const struct compilation *c, const struct compiled_port *port, size_t n_given)
{
	const struct compiled_port *last = c->n_ports ? &c->ports[c->n_ports - 1] : NULL;

	return last && last->ip_proto == port->ip_proto && last->end_port + 1 == port->port &&
	       !memcmp(&last->rule, &port->rule, sizeof(port->rule)) &&
	       !memcmp(&last->limits, &port->limits, sizeof(port->limits)) &&
	       n_given == c->n_given_before &&
	       !memcmp(c->given, c->given_before, n_given * sizeof(*c->given));
}

static int add_port(struct compilation *c, const struct compiled_port *port)
{
	if (array_grow(&c->ports, c->n_ports, &c->room, sizeof(*c->ports)))
		return -ENOMEM;
	c->ports[c->n_ports++] = *port;
	return 0;
}

static int add_piece(void *ctx, const struct piece *piece)
{
	struct compilation *c = ctx;
	struct compiled_port port;
	__u32 *given = c->given;
	size_t n_given;
	int err = 0;

	memset(&port, 0, sizeof(port)); /* rules are compared as bytes */
	port.port = piece->span.first;
	port.end_port = piece->span.last;
	port.ip_proto = piece->span.ip_proto;
	n_given = find_given(c, piece);
	fill_rule(c, piece, n_given, &port);
	if (continues(c, &port, n_given))
		c->ports[c->n_ports - 1].end_port = port.end_port;
	else
		err = add_port(c, &port);
	c->given = c->given_before;
	c->given_before = given;
	c->n_given_before = n_given;
	return err;
}

int compile_ports(const struct compile_input *in, const __u32 *numbers, struct port_list *out)
{
	_cleanup_(compilation_free) struct compilation c = {
		.in = in,
		.numbers = numbers,
		.mode = in->policy ? in->policy->mode : PLIC_ENFORCE,
		.deny = in->policy ? in->policy->deny : PLIC_REFUSE,
	};

	if (in->policy_mode)
		c.mode = *in->policy_mode;
	if (in->mode >= 0)
		c.mode = in->mode;
	if (gather(&c) || pieces_each(c.spans, c.n_sources, add_piece, &c))
		return -ENOMEM;
	*out = (struct port_list){
		.ports = TAKE_PTR(c.ports), .n_ports = c.n_ports, .mode = c.mode, .deny = c.deny};
	return 0;
}

void port_list_free(struct port_list *list)
{
	free(list->ports);
	*list = (struct port_list){0};
}
