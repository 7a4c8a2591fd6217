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

# The agent in a virtual machine: which programs, on which kernel, and what vmtest.sh reads.
agent_box() {
	local build program
	build=$(readlink -f "${PORTLIC_BUILD:-build}")
	programs=("$build/portlicd" "$build/portlic" "$build/tests/kernels/clockbox")
	for program in "${programs[@]}"; do
		[ -x "$program" ] || skip "no $program: run \"make\""
	done
	kernel=$("$BEDS/kernels.sh" "${CLOCK_KERNEL:-trixie}" 2> /dev/null) || skip "the kernel of ${CLOCK_KERNEL:-trixie} can't be had"
	echo "# Linux ${kernel##*/}"
	VM_FILES="${programs[*]} $(readlink -f /usr/sbin/ip) $PWD/tests/kernels/guest_lib.sh"
	export VM_FILES VM_MEM=512 VM_TIMEOUT=240 VM_CWD=/ VM_MODS="veth sch_ingress cls_bpf act_bpf inet_diag tcp_diag udp_diag"
}
in_agent_box() { # in_agent_box GUEST [ARG...]: a script of this directory, which gets the programs and ARG
	"$BEDS/vmtest.sh" "$kernel" "$PWD/tests/kernels/$1" "${programs[@]}" "${@:2}"
}
