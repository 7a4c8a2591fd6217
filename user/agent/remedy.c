/* SPDX-License-Identifier: MIT */
/* remedy.c - a sentence for each reason. */
#include "remedy.h"

#include <stdio.h>

static const char *or_else(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

static void seats_text(const struct remedy_case *at, char *out, size_t size)
{
	if (at->seats)
		snprintf(out, size, "%s", at->seats);
	else
		snprintf(out, size,
			 "wait until a client of %s leaves, or load a license with more seats",
			 at->port);
}

void remedy_text(const struct remedy_case *at, char *out, size_t size)
{
	const char *lid = or_else(at->lid, "this port"), *policy = or_else(at->policy, "the gate");

	switch (at->reason) {
	case PLIC_REASON_UNLICENSED:
		snprintf(out, size,
			 "load a license that names %s, or name it under \"open\" of a policy of "
			 "the gate",
			 at->port);
		return;
	case PLIC_REASON_NOT_YET_VALID:
		snprintf(out, size, "wait until license %s begins, or look at the node's clock",
			 lid);
		return;
	case PLIC_REASON_LAPSED:
		snprintf(out, size, "load a renewal of license %s", lid);
		return;
	case PLIC_REASON_REVOKED:
		snprintf(out, size, "ask the vendor of license %s for another one", lid);
		return;
	case PLIC_REASON_WITHDRAWN:
		snprintf(out, size, "load the license, or apply the policy, that opened %s again",
			 at->port);
		return;
	case PLIC_REASON_SOURCE:
		snprintf(out, size, "add the address to \"from\" of %s in policy \"%s\"", at->port,
			 policy);
		return;
	case PLIC_REASON_ORIGIN:
		snprintf(out, size, "add the origin \"%s\" to \"from\" of %s in policy \"%s\"",
			 at->origin, at->port, policy);
		return;
	case PLIC_REASON_SEATS:
		seats_text(at, out, size);
		return;
	case PLIC_REASON_RATE:
		snprintf(out, size,
			 "let clients of %s connect less often, or keep their connections",
			 at->port);
		return;
	case PLIC_REASON_QUOTA:
		snprintf(out, size, "wait for the next window of license %s, or load one with more",
			 lid);
		return;
	case PLIC_REASON_PLAINTEXT:
		snprintf(out, size, "let the client speak TLS to %s", at->port);
		return;
	case PLIC_REASON_BROWNOUT:
		snprintf(
			out, size,
			"load a renewal of license %s: in its grace fewer and fewer clients get in",
			lid);
		return;
	case PLIC_REASON_PROTOCOL:
		snprintf(out, size, "name the protocol as \"ipproto\" under \"open\" of a policy");
		return;
	case PLIC_REASON_STATE_LOST:
		snprintf(out, size,
			 "take the gate down and put it up again: its state in the kernel is gone");
		return;
	default:
		snprintf(out, size, "let the client send packets that can be read to the end");
	}
}
