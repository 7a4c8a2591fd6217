#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# A higher seq that was in force supersedes for good: its file deleted, unloaded, over restarts; until a list
# revokes it by jti. A revocation list that ages, equivocation, allow, bind and must on a running agent.
. "$(dirname "$0")/lib.sh"
need curl

fake_clock 0 1
setup
start_echo tcp 8080 8081 8082
state() { portlic license list -o json | json "next((l['state'] for l in d if l['file'] == '$1'), None)"; }
becomes() { eventually 10 sh -c "[ \"\$(portlic license list -o json | python3 -c 'import json,sys; print(next((l[\"state\"] for l in json.load(sys.stdin) if l[\"file\"] == \"$1\"), None))')\" = $2 ]"; }
tcp() { out "$LIB/net.py" tcp $POD4 "$1" 0.5; }
warned() { portlic status -o json | json '"\n".join(d["warnings"])'; }
restart() { agent_end "${1:-TERM}" && agent_start && eventually 10 portlic gate list; }
listed() { # listed SEQ IAT ENTRIES: a revocation list, moved into the license directory
	printf '{"iss":"https://vendor.example","iat":%d,"exp":%d,"seq":%d,"revoked":[%s]}' "$2" "$(in_s 90000)" "$1" "$3" |
		portlic license sign --key "$T/vendor.jwk" --revocation-list - > "$T/token" && mv "$T/token" "$T/licenses.d/r.rl"
}

drop one.lic '"seq":1' '"jti":"one"' '"ports":[{"port":8080},{"port":8081}]'
check "seq 1 is in force" becomes one.lic active
is "... 8081 is open" "$(out "$LIB/net.py" wait ok $POD4 8081 10 > /dev/null; tcp 8081)" ok
sign '"seq":2' '"jti":"two"' > "$T/two.lic"
portlic license load "$T/two.lic" > "$T/out" 2>&1
is "seq 2 supersedes it" "$(state one.lic) $(state two.lic)" "superseded active"
eventually 10 grep -q '"jti":"two"' "$T/state/state.json"
portlic license unload two.lic > "$T/out" 2>&1
is "unloaded: exit status" $? 0
has "... with a warning: seq 1 stays without effect" "$(cat "$T/out")" "\"one.lic\" has no effect: seq 2 of this line was in force before"
is "... seq 1 is superseded still" "$(state one.lic)" superseded
is "... its ports are shut" "$(tcp 8080) $(tcp 8081)" "refused refused"
has "... status says why" "$(warned)" '"one.lic" (line-1) has no effect: seq 2'
has "... license list says why" "$(portlic license list -o json | json 'd[0]["detail"]')" "names its jti"
restart
is "... over a restart" "$(state one.lic) $(tcp 8080)" "superseded refused"
restart KILL
is "... and a kill" "$(state one.lic)" superseded
rm "$T/licenses.d/one.lic"
sign '"seq":1' '"jti":"late"' > "$T/late.lic"
has "loading a lower seq warns" "$(portlic license load "$T/late.lic" 2>&1)" "it has no effect: seq 2 of this line was in force before"
is "... and has no effect" "$(state late.lic)" superseded
listed 1 "$(in_s -100)" '{"lid":"other","at":1000000000}'
sleep 1.5
is "a list that names something else changes nothing" "$(state late.lic)" superseded
listed 2 "$(in_s -90)" '{"jti":"two","at":1000000000}'
check "a list that names the jti of seq 2 brings seq 1 back" becomes late.lic active
check "... its port" eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8080)\" = ok ]"
restart
is "... over a restart" "$(state late.lic)" active
sign '"seq":3' '"jti":"three"' > "$T/three.lic"
portlic license load "$T/three.lic" > "$T/out" 2>&1
is "a higher seq is in force" "$(state three.lic) $(state late.lic)" "active superseded"
is "... and no warning is left" "$(warned | grep -c 'no effect')" 0

# equivocation, allow, bind, must
drop eq-a.lic '"lid":"eq"' '"jti":"a"' '"ports":[{"port":8082}]'
drop eq-b.lic '"lid":"eq"' '"jti":"b"' '"ports":[{"port":8082}]'
check "equivocation: the later iat wins" becomes eq-b.lic active
is "... the other is superseded" "$(state eq-a.lic)" superseded
check "... and the alarm" grep -q ' error license_equivocation .*lid="eq"' "$T/agent.log"
has "... in status" "$(warned)" "same seq and other content"
sign '"lid":"must"' > "$T/must.lic"
/usr/bin/python3 - "$T/vendor.jwk" "$T/must.lic" "$T/licenses.d/must.lic" << 'P' || bail "pyjwt"
import json, sys, jwt
key = jwt.algorithms.OKPAlgorithm.from_jwk(open(sys.argv[1]).read())
claims = jwt.decode(open(sys.argv[2]).read().strip(), options={"verify_signature": False})
open(sys.argv[3], "w").write(jwt.encode({**claims, "must": ["teleport"]}, key, algorithm="EdDSA", headers={"typ": "portlic+jwt", "kid": "vendor-1"}))
P
drop must-ok.lic '"lid":"must-ok"' '"must":["ports"]'
drop bind.lic '"lid":"bind"' '"bind":{"nodes":["00000000000000000000000000000000"]}'
[ ! -s /etc/machine-id ] || drop bind-ok.lic '"lid":"bind-ok"' "\"bind\":{\"nodes\":[\"$(cat /etc/machine-id)\"]}"
reason() { portlic license list -o json | json "next((l['state'] + ' ' + str(l['reason']) for l in d if l['file'] == '$1'), None)"; }
eventually 10 sh -c "portlic license list -o json | grep -q wrong_binding"
is "must: an unknown name is rejected" "$(reason must.lic)" "rejected unsupported"
is "... a known one isn't" "$(reason must-ok.lic)" "active None"
is "bind: another node's is rejected" "$(reason bind.lic)" "rejected wrong_binding"
[ -s /etc/machine-id ] && is "... this node's isn't" "$(reason bind-ok.lic)" "active None"
sed 's/{"iss"/{"allow":{"ports":"8080-8081"},"iss"/' "$T/vendor.jwks" > "$T/token" && mv "$T/token" "$T/trust.d/vendor.jwks"
check "allow: what reaches past it is rejected" eventually 10 sh -c "portlic license list -o json | grep -q not_allowed"
is "... by name" "$(reason eq-b.lic) $(reason three.lic)" "rejected not_allowed active None"
check "... and its port is shut" eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8082)\" = refused ]"
cp "$T/vendor.jwks" "$T/trust.d/"
check "... open again without it" becomes eq-b.lic active
rm "$T"/licenses.d/eq-?.lic

# rl_max_age: the newest list is 90 s old; the clock goes on
sign '"lid":"aged"' '"rl_max_age":3600' '"grace":600' "\"exp\":$(in_s 86400)" '"ports":[{"port":8082}]' > "$T/aged.lic"
portlic license load "$T/aged.lic" > "$T/out" 2>&1
is "rl_max_age: the list is fresh" "$(state aged.lic) $(tcp 8082)" "active ok"
fake_clock 3540 1
check "... too old: stale" becomes aged.lic stale
is "... and open, it has grace" "$(tcp 8082)" ok
fake_clock 4120 1
check "... longer than its grace: lapsed" becomes aged.lic lapsed
is "... and shut" "$(tcp 8082)" refused
fake_clock 4000 1
at_clock 4000 listed 3 "$(in_s 3990)" ''
check "a newer list brings it back" becomes aged.lic active
check "... its port" eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8082)\" = ok ]"

