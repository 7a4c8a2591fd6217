/* SPDX-License-Identifier: MIT */
/* fuzz.h - the inputs of fuzz_license: a letter that says what the rest is, then the rest. */
#ifndef PORTLIC_FUZZ_H
#define PORTLIC_FUZZ_H

#include <stddef.h>
#include <stdlib.h>

#define FUZZ_NOW 1800000000LL
#define FUZZ_ISS "https://vendor.example"
#define FUZZ_AUD "plant-7"
#define FUZZ_KID "k1"
#define FUZZ_SEED_BYTE 1 /* the signing key's seed is this byte, 32 times */

#define FUZZ_MODES(X)                                                                              \
	X(TOKEN, 'T', "the bytes of a license file")                                               \
	X(CLAIMS, 'C', "a license's payload, signed well")                                         \
	X(HEADER, 'H', "a header, signed well")                                                    \
	X(JSON, 'J', "any JSON text")                                                              \
	X(TRUST, 'K', "a trust file")                                                              \
	X(LIST_FILE, 'L', "the bytes of a revocation list's file")                                 \
	X(LIST, 'R', "a revocation list's payload, signed well")                                   \
	X(POLICY, 'P', "a policy file")                                                            \
	X(PRIVATE, 'S', "a private key file")                                                      \
	X(PORTS, 'N', "a list of ports")                                                           \
	X(MOMENT, 'M', "a time")                                                                   \
	X(HISTORY, 'Y', "the agent's state.json")                                                  \
	X(CONFIG, 'G', "a configuration: pull and notify")                                         \
	X(MEMORY, 'E', "the state file of a pull source")                                          \
	X(RESOURCE, 'A', "a Secret, PortLicense, PortPolicy or Lease of the API")                  \
	X(REPORT, 'Q', "a node's report of its licenses")                                          \
	X(SEATS, 'B', "who has borrowed seats of a license line")                                  \
	X(EVENTS, 'V', "a watch of the API server")                                                \
	X(OBJECTS, 'W', "a list of the API server")                                                \
	X(POD, 'O', "a Pod as the API server sends it, or as it is kept")                          \
	X(SELECTOR, 'I', "labels and a selector")                                                  \
	X(CGROUP, 'U', "the path of a cgroup")                                                     \
	X(PEERS, 'F', "the agent's k8s-peers.json")                                                \
	X(NODE, 'D', "a Node as the API server sends it, or the agent's k8s-nodes.json")

enum fuzz_mode {
#define FUZZ_MODE_ENUM(name, letter, what) FUZZ_##name = (letter),
	FUZZ_MODES(FUZZ_MODE_ENUM)
#undef FUZZ_MODE_ENUM
};

/* What must hold for any input; a breach is a finding. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

/* A message is printable UTF-8 and not empty. */
void must_be_text(const char *text);

/* fuzz_objects.c: what comes from the Kubernetes API. */
void fuzz_object(const char *text, size_t len);
void fuzz_report(const char *text, size_t len);
void fuzz_seats(const char *text, size_t len);

#endif
