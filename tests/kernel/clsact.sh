#!/bin/sh
# SPDX-License-Identifier: MIT
# clsact.sh - the tests of gates once more as on a kernel before 6.6, with filters in place of links.
export PORTLIC_TEST_CLSACT=1
failed=0
# Those that depend on how a program hangs on an interface.
for name in cut gate look outrank sweep; do
	"${PORTLIC_BUILD:-build}/tests/kernel/test_$name" || failed=1
done
exit $failed
