#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# What is in force stays in force: against a second file with the same kid, another list under the same
# name, a reserve that comes later; over a restart, too.
. "$(dirname "$0")/lib.sh"

setup
vendor other
start_echo tcp 8080 8081
drop app.lic '"jti":"app"'
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
state() { portlic license list -o json | json "next((l['state'] for l in d if l['file'] == '$1'), None)"; }
becomes() { eventually 10 sh -c "portlic license list -o json | python3 -c 'import json,sys; sys.exit(not any(l[\"file\"] == \"$1\" and l[\"state\"] == \"$2\" for l in json.load(sys.stdin)))'"; }
warned() { portlic status -o json | json '"\n".join(d["warnings"])'; }
restart() { agent_end TERM && agent_start && eventually 10 portlic gate list; }

# a new trust file with the kid of one that is in force, first in order of names
portlic license keygen --iss https://thief.example --kid vendor-1 --out "$T/thief" > "$T/out"
cp "$T/thief.jwks" "$T/trust.d/a.jwks"
check "a trust file with a kid of another is refused by name" eventually 10 grep -q 'trust_refused.*a.jwks' "$T/agent.log"
is "... and the vendor who has it stays trusted" "$(state app.lic)" active
has "... status names it" "$(warned)" '"a.jwks" is refused'
restart
is "... after a restart, too" "$(state app.lic)" active
rm "$T/trust.d/a.jwks"
check "deleted, it isn't held: it never was in force" eventually 10 sh -c '! portlic status -o json | grep -q a.jwks'
is "... 8080 is open all the time" "$(out "$LIB/net.py" tcp $POD4 8080)" ok

# revocation lists are each vendor's own, whatever their files are called
listed() { # listed FILE VENDOR SEQ ENTRIES: a signed list, moved into the license directory
	/usr/bin/python3 - "$T/$2.jwk" "$2" "$3" "$4" > "$T/token" << 'P'
import json, sys, time, jwt
path, name, seq, entries = sys.argv[1:]
key = jwt.algorithms.OKPAlgorithm.from_jwk(open(path).read())
now = int(time.time())
print(jwt.encode({"iss": "https://%s.example" % name, "iat": now - 10, "exp": now + 600, "seq": int(seq), "revoked": json.loads(entries)}, key,
                 algorithm="EdDSA", headers={"typ": "portlic-rl+jwt", "kid": name + "-1"}))
P
	mv "$T/token" "$T/licenses.d/$1"
}
listed r.rl vendor 5 '[{"jti":"app","at":1000000000}]'
check "a list revokes app.lic" becomes app.lic revoked
listed r.rl other 1 '[]'
sleep 0.5
listed new.rl other 2 '[]'
sleep 0.5
is "another vendor's list in its file: app.lic stays revoked" "$(state app.lic)" revoked
restart
is "... over a restart" "$(state app.lic)" revoked
listed r.rl vendor 4 '[]'
check "an older list is refused by name" eventually 10 grep -q 'revocation_list_refused.*r.rl.*newer' "$T/agent.log"
rm "$T"/licenses.d/*.rl
sleep 0.5
restart
is "... nor do deleted lists take anything back" "$(state app.lic)" revoked
listed x.rl vendor 6 '[]'
check "the vendor's newer list does" becomes app.lic active

# a reserve that comes after the policies: they lose what is reserved, and nothing but that
mode() { portlic gate list -o json | json "next(g['mode'] for g in d if g['name'] == 'pod')"; }
reserve() { # reserve PORTS|'' in the trust file of the other vendor
	sed "s/{\"iss\"/{${1:+\"reserve\":{\"ports\":\"$1\"\},}\"iss\"/" "$T/other.jwks" > "$T/token" && mv "$T/token" "$T/trust.d/other.jwks"
}
policy() { printf '%s' "$2" > "$T/p" && mv "$T/p" "$T/policies.d/$1"; }
tcp() { out "$LIB/net.py" tcp $POD4 "$1" 0.7; }
becomes_tcp() { eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 $1 0.7)\" = $2 ]"; }
start_echo tcp 7000 7001 9090
policy 20.json '{"name":"lax","match":{"gates":["*"]},"mode":"audit"}'
policy 10.json '{"name":"strict","match":{"gates":["pod"]},"open":[{"port":7000},{"port":7001}]}'
check "the policy opens 7000" becomes_tcp 7000 ok
is "9090 is refused" "$(tcp 9090)" refused
reserve 7000
check "7000 is reserved: the policy opens it no more" becomes_tcp 7000 refused
is "... but still 7001" "$(tcp 7001)" ok
is "... and the laxer policy after it doesn't take over" "$(mode) $(tcp 9090)" "enforce refused"
has "... status says so" "$(warned)" "1 of its opens are left out"
restart
is "... all that over a restart" "$(mode) $(tcp 7000) $(tcp 7001) $(tcp 9090)" "enforce refused ok refused"
reserve ''
check "the reserve goes: the policy holds whole again" becomes_tcp 7000 ok
policy 15.json '{"name":'
check "a policy that never was good: a warning that its gates may be judged by another" eventually 10 sh -c \
	"portlic status -o json | grep -q '15.json.*may be judged by another policy'"
rm "$T"/policies.d/15.json
policy 15.json '{"name":"idle","mode":"off"}'
check "a policy without match: a warning in status" eventually 10 sh -c "portlic status -o json | grep -q '15.json.*has no.*match'"
check "... and in the log" grep -q 'policy_idle.*15.json' "$T/agent.log"

# the same for a gate's own policy
printf '{"name":"own","mode":"enforce","deny":"drop","open":[{"port":7000},{"port":7001}]}' > "$T/own.json"
{ portlic gate del pod && portlic gate add pod --netns "$POD" --policy "$T/own.json"; } > "$T/out" || bail "gate add --policy"
is "a policy of its own: opens, and drop" "$(tcp 7000) $(tcp 9090)" "ok timeout"
reserve 7000
check "reserved: 7000 is shut" becomes_tcp 7000 timeout
is "... the rest of it holds" "$(tcp 7001) $(tcp 9090)" "ok timeout"
has "... status says so" "$(warned)" "1 opens of its own policy are reserved"
restart
is "... over a restart" "$(tcp 7000) $(tcp 7001) $(tcp 9090)" "timeout ok timeout"
