#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Bad license, trust and config files are named with reason and remedy; the others and the last good
# state stay in force.
. "$(dirname "$0")/lib.sh"

setup
start_echo tcp 8080 8081 8082
drop good.lic
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"

rejected() { # rejected FILE REASON
	check "$1 is rejected as $2" eventually 10 sh -c \
		"portlic license list -o json | python3 -c 'import json,sys; sys.exit(not any(l[\"file\"].endswith(\"$1\") and l[\"reason\"] == \"$2\" for l in json.load(sys.stdin)))'"
	check "... and named in the log" eventually 10 grep -q "$1" "$T/agent.log"
}
raw() { printf '%s' "$2" > "$T/token" && mv "$T/token" "$T/licenses.d/$1"; }

raw framing.lic 'not a license'
rejected framing.lic bad_framing
sign '"jti":"x"' > "$T/t"
raw signature.lic "$(awk -F. '{ printf "%s.%s.%s", $1, $2, substr($3, 1, 10) (substr($3, 11, 1) == "A" ? "B" : "A") substr($3, 12) }' "$T/t")"
rejected signature.lic bad_signature
raw big.lic "$(head -c 70000 /dev/zero | tr '\0' a)"
rejected big.lic too_big
portlic license keygen --iss https://other.example --kid stranger --out "$T/stranger" > "$T/out"
VENDOR=stranger drop stranger.lic '"iss":"https://other.example"'
rejected stranger.lic unknown_kid
drop audience.lic '"aud":"elsewhere"' '"lid":"aud"'
rejected audience.lic wrong_audience
drop bound.lic '"lid":"bound"' '"bind":{"nodes":["00000000000000000000000000000000"]}'
rejected bound.lic wrong_binding
# `portlic license sign` would not issue this one
/usr/bin/python3 - "$T/vendor.jwk" > "$T/t" << 'P'
import sys, time, jwt
key = jwt.algorithms.OKPAlgorithm.from_jwk(open(sys.argv[1]).read())
now = int(time.time())
print(jwt.encode({"iss": "https://other.example", "sub": "c", "aud": "e2e", "jti": "i", "iat": now - 10, "exp": now + 600, "ver": 1, "lid": "iss",
                  "seq": 1, "ports": [{"port": 8082}]}, key, algorithm="EdDSA", headers={"typ": "portlic+jwt", "kid": "vendor-1"}))
P
raw issuer.lic "$(cat "$T/t")"
rejected issuer.lic issuer_mismatch
is "the good license is in force among them" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
between "rejections are counted" "$(metric portlic_license_rejected_total)" 6 1000
has "the table names a rejected file" "$(portlic license list)" bad_signature
rm "$T"/licenses.d/{framing,signature,big,stranger,audience,bound,issuer}.lic

# a good file that turns bad keeps its last good copy
raw good.lic 'torn'
turned() { [ "$(portlic license list -o json | json 'next(l["held"] for l in d if l["file"] == "good.lic")')" = file_bad ]; }
eventually 10 turned || bail "the torn file is read"
is "a license file that turns bad keeps its last good copy" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
check "... with an alarm in the log" grep -q good.lic "$T/agent.log"
drop good.lic '"seq":2' '"ports":[{"port":8080},{"port":8081}]'
check "the mended file is in force" eventually 10 sh -c "[ \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8081) = ok ]"

# trust files
printf '{"iss":"https://x.example","keys":[%s]}' "$(cat "$T/vendor.jwk")" > "$T/token" && mv "$T/token" "$T/trust.d/private.jwks"
check "a private key in the trust store is refused by name" eventually 10 grep -qi 'private.jwks.*private key' "$T/agent.log"
printf '{"iss":"https://x.example","keys":[{"kty":"RSA","kid":"r"}]}' > "$T/trust.d/rsa.jwks"
check "a foreign key is refused by name" eventually 10 grep -q 'rsa.jwks' "$T/agent.log"
is "8080 stays" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
rm "$T/trust.d/private.jwks" "$T/trust.d/rsa.jwks"
cp "$T/stranger.jwks" "$T/trust.d/"
VENDOR=stranger drop stranger.lic '"iss":"https://other.example"' '"lid":"s"' '"ports":[{"port":8082}]'
check "a vendor added to the trust store: its license is in force" eventually 10 sh -c \
	"[ \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8082) = ok ]"
