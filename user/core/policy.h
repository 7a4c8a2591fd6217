/* SPDX-License-Identifier: MIT */
/* policy.h - the operator's own rules (DESIGN §5, policy file). Pure. */
#ifndef PORTLIC_POLICY_H
#define PORTLIC_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "from.h"
#include "license.h"
#include "portlic.h"

#define POLICY_MAX_BYTES (1 << 20)

struct policy_open {
	uint16_t port, end_port; /* 0, 0 with an ip_proto of its own */
	uint8_t ip_proto;	 /* IPPROTO_TCP, UDP, SCTP with ports; else the whole protocol */
	struct from from;	 /* whom it is opened to */
};

/* Narrows what licenses give to these ports. */
struct policy_port {
	uint16_t port, end_port;
	uint8_t ip_proto;
	int mode; /* enum plic_mode, -1: the gate's */
	int deny; /* enum plic_deny, -1: the gate's */
	struct from from;
	int64_t seats; /* distinct clients at a time, 0: as the license says */
	struct license_rate rate;
	bool tls;
};

struct policy {
	char *file, *name;
	char **gates; /* match.gates, glob patterns (fnmatch) */
	size_t n_gates;
	enum plic_mode mode;
	enum plic_deny deny;
	/*
	 * TCP port of a sidecar to which NAT inside the pod leads what comes in, 0: none. What `ports` say of
	 * the source then holds at the socket and on lo alone.
	 */
	uint16_t via;
	bool brownout; /* fewer and fewer clients get in during the grace of a license */
	struct policy_open *open;
	size_t n_open;
	struct policy_port *ports;
	size_t n_ports;
};

struct trust;

/*
 * Parses one policy file. -EBADMSG with file, member, remedy: not strict JSON, an unknown member, an
 * empty match, an `open` of a port that a trust file reserves, and members whose narrowing this
 * build can't enforce (better refused than dropped). trust may be NULL. -ENOMEM.
 * `name` is the only member that must be there. Without `match` the policy holds only for gates that
 * are given it by name (n_gates 0). Two entries of `ports` never name the same port.
 */
int policy_parse(const char *file, const void *buf, size_t len, const struct trust *trust,
		 struct policy **out, struct fault *f);
void policy_free(struct policy *policy); /* NULL-safe */

/*
 * Takes out each `open` that reaches into what a trust file reserves, for a policy that was good
 * before the reserve came. Returns how many.
 */
size_t policy_drop_reserved(struct policy *policy, const struct trust *trust);
bool policy_matches_gate(const struct policy *policy, const char *gate);

#endif
