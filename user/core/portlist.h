/* SPDX-License-Identifier: MIT */
/* portlist.h - lists of ports as people write them: "1024-65535", "9443,9500-9599". Pure. */
#ifndef PORTLIC_PORTLIST_H
#define PORTLIC_PORTLIST_H

#include <stdbool.h>

#include "trust.h"

/*
 * Parses a list: ports 1-65535 and ranges, commas, nothing else. 0 and a new *out of n >= 1 ranges,
 * sorted and merged, -EINVAL or -ENOMEM.
 */
int portlist_parse(const char *text, struct port_range **out, size_t *n);

/* All of [first, last] is in the list / some of it is. The list is one of portlist_parse. */
bool portlist_covers(const struct port_range *list, size_t n, uint16_t first, uint16_t last);
bool portlist_meets(const struct port_range *list, size_t n, uint16_t first, uint16_t last);

#endif
