#!/bin/sh
# SPDX-License-Identifier: MIT
# clsact.sh - the tests of gates once more as on a kernel before 6.6, with filters in place of links.
export PORTLIC_TEST_CLSACT=1
failed=0
for program in "${PORTLIC_BUILD:-build}"/tests/kernel/test_*; do
	case $program in
	*.* | */test_host*) continue ;; # a cgroup has no filters
	esac
	"$program" || failed=1
done
exit $failed
