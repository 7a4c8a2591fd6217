#!/bin/bash
# SPDX-License-Identifier: MIT
# clock.sh  the agent under a real clock that is stepped, in a virtual machine: this one's clock stays as it
# is.   CLOCK_KERNEL=trixie   PORTLIC_TESTBEDS=../shared/testbeds
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 2
build=$(readlink -f "${PORTLIC_BUILD:-build}")

. tests/kernels/lib.sh
for program in portlicd portlic tests/kernels/clockbox; do
	[ -x "$build/$program" ] || skip "no $build/$program: run \"make\""
done
kernel=$("$BEDS/kernels.sh" "${CLOCK_KERNEL:-trixie}" 2> /dev/null) || skip "the kernel of ${CLOCK_KERNEL:-trixie} can't be had"
echo "# Linux ${kernel##*/}"
VM_FILES="$build/portlicd $build/portlic $build/tests/kernels/clockbox $(readlink -f /usr/sbin/ip) $PWD/tests/kernels/guest_lib.sh"
export VM_FILES VM_MEM=512 VM_TIMEOUT=240 VM_CWD=/ VM_MODS="veth sch_ingress cls_bpf act_bpf inet_diag tcp_diag udp_diag"
exec "$BEDS/vmtest.sh" "$kernel" "$PWD/tests/kernels/clock_guest.sh" "$build/portlicd" "$build/portlic" "$build/tests/kernels/clockbox"
