/* SPDX-License-Identifier: MIT */
/* limit.h - seats, rate, quota and TLS of a license or a policy as the kernel counts them. Pure. */
#ifndef PORTLIC_LIMIT_H
#define PORTLIC_LIMIT_H

#include "cells.h"
#include "compile.h"

/* Of a license's line (iss, lid): the same on every node and at every start; never that of a policy. */
__u64 limit_line(const struct license *lic);

/*
 * What a license gives of a port: its own seats and quota, else those of the whole license (a quota of the
 * whole license is one for all of its ports). All zero: without limit. base: the gate's own, whatever
 * clock a rehearsal has. borrows: the node has its part of what the cluster counts from a pool.
 */
struct plic_limit limit_of_license(const struct license *lic, const struct license_port *port,
				   const struct time_base *base, bool borrows);
struct plic_limit limit_of_policy(const struct policy_port *port);

/* a becomes what both give together: in each respect the larger of the two. */
void limit_widen(struct plic_limit *a, const struct plic_limit *b);

/* The bits of enum plic_rule_flag that grants, origins and limits call for. */
__u8 rule_flags(const struct plic_rule *rule, const struct rule_limits *limits);

#endif
