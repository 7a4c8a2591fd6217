/* SPDX-License-Identifier: MIT */
/* vendors.h - the trust directory, read into one trust store. */
#ifndef PORTLIC_AGENT_VENDORS_H
#define PORTLIC_AGENT_VENDORS_H

#include "sources.h"
#include "trust.h"

struct vendors {
	struct source source;
	struct trust *trust; /* never NULL once opened */
};

int vendors_open(struct vendors *vendors, const char *dir, const char *state_dir, struct fault *f);
void vendors_close(struct vendors *vendors);

/* true: the store is another one than before. */
bool vendors_scan(struct vendors *vendors);

#endif
