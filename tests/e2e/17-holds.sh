#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Deleted files are held 60 s, no longer; an unreadable directory holds all that it gave, over a restart.
. "$(dirname "$0")/lib.sh"

pulse
setup
vendor other
start_echo tcp 8080 8081 7000
drop app.lic
VENDOR=other sign '"iss":"https://other.example"' '"lid":"other"' '"ports":[{"port":8081}]' > "$T/licenses.d/other.lic"
printf '{"name":"p","match":{"gates":["pod"]},"open":[{"port":7000}]}' > "$T/policies.d/pod.json"
for p in 8080 8081 7000; do
	[ "$(out "$LIB/net.py" wait ok $POD4 $p 10)" != never ] || bail "$p opens"
done
agent_end TERM
mv "$T/licenses.d" "$T/away"
agent_start
eventually 10 portlic gate list
# another agent, whose directory stays readable, for a license
mkdir "$T/b"
configure "$T/b"
cp "$T/vendor.jwks" "$T/b/trust.d/"
sign '"lid":"held"' > "$T/b/licenses.d/held.lic"
"$BUILD/portlicd" --config "$T/b/portlicd.json" < /dev/null > "$T/b.log" 2>&1 &
PIDS+=($!)
eventually 15 grep -q 'license_state.*held.lic' "$T/b.log" || bail "a second agent" "$(tail "$T/b.log")"
start=$(now)
rm "$T/b/licenses.d/held.lic"
rm "$T/trust.d/other.jwks" "$T/policies.d/pod.json"
sleep 50
is "50 s after trust file and policy were deleted, they are held" "$(out "$LIB/net.py" tcp $POD4 8081) $(out "$LIB/net.py" tcp $POD4 7000)" "ok ok"
is "... a deleted license, too" "$(portlic --socket "$T/b/portlicd.sock" license list -o json | json 'd[0]["state"], d[0]["detail"]')" \
	"active the file is gone: its rights are withdrawn soon"
check "then the license is withdrawn" eventually 30 grep -q 'license_withdrawn.*held.lic' "$T/b.log"
promptly "... after 60 s" "$(since "$start")" 63 59
check "then the trust file is withdrawn" eventually 30 grep -q 'trust_withdrawn.*other.jwks' "$T/agent.log"
promptly "... after 60 s" "$(since "$start")" 63 59
check "... and the policy" eventually 30 grep -q 'policy_withdrawn.*pod.json' "$T/agent.log"
promptly "... after 60 s" "$(since "$start")" 63 59
check "... and their ports are shut" eventually 10 sh -c \
	"[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 7000) \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8081)\" = 'refused refused' ]"
sleep 2
is "a license directory that was never readable: what it gave before holds" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
rm "$T/away/app.lic"
mv "$T/away" "$T/licenses.d"
check "it is back without the file: that is held from now" eventually 10 sh -c "portlic status -o json | grep -q '.app.lic.. is gone from'"
sleep 2
is "... 8080 is open" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
