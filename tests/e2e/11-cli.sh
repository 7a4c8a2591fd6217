#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# The verbs against a live agent: exit codes, tables, JSON, load and unload.
. "$(dirname "$0")/lib.sh"

status() { "$@" > "$T/out" 2>&1; echo $?; }
is "no agent: status exits 4" "$(status portlic status)" 4
is "no agent: gate list exits 4" "$(status portlic gate list)" 4
is "an unknown verb exits 2" "$(status portlic frobnicate)" 2
is "a gate without a namespace exits 2" "$(status portlic gate add x)" 2
is "--help exits 0" "$(status portlic --help)" 0

setup
start_echo tcp 8080 9090
is "status" "$(status portlic status)" 0
has "status as JSON" "$(portlic status -o json | json 'sorted(d)')" generation
is "gate list as JSON has the documented members" \
	"$(portlic gate list -o json | json '{"name","netns","mode","generation","hooks","ports_allowed"} <= set(d[0])')" True

sign > "$T/app.lic"
check "license load" portlic license load "$T/app.lic"
is "... is in force at once" "$(out "$LIB/net.py" wait ok $POD4 8080 10 | grep -c never)" 0
check "... stands in the license directory" test -s "$T/licenses.d/app.lic"
is "port list as JSON has the documented members" "$(portlic port list pod -o json |
	json '{"gate","port","end_port","protocol","name","state","lid","deadline","packets","bytes","connections","last_access","last_origin"} <= set(d[0])')" True
has "port list as a table" "$(portlic port list)" 8080
has "port show" "$(portlic port show pod 8080/tcp)" 8080
has "license list" "$(portlic license list)" line-1
is "ports_allowed" "$(portlic gate list -o json | json 'd[0]["ports_allowed"]')" 1

sign '"aud":"elsewhere"' > "$T/bad.lic"
is "a license for another audience is refused, exit status 1" "$(status portlic license load "$T/bad.lic")" 1
has "... with its reason" "$(cat "$T/out")" wrong_audience
check "... and is not in the directory" test ! -e "$T/licenses.d/bad.lic"
sign '"seq":2' '"jti":"l-2"' "\"exp\":$(in_s 60)" > "$T/app.lic"
portlic license load "$T/app.lic" > "$T/out" 2>&1
is "a renewal that ends earlier loads" "$?" 0
has "... with a warning" "$(tr '[:upper:]' '[:lower:]' < "$T/out")" earlier
sign '"lid":"fleet"' '"jti":"f"' '"seats":{"limit":9,"scope":"cluster"}' '"ports":[{"port":8085}]' > "$T/fleet.lic"
has "seats of the whole cluster: said to hold per node" "$(portlic license load "$T/fleet.lic" 2>&1)" 'seats of scope "cluster" hold on each node by itself'
check "... it is unloaded" portlic license unload fleet
is "a file that isn't there exits 2" "$(status portlic license load "$T/nothing.lic")" 2

out "$LIB/net.py" hold $POD4 8080 4 > "$T/hold" & hold=$!
PIDS+=("$hold")
eventually 10 has_clients 8080 || bail "a connection to 8080"
check "license unload" portlic license unload line-1
is "... shuts 8080 at once" "$(out "$LIB/net.py" tcp $POD4 8080)" refused
wait $hold
is "... what stands is drained" "$(cut -d' ' -f1 "$T/hold")" open
is "... its state is draining" "$(port 8080 'p["state"]')" draining
is "unload of nobody exits 2" "$(status portlic license unload nobody)" 2

is "check passes" "$(status portlic check)" 0
has "check names the gate" "$(portlic check)" pod
is "check of an unknown gate exits 1 or 2" "$(status portlic check --gate nobody | sed 's/2/1/')" 1
is "gate set with a wrong mode exits 2" "$(status portlic gate set pod --mode maybe)" 2
is "an unknown namespace exits 1 or 2" "$(status portlic gate add y --netns "nope$$" | sed 's/2/1/')" 1
has "... and is named" "$(cat "$T/out")" "nope$$"
