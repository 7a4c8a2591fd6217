/* SPDX-License-Identifier: MIT */
/* kubepeers_priv.h - what kubepeers*.c share. */
#ifndef PORTLIC_AGENT_KUBEPEERS_PRIV_H
#define PORTLIC_AGENT_KUBEPEERS_PRIV_H

#include "kubepeers.h"

/* Something changed: the kernel is told soon. */
void kubepeers_due(struct agent *agent);

/* kubepeers_file.c */
void kubepeers_save_soon(struct agent *agent);

#endif
