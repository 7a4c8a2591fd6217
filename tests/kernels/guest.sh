#!/bin/sh
# SPDX-License-Identifier: MIT
# guest.sh PROGRAM...  inside the virtual machine: runs test programs, as tests/run does outside.
export CMOCKA_MESSAGE_OUTPUT=TAP PORTLIC_TEST_EMULATED=1
# Links where the kernel has them; before 6.6 test_gate takes filters by itself.
failed=0
for program; do
	echo "# ${program##*/}"
	"$program"
	code=$?
	[ $code = 0 ] || [ $code = 77 ] || failed=1
done
exit $failed
