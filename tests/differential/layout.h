/* SPDX-License-Identifier: MIT */
/* layout.h - where the contract has its fields, for who writes rule sets without a C compiler. */
#ifndef PORTLIC_TEST_LAYOUT_H
#define PORTLIC_TEST_LAYOUT_H

#include <stdbool.h>

/* "field STRUCT.FIELD OFFSET SIZE" and "constant NAME VALUE" lines, then "end". */
void layout_tell(bool lookups); /* lookups: this kernel can test-run sk_lookup */

#endif
