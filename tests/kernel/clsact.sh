#!/bin/sh
# SPDX-License-Identifier: MIT
# clsact.sh - the tests of a gate once more as on a kernel before 6.6, with filters in place of links.
PORTLIC_TEST_CLSACT=1 exec "${PORTLIC_BUILD:-build}/tests/kernel/test_gate"
