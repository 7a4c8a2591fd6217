/* SPDX-License-Identifier: MIT */
/* from_pods.h - the pods of a "from": from.c's own. */
#ifndef PORTLIC_FROM_PODS_H
#define PORTLIC_FROM_PODS_H

#include <sodium.h>

#include "from.h"

/* "podSelector" and "namespaceSelector" of an entry that has one of them. -EINVAL, -ENOMEM. */
int from_pods_read(const cJSON *object, struct from_pods *out, struct fault *f);
void from_pods_free(struct from_pods *pods, size_t n);

/* Adds them to a digest: the same for the same ones, however and in which order they were written. -ENOMEM. */
int from_pods_digest(const struct from_pods *pods, size_t n, crypto_hash_sha256_state *state);

#endif
