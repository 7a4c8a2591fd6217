/* SPDX-License-Identifier: MIT */
/* fuzz_kube.h - the part of fuzz_license that reads what an API server sends. */
#ifndef PORTLIC_FUZZ_KUBE_H
#define PORTLIC_FUZZ_KUBE_H

#include <stddef.h>

#include "kubestream.h"

void fuzz_kube(enum kube_stream_kind kind, const char *bytes, size_t len);

#endif
