/* SPDX-License-Identifier: MIT */
/* fuzz_pods.h - what fuzz_license.c hands on: pods, selectors, paths of cgroups. */
#ifndef PORTLIC_FUZZ_PODS_H
#define PORTLIC_FUZZ_PODS_H

#include <stddef.h>

void fuzz_pod(const char *text, size_t len);
void fuzz_selector(const char *text, size_t len);
void fuzz_cgroup(const char *text, size_t len);

#endif
