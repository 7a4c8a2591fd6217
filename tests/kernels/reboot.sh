#!/bin/bash
# SPDX-License-Identifier: MIT
# reboot.sh  the power of a node is cut under the agent, and it boots again: virtual machines one after another, with one
# disk.   CLOCK_KERNEL=trixie   PORTLIC_TESTBEDS=../shared/testbeds
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 2
build=$(readlink -f "${PORTLIC_BUILD:-build}")

. tests/kernels/lib.sh
for program in portlicd portlic tests/kernels/clockbox; do
	[ -x "$build/$program" ] || skip "no $build/$program: run \"make\""
done
kernel=$("$BEDS/kernels.sh" "${CLOCK_KERNEL:-trixie}" 2> /dev/null) || skip "the kernel of ${CLOCK_KERNEL:-trixie} can't be had"
echo "# Linux ${kernel##*/}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/disk"
export VM_MEM=512 VM_TIMEOUT=240 VM_CWD=/ VM_MODS="veth sch_ingress cls_bpf act_bpf inet_diag tcp_diag udp_diag"
boot() { # boot WHICH
	VM_FILES="$build/portlicd $build/portlic $build/tests/kernels/clockbox $(readlink -f /usr/sbin/ip) $PWD/tests/kernels/guest_lib.sh $work/disk:/disk" \
		"$BEDS/vmtest.sh" "$kernel" "$PWD/tests/kernels/reboot_guest.sh" "$build/portlicd" "$build/portlic" "$build/tests/kernels/clockbox" "$1"
}
boot first > "$work/out"
status=$?
sed '/^DISK/,$d' "$work/out"
sed '1,/^DISK/d' "$work/out" | tr -d '\r' | base64 -d | tar xf - -C "$work" || { echo "not ok - the disk of the first boot" && exit 1; }
for which in again dead-rtc; do boot $which || status=1; done
exit $status
