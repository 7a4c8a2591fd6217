#!/bin/bash
# SPDX-License-Identifier: MIT
# vm.sh  runs the bpf and kernel tests on the kernels of Debian's suites, one virtual machine each.
#   KERNELS="bullseye bookworm trixie sid"   PORTLIC_TESTBEDS=../shared/testbeds (vmtest.sh, kernels.sh)
set -u
build=${PORTLIC_BUILD:-build}
suites=${KERNELS:-bullseye bookworm trixie sid}

. tests/kernels/lib.sh

programs=() files="$(readlink -f /usr/sbin/ip) $(readlink -f /usr/sbin/tc) /usr/bin/grep"
for program in "$build"/tests/bpf/test_* "$build"/tests/kernel/test_*; do
	# test_cost compares with what this machine's verifier counts.
	[[ -x $program && $program != */test_cost ]] || continue
	programs+=("$PWD/$program")
	files+=" $PWD/$program"
done

export VM_FILES="$files" VM_MEM=1024 VM_TIMEOUT=1500 VM_CWD=/
export VM_MODS="veth sch_ingress cls_bpf act_bpf inet_diag tcp_diag udp_diag"
status=0
for suite in $suites; do
	if ! kernel=$("$BEDS/kernels.sh" "$suite" 2> /dev/null); then
		echo "ok - $suite # SKIP its kernel can't be had"
		continue
	fi
	echo "# $suite: Linux ${kernel##*/}"
	"$BEDS/vmtest.sh" "$kernel" "$PWD/tests/kernels/guest.sh" "${programs[@]}" 2>&1 |
		sed -E "s/^((not )?ok) [0-9]* ?-? ?/\1 - ${kernel##*/} /"
	code=${PIPESTATUS[0]}
	if [ "$code" != 0 ]; then
		status=1
		echo "not ok - ${kernel##*/} exit status $code"
	fi
done
exit $status
