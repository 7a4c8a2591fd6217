# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# lib.sh - what the tests in virtual machines share: the test beds and what runs them, or SKIP. Sourced from
# the top of the tree.

BEDS=${PORTLIC_TESTBEDS:-../shared/testbeds}

skip() {
	echo "1..0 # SKIP $1"
	exit 77
}

[ -x "$BEDS/vmtest.sh" ] || skip "no $BEDS/vmtest.sh: set PORTLIC_TESTBEDS"
for tool in qemu-system-x86_64 busybox dash cpio zstd lz4 xz; do
	command -v $tool > /dev/null || skip "no $tool: run \"make deps-kernels\""
done
