/* SPDX-License-Identifier: MIT */
/* seating.h - which limits count the clients of a port at a moment, as the programs see it. Pure. */
#ifndef PORTLIC_SEATING_H
#define PORTLIC_SEATING_H

#include <stdbool.h>
#include <stddef.h>

#include "ruleset.h"

/* A grant without seats, and whom it takes (as in plic_grant). */
struct seat_free {
	__u32 sources;
	__u16 origins;
	bool gives;
};

/* A limit with seats. */
struct seat_limit {
	__u64 line;
	__u32 seats;
	bool node_wide;
	bool shared; /* seats are the cluster's: there are as many as the node has borrowed */
	bool gives;  /* new seats; else those who sit stay, until the grant's cut */
};

struct seating {
	enum plic_mode mode;
	bool asks;	/* clients need seats: a grant admits new ones */
	bool unlimited; /* ... but none of a license: one that admits, and everybody, has none */
	struct seat_limit license[PLIC_MAX_GRANTS]; /* the grant that ends first comes first */
	size_t n_license;
	struct seat_limit policy; /* seats 0: none */
	struct seat_free free[PLIC_MAX_GRANTS];
	size_t n_free;
};

/* False: nothing limits seats there now. */
bool seating_of(const struct plic_rule *rule, const struct rule_limits *limits, __u64 now_ns,
		struct seating *out);
bool seating_at(const struct ruleset *set, __u8 ip_proto, __u16 port, __u64 now_ns,
		struct seating *out);

/* The limit of this line, in which clients keep their seats; NULL: there is none. */
const struct seat_limit *seating_find(const struct seating *s, __u64 line);

/* Whether the line gives seats, and clients need them; shared: of the cluster's. */
bool seating_gives(const struct seating *s, __u64 line, bool shared);

/* Whether any rule of the set has seats, now or at another time. */
bool ruleset_has_seats(const struct ruleset *set);

#endif
