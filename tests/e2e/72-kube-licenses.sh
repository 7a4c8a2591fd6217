#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Licenses from Secrets and PortLicenses: they come, are renewed, turn bad and go; what is told of them; the API
# server away.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"

NS=/api/v1/namespaces/portlic LIC=/apis/portlic.dev/v1alpha1/namespaces/portlic/portlicenses
secret() { # secret NAME KEY FIELD...: a Secret with a signed license
	local name=$1 key=$2
	shift 2
	sign "$@" | secret_with "$name" "$key"
}
secret_with() { # secret_with NAME KEY [LABEL]: the same with stdin
	printf '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"%s","namespace":"portlic","labels":{"%s":"true"}},"data":{"%s":"%s"}}' \
		"$1" "${3:-portlic.dev/license}" "$2" "$(base64 -w 0)" | kube_put -
}
portlicense() { # portlicense NAME SPEC
	printf '{"kind":"PortLicense","apiVersion":"portlic.dev/v1alpha1","metadata":{"name":"%s","namespace":"portlic"},"spec":%s}' "$1" "$2" |
		kube_put -
}
token() { portlicense "$1" "{\"token\":\"$(sign "${@:2}")\"}"; }
opens() { eventually "${2:-1}" eval '[ "$(out "$LIB/net.py" tcp $POD4 '"$1"')" = ok ]'; }
shut() { eventually "${2:-1}" eval '[ "$(out "$LIB/net.py" tcp $POD4 '"$1"')" = refused ]'; }
of() { portlic license list -o json | json "next((($2) for l in d if l['file'] == '$1'), None)"; }
status() { kube_get "$LIC/$1" | json "(lambda s: $2)(d.get('status', {}))" 2> /dev/null; }
condition() { status "$1" "next(([c['status'], c['reason']] for c in s.get('conditions', []) if c['type'] == '$2'), None)"; }
becomes() { # becomes COMMAND... TEXT: what it prints is that
	local got
	got=$("${@:1:$#-1}")
	[ "$got" = "${*: -1}" ] || { echo "$got" && return 1; }
}
events() { kube list $NS/events | json "sorted((e['reason'], e['count']) for e in d if e['involvedObject']['name'] == '$1')"; }

pulse
make_pod
configure
vendor
kube_start
kube_configure n1
start_nginx pod 8080 8081 8082 8083
secret acme license.key '"lid":"acme"' '"seq":1'
agent_start
gate_up
check "a Secret that is there opens its port" opens 8080
is "... its source is told" "$(of secret:acme:license.key '[l["source"], l["state"], l["lid"]]')" "['secret/acme', 'active', 'acme']"
has "... in the table too" "$(portlic license list)" "secret:acme:license.key"
is "another port is shut" "$(out "$LIB/net.py" tcp $POD4 8081)" refused
sign '"lid":"late"' '"ports":[{"port":8081}]' > "$T/late"
secret_with late late.lic < "$T/late"
start=$(now)
check "a new Secret opens its port" opens 8081
promptly "... within a second" "$(since "$start")" 1
sign '"lid":"unlabelled"' '"ports":[{"port":8083}]' | secret_with unlabelled x.lic other.example/label

# renewal without a gap, and a bad one
out "$LIB/storm.py" connect "$T/stop" 1000 8080 $POD4 $POD6 > "$T/storm" &
loop=$!
secret acme license.key '"lid":"acme"' '"seq":2' '"jti":"second"' '"plan":"gold"'
check "a renewal through the Secret" eventually 10 becomes of secret:acme:license.key 'l["seq"]' 2
printf 'torn' | secret_with acme license.key
check "one that is bad" eventually 10 becomes of secret:acme:license.key 'l["held"]' file_bad
is "... leaves the last good one in force" "$(of secret:acme:license.key '[l["seq"], l["state"], l["reason"]]')" "[2, 'active', 'bad_framing']"
printf '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"acme","namespace":"portlic","labels":{"portlic.dev/license":""}},"data":{"license.key":"%%%%","t.jwks":"e30="}}' | kube_put -
check "... so does one that is no base64" eventually 10 becomes of secret:acme:license.key 'l["detail"]' "the value isn't base64"
check "trust doesn't come from a Secret" eventually 10 grep -q 'trust_ignored.*t.jwks' "$T/agent.log"
touch "$T/stop"
wait $loop
read -r tries failures first < "$T/storm"
between "through all this connects went on" "$tries" 1000 10000000
is "... without a failure" "$failures $first" "0 none"
is "a Secret without the label opens nothing" "$(out "$LIB/net.py" tcp $POD4 8083)" refused
has "unload says where it comes from" "$(portlic license unload late 2>&1)" 'comes from Kubernetes: `kubectl delete secret/late`'

