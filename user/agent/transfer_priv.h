/* SPDX-License-Identifier: MIT */
/* transfer_priv.h - what transfers.c tells a transfer (transfer.c's own; use transfer.h). */
#ifndef PORTLIC_AGENT_TRANSFER_PRIV_H
#define PORTLIC_AGENT_TRANSFER_PRIV_H

#include <curl/curl.h>

struct transfer;

/* Hands on what came for it; it may be gone afterwards. */
void transfer_deliver(struct transfer *transfer);

/* It is over: calls done() and frees it. */
void transfer_finish(struct transfer *transfer, CURLcode code);

#endif
