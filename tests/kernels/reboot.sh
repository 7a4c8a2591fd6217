#!/bin/bash
# SPDX-License-Identifier: MIT
# reboot.sh  the power of a node is cut under the agent, and it boots again: virtual machines one after another, with one
# disk.   CLOCK_KERNEL=trixie   PORTLIC_TESTBEDS=../shared/testbeds
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 2
. tests/kernels/lib.sh
agent_box
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/disk"
boot() { # boot WHICH
	VM_FILES="$VM_FILES $work/disk:/disk" in_agent_box reboot_guest.sh "$1"
}
boot first > "$work/out"
status=$?
sed '/^DISK/,$d' "$work/out"
sed '1,/^DISK/d' "$work/out" | tr -d '\r' | base64 -d | tar xf - -C "$work" || { echo "not ok - the disk of the first boot" && exit 1; }
for which in again dead-rtc; do boot $which || status=1; done
exit $status
