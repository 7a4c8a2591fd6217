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
#include "selector.h"

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
	char **gates; /* match.gates, glob patterns (fnmatch): of gates that aren't a pod's */
	size_t n_gates;
	/*
	 * Of pods: those of a namespace that is named here (globs) or whose labels match, that have the labels.
	 * What isn't given asks nothing, but one of namespaces, namespace_selector and a pod_selector with a term
	 * is there, else it matches no pod.
	 */
	char **namespaces;
	size_t n_namespaces;
	struct selector *namespace_selector, *pod_selector; /* NULL: not given */
	bool probes; /* the kubelet's probes of a pod get in, whatever is licensed; the default */
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

/* Whom a policy may match. */
struct policy_subject {
	const char *gate; /* the gate's name */
	/* Of a pod's; namespace NULL: it is none. */
	const char *namespace;
	const struct labels *labels;
	const struct labels *namespace_labels; /* NULL: not known, so no selector of them matches */
	const char *asks; /* the policy that its annotation names (POLICY_ANNOTATION), NULL: none */
	bool by_name_only; /* a namespace of the system: only a policy that spells its name out matches */
};

/* A pod's annotation and a namespace's: the name of a policy; a pod's counts where nothing else matches. */
#define POLICY_ANNOTATION "portlic.dev/policy"
/*
 * enforce, audit or off. A namespace's annotation stands in the place of the policy's mode; a pod's own only
 * makes it stricter, for who writes a pod must not open its gate.
 */
#define MODE_ANNOTATION "portlic.dev/mode"

/* A gate that isn't a pod's by its name alone, a pod's by namespace and labels alone; not by what it asks for. */
bool policy_matches(const struct policy *policy, const struct policy_subject *subject);

/*
 * A pod asks for the policy by name. To be asked when no policy matches it; never of a namespace of the
 * system, where who may make a pod would choose by what it is gated.
 */
bool policy_asked(const struct policy *policy, const struct policy_subject *subject);

/* It can match pods at all. */
bool policy_has_pods(const struct policy *policy);

/*
 * May a pod of this namespace match, whatever its labels are? For who knows no more (the CNI plugin).
 * namespace_labels NULL: not known, so any selector of them may match. What a pod asks for isn't counted.
 */
bool policy_may_match(const struct policy *policy, const char *namespace,
		      const struct labels *namespace_labels, bool by_name_only);

#endif
