#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# How the agent starts: lost state, its directory, its descriptors, its arguments; HEAD like GET.
. "$(dirname "$0")/lib.sh"

make_pod
configure
vendor
chmod 0750 "$T/state"
agent_start
gate_up
is "a state directory that was there keeps its mode" "$(stat -c %a "$T/state")" 750
is "portlicd -h is --help" "$("$BUILD/portlicd" -h 2>&1)" "$("$BUILD/portlicd" --help 2>&1)"

# gates.json is corrupt
agent_end TERM
printf '{{{' > "$T/state/gates.json"
agent_start
eventually 10 portlic gate list
check "a corrupt gates.json: the log says what was done" grep -q 'state_lost.*gates.json.*moved to' "$T/agent.log"
has "... and status" "$(portlic status -o json | json '"\n".join(d["warnings"])')" 'moved to'
check "... the pinned gate is taken over" eventually 10 sh -c "portlic gate list -o json | grep -q '\"pod\"'"

# HEAD
for url in healthz readyz metrics; do
	is "HEAD /$url" "$(curl -s -m 5 -I -o "$T/head" -w '%{http_code} %{size_download}' "http://$METRICS/$url")" "200 0"
done
has "... says how long GET's answer is" "$(curl -sI -m 5 "http://$METRICS/healthz")" "Content-Length: 3"
is "HEAD of the local API" "$(curl -s -m 5 -I -o "$T/head" -w '%{http_code}' --unix-socket "$PORTLIC_SOCKET" http://portlic/v1/status)" 200

# a gate holds 8 descriptors
agent_end TERM
rm -rf "$T/state"
(ulimit -Sn 64 && exec "$BUILD/portlicd" --config "$T/portlicd.json" < /dev/null >> "$T/agent.log" 2>&1) &
AGENT=$!
eventually 15 portlic status || bail "the agent starts" "$(tail -n 20 "$T/agent.log")"
is "the soft limit of descriptors is raised to the hard one" "$(awk '/^Max open files/ { print ($4 == $5) }' /proc/$AGENT/limits)" 1
is "a state directory that it made is its own" "$(stat -c %a "$T/state")" 700
