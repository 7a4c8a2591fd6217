#!/bin/bash
# SPDX-License-Identifier: MIT
# What is in force stays in force: against a second file with the same kid, a second list under the same
# name, a reserve that comes later; over a restart, too.
. "$(dirname "$0")/lib.sh"

setup
vendor other
start_echo tcp 8080 8081
drop app.lic '"jti":"app"'
[ "$(out "$LIB/net.py" wait ok $POD4 8080 3)" != never ] || bail "8080 opens"
state() { portlic license list -o json | json "next((l['state'] for l in d if l['file'] == '$1'), None)"; }
becomes() { eventually 5 sh -c "portlic license list -o json | python3 -c 'import json,sys; sys.exit(not any(l[\"file\"] == \"$1\" and l[\"state\"] == \"$2\" for l in json.load(sys.stdin)))'"; }
warned() { portlic status -o json | json '"\n".join(d["warnings"])'; }
restart() { agent_end TERM && agent_start && eventually 10 portlic gate list; }

# a new trust file with the kid of one that is in force, first in order of names
portlic license keygen --iss https://thief.example --kid vendor-1 --out "$T/thief" > "$T/out"
cp "$T/thief.jwks" "$T/trust.d/a.jwks"
check "a trust file with a kid of another is refused by name" eventually 3 grep -q 'trust_refused.*a.jwks' "$T/agent.log"
is "... and the vendor who has it stays trusted" "$(state app.lic)" active
has "... status names it" "$(warned)" '"a.jwks" is refused'
restart
is "... after a restart, too" "$(state app.lic)" active
rm "$T/trust.d/a.jwks"
check "deleted, it isn't held: it never was in force" eventually 3 sh -c '! portlic status -o json | grep -q a.jwks'
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
check "an older list is refused by name" eventually 3 grep -q 'revocation_list_refused.*r.rl.*newer' "$T/agent.log"
rm "$T"/licenses.d/*.rl
sleep 0.5
restart
is "... nor do deleted lists take anything back" "$(state app.lic)" revoked
listed x.rl vendor 6 '[]'
check "the vendor's newer list does" becomes app.lic active
