#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# What happens to a node: the license directory or the bpffs unmounted, a reboot's empty bpffs, a pod that
# comes again.
. "$(dirname "$0")/lib.sh"

make_pod
configure
vendor
mount -t tmpfs none "$T/licenses.d" || bail "a tmpfs"
agent_start
gate_up
start_echo tcp 8080 9090
drop app.lic
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
tcp() { out "$LIB/net.py" tcp $POD4 "$1"; }
warned() { portlic status -o json | json '"\n".join(d["warnings"])'; }
says() { warned | grep -q "$1"; }
up() { eventually 10 curl -sf "http://$METRICS/readyz" || bail "the agent is ready"; }
gate_is() { [ "$(portlic gate list -o json | json 'd[0]["state"]')" = "$1" ]; }

# the license directory
umount "$T/licenses.d" || bail "umount"
check "the license directory is unmounted: status says so" eventually 10 says 'it was unmounted'
sleep 1
is "... nothing is taken away" "$(tcp 8080)" ok
mount -t tmpfs none "$T/licenses.d"
drop app.lic '"seq":2' '"ports":[{"port":8080},{"port":9090}]'
check "it is mounted again: new files count" eventually 10 test "$(out "$LIB/net.py" wait ok $POD4 9090 10)" != never
drop app.lic '"seq":3'
eventually 10 sh -c "[ \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 9090) = refused ]"

# bpffs
umount -l "$T/bpf" || bail "umount"
is "the bpffs is unmounted: the gate stands as long as the agent lives" "$(tcp 8080) $(tcp 9090)" "ok refused"
check "... status says so" eventually 10 says 'pins are no longer at'
check "... and the log" grep -q pins_gone "$T/agent.log"
agent_end KILL
agent_spawn
wait "$AGENT"
is "... a new agent doesn't start without it: exit status 1" $? 1
AGENT=''
has "... and says what to do" "$(tail -n 3 "$T/agent.log")" "mount -t bpf"
mount -t bpf bpf "$T/bpf" || bail "a bpffs"
agent_start
up
check "a new bpffs, as after a reboot: the gate is put up again" eventually 10 gate_is attached
is "... with its license" "$(tcp 8080) $(tcp 9090)" "ok refused"

# the pod
for pid in "${PIDS[@]}"; do kill -KILL "$pid" 2> /dev/null; done
ip netns del "$POD"
check "the pod's namespace is gone: its gate waits" eventually 10 gate_is waiting
ip netns del "$OUT"
make_pod
check "a pod comes again: its gate is put up by itself" eventually 10 gate_is attached
start_echo tcp 8080 9090
is "... with its license" "$(tcp 8080) $(tcp 9090)" "ok refused"