# whoever asks while one comes finds the agent
(until [ -e "$T/asked" ]; do curl -s --unix-socket "$PORTLIC_SOCKET" http://portlic/v1/status; done) > "$T/answers" &
asking=$!
for i in 1 2 3 4 5 6 7 8; do sign "\"lid\":\"quick$i\"" | secret_with "quick$i" license.key > /dev/null; done
touch "$T/asked"
wait $asking
check "status is asked while Secrets come: the agent lives" kill -0 "$AGENT"
for i in 1 2 3 4 5 6 7 8; do kube_delete "$NS/secrets/quick$i" > /dev/null; done

# a revocation list
python3 - "$T/vendor.jwk" << 'P' > "$T/list" 2> "$T/out" || bail "a list" "$(cat "$T/out")"
import base64, json, sys, time
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
jwk = json.load(open(sys.argv[1]))
b64 = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(jwk["d"] + "=="))
now = int(time.time())
head = {"alg": "EdDSA", "typ": "portlic-rl+jwt", "kid": jwk["kid"]}
body = {"iss": "https://vendor.example", "iat": now, "exp": now + 3600, "seq": 1, "revoked": [{"lid": "late", "at": now - 5}]}
text = b64(json.dumps(head).encode()) + "." + b64(json.dumps(body).encode())
print(text + "." + b64(key.sign(text.encode())), end="")
P
secret_with revoked vendor.rl < "$T/list"
check "a revocation list in a Secret shuts the port" shut 8081 3
is "... its license is revoked" "$(of secret:late:late.lic 'l["state"]')" revoked

# PortLicense
token inline '"lid":"inline"' '"ports":[{"port":8082}]' '"plan":"gold"' '"grace":86400'
check "a PortLicense with a token opens its port" opens 8082
is "... its source is told" "$(of portlicense:inline 'l["source"]')" portlicense/inline
check "... its status is written" eventually 20 becomes status inline 's["state"]' active
is "... with customer, plan, line" "$(status inline '[s["customer"], s["plan"], s["lid"], s["seq"]]')" "['customer', 'gold', 'inline', 1]"
is "... end and deadline" "$(status inline '[s["expires"] < s["deadline"], s["expires"][-1]]')" "[True, 'Z']"
is "... conditions" "$(condition inline Verified) $(condition inline InForce) $(condition inline ExpiringSoon)" \
	"['True', 'Verified'] ['True', 'Active'] ['True', 'Within1Day']"
is "... of this generation" "$(status inline '[s["observedGeneration"], {c["observedGeneration"] for c in s["conditions"]}]')" "[1, {1}]"
check "... and the node where it is in force" eventually 10 becomes status inline 's["nodes"]["summary"]' 1/1
is "an Event tells of the end" "$(events inline)" "[('Expiring', 1)]"
portlicense ref '{"secretRef":{"name":"late","key":"late.lic"}}'
check "one that names a Secret shows what became of it" eventually 10 becomes status ref 's["state"]' revoked
is "... and opens nothing twice" "$(portlic license list -o json | json '[l["file"] for l in d if l["lid"] == "late"]')" "['secret:late:late.lic']"
portlicense lost '{"secretRef":{"name":"nobody"}}'
check "one whose Secret isn't there says so" eventually 10 becomes condition lost Verified "['False', 'NoSecret']"
has "... where it is looked for" "$(status lost '[c["message"] for c in s["conditions"]][0]')" 'namespace "portlic" has no Secret with the label portlic.dev/license'
portlicense odd '{"token":"a.b.c","secretRef":{"name":"x"}}'
check "a spec that the schema would have refused" eventually 10 becomes condition odd Verified "['False', 'BadSpec']"

# renewed, then bad
token inline '"lid":"inline"' '"seq":2' '"ports":[{"port":8082}]' '"exp":'"$(in_s 9000000)"
check "a renewal in a PortLicense" eventually 20 becomes status inline 's["seq"]' 2
is "... ends less soon" "$(condition inline ExpiringSoon)" "['False', 'NotSoon']"
check "... is an Event" eventually 10 becomes events inline "[('Expiring', 1), ('Renewed', 1)]"
portlicense inline '{"token":"e30.e30.e30"}'
check "one that is bad" eventually 20 becomes condition inline Verified "['False', 'BadAlg']"
is "... leaves the last good one in force" "$(condition inline InForce) $(status inline 's["seq"]') $(out "$LIB/net.py" tcp $POD4 8082)" "['True', 'Active'] 2 ok"
check "... is an Event" eventually 10 becomes events inline "[('Expiring', 1), ('Rejected', 1), ('Renewed', 1)]"
portlicense inline '{"secretRef":{"name":"nobody"}}'
eventually 10 becomes condition inline Verified "['False', 'NoSecret']"
portlicense inline '{"token":"e30.e30.e30"}'
check "the same one again counts up" eventually 20 becomes events inline "[('Expiring', 1), ('Lapsed', 1), ('Rejected', 1), ('Rejected', 2), ('Renewed', 1)]"
settled() {
	kube count > /dev/null
	sleep 2
	[ "$(kube count /portlicenses | grep -c PATCH)" = 0 ]
}
eventually 20 settled
kube count > /dev/null
sleep 2
is "nothing is written while nothing changes" "$(kube count /portlicenses | grep -c PATCH)" 0

# the API server away
kube away
agent_end KILL
agent_start
is "no API server, a new agent: what it had holds" "$(out "$LIB/net.py" tcp $POD4 8080) $(out "$LIB/net.py" tcp $POD4 8082)" "ok ok"
is "... and isn't about to go" "$(portlic license list -o json | json '[l["file"] for l in d if l["held"] == "file_gone"]')" "[]"
kube_delete $LIC/inline
kube back
check "back again: what was deleted meanwhile is held" eventually 40 becomes of portlicense:inline 'l["held"]' file_gone
kube_delete $NS/secrets/acme
check "a deleted Secret is held as a file is" eventually 10 becomes of secret:acme:license.key 'l["detail"]' "it was deleted: its rights are withdrawn soon"
is "... open meanwhile" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
