/* SPDX-License-Identifier: MIT */
/* fuzz_cluster.h - what fuzz_license.c hands on: peers and nodes of the cluster. */
#ifndef PORTLIC_FUZZ_CLUSTER_H
#define PORTLIC_FUZZ_CLUSTER_H

#include <stddef.h>

void fuzz_peers(const char *text, size_t len);
void fuzz_node(const char *text, size_t len);

#endif