mkdir "$T/theirs"
VENDOR=stranger sign '"iss":"https://other.example"' '"seq":9' > "$T/theirs/good.lic"
portlic license load "$T/theirs/good.lic" > "$T/out" 2>&1
is "a file of another vendor with the same lid doesn't take a file's place" $? 2
has "... and says whose it is" "$(cat "$T/out")" 'of "https://other.example"'
mv "$T/theirs/good.lic" "$T/theirs/a b.lic"
has "a name that can't be kept: what to do" "$(portlic license load "$T/theirs/a b.lic" 2>&1)" "rename it"
mv "$T/vendor.jwks" "$T/saved"
printf '{' > "$T/trust.d/vendor.jwks"
eventually 10 grep -q 'trust_refused.*vendor.jwks' "$T/agent.log" || bail "the bad trust file is read"
is "a trust file that turns bad keeps its last good state" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
cp "$T/saved" "$T/trust.d/vendor.jwks"

# an unreadable directory keeps all
mv "$T/licenses.d" "$T/away"
eventually 10 grep -q directory_unreadable "$T/agent.log" || bail "the directory is missed"
is "a license directory that is gone keeps all" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
mv "$T/away" "$T/licenses.d"
drop good.lic '"seq":3' '"ports":[{"port":8080},{"port":8081}]'
check "it is watched again when it is back" eventually 10 sh -c \
	"portlic license list -o json | python3 -c 'import json,sys; sys.exit(not any(l[\"seq\"] == 3 for l in json.load(sys.stdin)))'"

# names that no list can show, and more files than there is room for
touch "$T/licenses.d/"$'odd\xff.lic'
warns() { portlic status -o json | json '"\n".join(d["warnings"])' | grep -q "$1"; }
check "a license whose name isn't UTF-8: status says it isn't read" eventually 10 warns "^1 files of directory.*aren't UTF-8"
check "... and the log" grep -q 'files_left_out.*rename them' "$T/agent.log"
rm "$T/licenses.d/"$'odd\xff.lic'
calm() { ! warns "aren't UTF-8"; }
check "... and nothing when it is gone" eventually 10 calm
mkdir "$T/flood"
(cd "$T/flood" && seq -f 'f%g.json' 8300 | xargs touch && mv f*.json "$T/policies.d/")
check "more files than there is room for: status says so" eventually 20 warns "there is room for 8192"
rm -r "$T/policies.d" && mkdir "$T/policies.d"
is "... 8080 stays" "$(out "$LIB/net.py" tcp $POD4 8080)" ok

# configs
refuses() { # refuses TEXT CONFIG WORD [STATUS]
	printf '%s' "$2" > "$T/bad.json"
	timeout 5 "$BUILD/portlicd" --config "$T/bad.json" > "$T/out" 2>&1
	is "$1: exit status ${4:-2}" $? "${4:-2}"
	has "... naming it" "$(cat "$T/out")" "$3"
}
refuses "config: not JSON" '{"audience":' bad.json
refuses "config: an unknown key" "$(sed 's/"audience"/"audiense"/' "$T/portlicd.json")" audiense
refuses "config: a wrong type" "$(sed 's/"audience": "e2e"/"audience": 7/' "$T/portlicd.json")" audience
refuses "config: not a bpffs" "$(sed "s|$T/bpf/portlic|$T/nowhere/portlic|; s|portlicd.sock|other.sock|; s|$T/state|$T/other|; s|127.0.0.1:[0-9]*|127.0.0.1:1|" "$T/portlicd.json")" "$T/nowhere" 1
refuses "config: metrics" "$(sed 's|"127.0.0.1:[0-9]*"|"localhost"|; s|portlicd.sock|other.sock|' "$T/portlicd.json")" metrics
timeout 5 "$BUILD/portlicd" --config "$T/none.json" > "$T/out" 2>&1
is "config: no such file: exit status 2" $? 2
is "the agent still runs" "$(portlic status > "$T/out" 2>&1; echo $?)" 0
