#!/bin/sh
# SPDX-License-Identifier: MIT
# reboot_guest.sh PORTLICD PORTLIC CLOCKBOX BOOT  inside the virtual machine. BOOT: first (ends with the disk, as a tar in base64, on standard
# output), again (the disk is there; the pod's namespace before the agent), dead-rtc (after the agent; the clock a year behind).
portlic=$2 box=$3 boot=$4 failed=0 agent=''
T=/disk
mkdir -p $T/trust.d $T/licenses.d $T/policies.d $T/state
# shellcheck source=tests/kernels/guest_lib.sh
. "${0%/*}/guest_lib.sh"

pod() { # its server listens before anything can be asked
	ip netns add pod && ip netns exec pod ip link set lo up
	ip netns exec pod "$box" listen 8080 8081 8082 8083 &
	eventually 50 sh -c "ip netns exec pod $box try 8080 | grep -q -e ok -e refused"
}
ports() { for port in 8080 8081 8082 8083; do printf '%s ' "$(try $port)"; done; }
effective() { status | tr -d ' \t\n' | grep -o '"effective":"[^"]*"' | cut -d'"' -f4 | sed 's/T/ /; s/[.Z].*//' | xargs -I@ date -u -d @ +%s; }
known() { eventually 100 sh -c "$portlic gate list | grep -q '^pod .*attached'"; }
BEFORE="keep:active own:active soon:active "

[ ! -s $T/start ] || start=$(cat $T/start)
case $boot in
first)
	start=$(date +%s) && echo "$start" > $T/start
	"$box" sync 1 || exit 1
	configure
	license keep $((start + 86400)) 8080 > $T/licenses.d/keep.lic
	license own $((start + 86400)) 8081 7 > $T/licenses.d/own.lic
	license own $((start + 86400)) 8082 6 > $T/older
	license soon $((start + 900)) 8083 > $T/licenses.d/soon.lic
	pod
	agent
	"$portlic" gate add pod --netns pod > /tmp/out 2>&1 || bail "gate add: $(cat /tmp/out)"
	eventually 50 sh -c "[ \"\$(ip netns exec pod $box try 8083)\" = ok ]"
	is "first boot: states and ports" "$(states)$(ports)" "${BEFORE}ok ok refused ok "
	effective > $T/mark
	rm $T/licenses.d/own.lic # it isn't there any more, and yet its number is
	eventually 1200 sh -c "[ \"\$(ip netns exec pod $box try 8081)\" = refused ]" # a file that is gone is held for a minute
	is "... a license is withdrawn" "$(states)$(ports)" "keep:active soon:active ok refused refused ok "
	echo DISK
	tar cf - /disk 2> /dev/null | base64
	;;
again)
	"$box" sync 1
	is "the power was cut; another boot: nothing in bpffs" "$(ls /sys/fs/bpf/portlic 2> /dev/null)" ""
	pod
	is "... the pod before its gate" "$(ports)" "ok ok ok ok "
	agent
	known && ok "its gate comes by itself" || not_ok "its gate comes by itself" "$("$portlic" gate list)"
	is "... and the licenses" "$(states)$(ports)" "keep:active soon:active ok refused refused ok "
	[ "$(effective)" -ge "$(cat $T/mark)" ] && ok "... effective time is past the mark" || not_ok "... effective time" "$(effective) $(cat $T/mark)"
	suspect false && ok "... and there is no suspicion" || not_ok "... suspicion" "$(status)"
	cp $T/older $T/licenses.d/older.lic
	eventually 50 grep -q 'older.lic' /tmp/log
	is "an older license of a line that was withdrawn isn't taken" "$(try 8082)" refused
	;;
dead-rtc)
	date -s "@$(($(date +%s) - 31536000))" > /dev/null
	agent
	suspect true && ok "a boot with a clock a year behind: suspect" || not_ok "a boot with a clock a year behind: suspect" "$(status)"
	pod
	known && ok "the pod comes after the agent: its gate, too" || not_ok "the pod comes after the agent: its gate, too" "$("$portlic" gate list)"
	is "... and the licenses" "$(states)$(ports)" "keep:active soon:active ok refused refused ok "
	[ "$(effective)" -ge "$(cat $T/mark)" ] && ok "... effective time is past the mark" || not_ok "... effective time" "$(effective) $(cat $T/mark)"
	;;
esac
kill -9 $agent
exit $failed
