/* SPDX-License-Identifier: MIT */
/* seating.c - rule and limits -> who counts the clients of a port. */
#include "seating.h"

#include <string.h>

static struct seat_limit seats_of(const struct plic_limit *limit, bool gives)
{
	return (struct seat_limit){.line = limit->line,
				   .seats = limit->seats,
				   .node_wide = limit->flags & PLIC_LIMIT_SEATS_NODE,
				   .shared = limit->flags & PLIC_LIMIT_SEATS_SHARE,
				   .gives = gives};
}

bool seating_of(const struct plic_rule *rule, const struct rule_limits *limits, __u64 now_ns,
		struct seating *out)
{
	*out = (struct seating){.mode = rule->mode};
	if (!(rule->flags & PLIC_RULE_SEATS))
		return false;
	out->policy = seats_of(&limits->policy[0], true);
	for (size_t i = rule->n_grants; i-- > 0;) {
		const struct plic_grant *g = &rule->grants[i];
		bool gives = g->from_ns <= now_ns && now_ns < g->new_until_ns;

		if (now_ns < g->from_ns || now_ns >= g->cut_at_ns)
			continue;
		out->asks |= gives;
		out->unlimited |= gives && !limits->grants[i].seats && !g->origins && !g->sources;
		if (limits->grants[i].seats)
			out->license[out->n_license++] = seats_of(&limits->grants[i], gives);
		else
			out->free[out->n_free++] =
				(struct seat_free){g->sources, g->origins, gives};
	}
	return out->policy.seats || (out->n_license && !out->unlimited);
}

bool seating_at(const struct ruleset *set, __u8 ip_proto, __u16 port, __u64 now_ns,
		struct seating *out)
{
	__u16 slot;
	const struct plic_rule *rule = ruleset_lookup(set, ip_proto, port, now_ns, &slot);
	const struct rule_limits *limits;

	if (!(rule->flags & PLIC_RULE_LIMITS))
		return false;
	limits = (const struct rule_limits *)((const struct plic_cell *)rule + 1);
	return seating_of(rule, limits, now_ns, out);
}

const struct seat_limit *seating_find(const struct seating *s, __u64 line)
{
	if (line == PLIC_LINE_POLICY)
		return s->policy.seats ? &s->policy : NULL;
	for (size_t i = 0; i < s->n_license; i++)
		if (s->license[i].line == line)
			return &s->license[i];
	return NULL;
}

bool seating_gives(const struct seating *s, __u64 line, bool shared)
{
	const struct seat_limit *limit = seating_find(s, line);

	return limit && limit->gives && limit->shared == shared &&
	       (limit == &s->policy || !s->unlimited);
}

static bool rule_has_seats(const struct ruleset *set, unsigned int cell)
{
	const struct plic_rule *rule = &set->cells[cell].rule;

	return rule->flags & PLIC_RULE_SEATS ||
	       (rule->interim && set->cells[rule->interim].rule.flags & PLIC_RULE_SEATS);
}

static bool index_has_seats(const struct ruleset *set, unsigned int cell)
{
	for (size_t i = 0; i < PLIC_BLOCK_PORTS; i++)
		if (set->cells[cell].index[i].rule &&
		    rule_has_seats(set, set->cells[cell].index[i].rule))
			return true;
	return false;
}

bool ruleset_has_seats(const struct ruleset *set)
{
	for (size_t dir = PLIC_CELL_DIR; dir < PLIC_CELL_FIRST_FREE; dir++)
		for (size_t i = 0; i < PLIC_DIR_ENTRIES; i++)
			if (set->cells[dir].dir[i] && index_has_seats(set, set->cells[dir].dir[i]))
				return true;
	return false;
}
