#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# What a vendor does and suffers: keys that are rotated, stolen, removed; old files that come back; two
# files with one serial.
. "$(dirname "$0")/lib.sh"

configure
vendor
agent_start
state() { portlic license list -o json | json "next((l['state'] + (':' + l['reason'] if l['reason'] else '') for l in d if l['file'] == '$1'), None)"; }
is_state() { [ "$(state "$1")" = "$2" ]; }
becomes() { eventually 10 is_state "$@"; } # becomes FILE STATE[:REASON]
warned() { portlic status -o json | json '"\n".join(d["warnings"])'; }
trusts() { # trusts KEY...: JSON of keys of the vendor, moved into the trust store in one step
	local IFS=,
	printf '{"iss":"https://vendor.example","keys":[%s]}' "$*" > "$T/token" && mv "$T/token" "$T/trust.d/vendor.jwks"
}
key() { json "json.dumps({**d['keys'][0], **${2:-{\}}})" < "$T/$1.jwks"; } # key NAME [MEMBERS]: its public half

# rotation
portlic license keygen --iss https://vendor.example --kid vendor-2 --out "$T/second" > "$T/out" || bail "keygen"
drop old.lic '"lid":"old"'
check "a license of the first key" becomes old.lic active
VENDOR=second drop new.lic '"lid":"new"' '"iss":"https://vendor.example"'
check "a new key that isn't trusted yet: its license is refused" becomes new.lic rejected:unknown_kid
trusts "$(key vendor)" "$(key second)"
check "the new key beside the old: its license is in force" becomes new.lic active
is "... and that of the old one too" "$(state old.lic)" active
trusts "$(key vendor "{'retired': $(in_s -3)}")" "$(key second)"
sleep 0.5
is "the old key is retired: what it signed before stays" "$(state old.lic)" active
drop late.lic '"lid":"late"' '"iat":'"$(in_s -1)"
check "... what it signs later is refused" becomes late.lic rejected:unknown_kid
rm "$T/licenses.d/late.lic"
trusts "$(key second)"
check "the old key is removed: its licenses end at once, with their reason" becomes old.lic rejected:unknown_kid
is "... and nothing else does" "$(state new.lic)" active

# stolen
trusts "$(key vendor)" "$(key second)"
check "the old key is back" becomes old.lic active
drop forged.lic '"lid":"forged"' '"iat":1500000000'
check "a thief signs with it, dated back" becomes forged.lic active
echo '{"iss":"https://vendor.example","iat":'"$(in_s -5)"',"exp":'"$(in_s 9999)"',"seq":1,"revoked":[{"kid":"vendor-1","at":1000000000,"why":"stolen"}]}' |
	portlic license sign --revocation-list --key "$T/second.jwk" - > "$T/token" && mv "$T/token" "$T/licenses.d/stolen.rl"
check "a list of the new key revokes the stolen one: forged files end" becomes forged.lic revoked
is "... so does what it had signed" "$(state old.lic)" revoked
is "... the new key's license stays" "$(state new.lic)" active

# an old file comes back
export VENDOR=second
sign '"lid":"line"' '"seq":1' '"ports":[{"port":8080},{"port":8081}]' > "$T/one.lic"
drop two.lic '"lid":"line"' '"seq":2'
check "seq 2" becomes two.lic active
has "an old license is replayed: load warns" "$(portlic license load "$T/one.lic" 2>&1)" "is newer: this license has no effect"
is "... and it has no effect" "$(state one.lic) $(state two.lic)" "superseded active"
portlic license unload one.lic
sign '"lid":"line"' '"seq":3' '"ports":[]' > "$T/three.lic"
has "a renewal that opens less: load warns" "$(portlic license load "$T/three.lic" 2>&1)" "it opens less than"
check "... and it is in force" becomes three.lic active

# two files with one serial
drop a.lic '"lid":"twice"' '"iat":'"$(in_s -9)" '"plan":"a"'
drop b.lic '"lid":"twice"' '"iat":'"$(in_s -8)" '"plan":"b"'
check "same seq, other bytes: the later one holds" becomes a.lic superseded
is "... on every node alike" "$(state b.lic)" active
check "... an alarm in the log" grep -q 'license_equivocation.*twice' "$T/agent.log"
has "... and in status" "$(warned)" "another file has the same seq and other content"

# dated in the near future, which `portlic license sign` would not issue
/usr/bin/python3 - "$T/second.jwk" > "$T/token" << 'P'
import sys, time, jwt
key = jwt.algorithms.OKPAlgorithm.from_jwk(open(sys.argv[1]).read())
now = int(time.time())
print(jwt.encode({"iss": "https://vendor.example", "sub": "c", "aud": "e2e", "jti": "i", "iat": now + 304, "exp": now + 900, "ver": 1, "lid": "future",
                  "seq": 1, "ports": []}, key, algorithm="EdDSA", headers={"typ": "portlic+jwt", "kid": "vendor-2"}))
P
mv "$T/token" "$T/licenses.d/future.lic"
check "a license dated ahead of the clock is refused" becomes future.lic rejected:iat_future
check "... and taken by itself when its time has come" eventually 20 is_state future.lic active
