/* SPDX-License-Identifier: MIT */
/* origin.h - the words for where a connection came from. Pure. */
#ifndef PORTLIC_ORIGIN_H
#define PORTLIC_ORIGIN_H

#include "portlic.h"

const char *origin_word(unsigned int origin); /* enum plic_origin; "unknown" for all others */
int origin_of_word(const char *word);	      /* -1: there is no such origin */

#endif
