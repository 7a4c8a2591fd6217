/* SPDX-License-Identifier: MIT */
/* bpflog.h - what libbpf and the verifier said, kept for a fault instead of printed. */
#ifndef PORTLIC_BPFLOG_H
#define PORTLIC_BPFLOG_H

#include <stddef.h>

/* Takes over libbpf's messages and forgets the earlier ones; call it ahead of a load. */
void bpflog_begin(void);

/* The verifier's last lines, else libbpf's first warning, in one line: " (...)"; "" if silent. */
const char *bpflog_why(void);

#endif
