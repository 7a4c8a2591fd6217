#!/bin/bash
# SPDX-License-Identifier: MIT
# clock.sh  the agent under a real clock that is stepped, in a virtual machine: this one's clock stays as it
# is.   CLOCK_KERNEL=trixie   PORTLIC_TESTBEDS=../shared/testbeds
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 2
build=$(readlink -f "${PORTLIC_BUILD:-build}")
beds=${PORTLIC_TESTBEDS:-../shared/testbeds}

skip() {
	echo "1..0 # SKIP $1"
	exit 77
}

[ -x "$beds/vmtest.sh" ] || skip "no $beds/vmtest.sh: set PORTLIC_TESTBEDS"
for tool in qemu-system-x86_64 busybox dash cpio zstd lz4 xz; do
	command -v $tool > /dev/null || skip "no $tool: run \"make deps-kernels\""
done
for program in portlicd portlic tests/kernels/clockbox; do
	[ -x "$build/$program" ] || skip "no $build/$program: run \"make\""
done
kernel=$("$beds/kernels.sh" "${CLOCK_KERNEL:-trixie}" 2> /dev/null) || skip "the kernel of ${CLOCK_KERNEL:-trixie} can't be had"
echo "# Linux ${kernel##*/}"
VM_FILES="$build/portlicd $build/portlic $build/tests/kernels/clockbox $(readlink -f /usr/sbin/ip)"
export VM_FILES VM_MEM=512 VM_TIMEOUT=240 VM_CWD=/ VM_MODS="veth sch_ingress cls_bpf act_bpf inet_diag tcp_diag udp_diag"
exec "$beds/vmtest.sh" "$kernel" "$PWD/tests/kernels/clock_guest.sh" "$build/portlicd" "$build/portlic" "$build/tests/kernels/clockbox"
