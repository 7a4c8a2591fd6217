#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# The README's quick start and the files of policies/, as they are shipped.
. "$(dirname "$0")/lib.sh"

make_pod
configure
sed -i 's/"audience": "e2e"/"audience": "acme-prod"/' "$T/portlicd.json"
start_echo tcp 8080 9005 6379 9090 8090 8091 8100 8110 8111 8120 8130 8443 9050 5432
agent_start
tcp() { out "$LIB/net.py" tcp $POD4 "$1"; }

check "keygen" portlic license keygen --iss https://vendor.example --out "$T/vendor"
is "the private key is for its owner only" "$(stat -c %a "$T/vendor.jwk")" 600
check "sign" sh -c "portlic license sign --key $T/vendor.jwk policies/acme.claims.json > $T/acme.lic"
check "verify, offline" portlic license verify --trust "$T" --audience acme-prod --now 1800000000 "$T/acme.lic"
cp "$T/vendor.jwks" "$T/trust.d/"
check "gate add" portlic gate add shop --netns "$POD"
is "8080 is shut" "$(tcp 8080)" refused
eventually 10 sh -c "portlic status -o json | grep -q '\"keys\": *1'"
check "load" portlic license load "$T/acme.lic"
is "8080 is open" "$(out "$LIB/net.py" wait ok $POD4 8080 10 | grep -c never)" 0
is "a port of the range is open" "$(tcp 9005)" ok
is "9090 is shut" "$(tcp 9090)" refused
is "redis is shut" "$(tcp 6379)" refused
cp policies/shop.policy.json "$T/policies.d/"
is "shop.policy.json opens redis" "$(out "$LIB/net.py" wait ok $POD4 6379 10 | grep -c never)" 0
is "... and not 9090" "$(tcp 9090)" refused
cp policies/audit.policy.json "$T/policies.d/shop.policy.json"
is "audit.policy.json lets 9090 through" "$(out "$LIB/net.py" wait ok $POD4 9090 10 | grep -c never)" 0
cp policies/shop.policy.json "$T/policies.d/"
is "... until shop.policy.json is back" "$(out "$LIB/net.py" wait refused $POD4 9090 10 | grep -c never)" 0

# every policy, for this gate
policy_is() { [ "$(portlic gate list -o json | json 'd[0]["policy"]')" = "$1" ]; }
for file in policies/*.policy.json policies/shop.policy.json; do
	name=${file##*/}
	sed -E 's/"gates": \[[^]]*\]/"gates": ["shop"]/' "$file" > "$T/policy" && mv "$T/policy" "$T/policies.d/shop.policy.json"
	check "$name holds for the gate" eventually 10 policy_is "${name%%.*}"
done

# every other license, as it is
load() { # load NAME [SED]: signed, and loaded under its name; what portlic says is in $T/said
	sed "${2:-}" "policies/$1.claims.json" > "$T/claims"
	portlic license sign --key "$T/vendor.jwk" "$T/claims" > "$T/$1.lic" && portlic license load "$T/$1.lic" > "$T/said" 2>&1
}
state() { portlic license list -o json | json "next((l['state'] for l in d if l['file'] == '$1.lic'), None)"; }
fields() { curl -s --unix-socket "$PORTLIC_SOCKET" "http://portlic/v1/entitlements?gate=shop" | json "$1"; }

check "single-port" load single-port
is "... is in force" "$(state single-port)" active
check "trial" load trial
is "... is in force" "$(state trial)" active
check "unload" portlic license unload trial
check "ranges" load ranges
is "... opens its ports" "$(tcp 8443) $(tcp 9050)" "ok ok"
load node-locked
is "node-locked is refused elsewhere" "$? $(grep -c node "$T/said")" "1 1"
if [ -s /etc/machine-id ]; then
	check "... and good on this machine" load node-locked "s/5e9b1bd2c0a54f7c8f1d3f0a9b7c6d5e/$(cat /etc/machine-id)/"
	is "... opens its port" "$(tcp 5432)" ok
else
	skip "... and good on this machine" "it has no /etc/machine-id"
fi

check "tier-basic" load tier-basic
is "... opens the basic port only" "$(tcp 8090) $(tcp 8091)" "ok refused"
check "tier-pro" load tier-pro
is "... opens more" "$(tcp 8090) $(tcp 8091)" "ok ok"
is "... and replaces the basic tier" "$(state tier-basic) $(state tier-pro)" "superseded active"
is "... its features reach the application" "$(fields '{"reports", "sso", "contacts"} <= set(d[0]["features"])')" True
check "add-on" load add-on
is "... opens its port beside acme" "$(tcp 8120) $(tcp 8080)" "ok ok"
check "... unloaded" portlic license unload acme-shop-analytics
is "... it takes its own away and nothing else" "$(tcp 8120) $(tcp 8080) $(fields '"analytics" in d[0]["features"]')" "refused ok False"

check "usage" load usage
is "... opens its port" "$(tcp 8100)" ok
is "... its quota reaches the application" "$(fields 'next(l["quota"]["over"] for l in d[0]["licenses"] if l["lid"] == "usage")')" report
check "seats" load seats
is "... opens its ports" "$(tcp 8110) $(tcp 8111)" "ok ok"
is "... its seats reach the application" "$(fields 'next(l["seats"] for l in d[0]["licenses"] if l["lid"] == "seats")')" 25

fresh="s/1767225600/$(in_s -60)/g"
check "air-gapped without a list: 90 days are left" load air-gapped "$fresh"
is "... stale" "$(state air-gapped)" stale
sed "$fresh; s/1775001600/$(in_s 15552000)/" policies/air-gapped.revocations.json > "$T/claims"
check "its revocation list is signed" sh -c "portlic license sign --revocation-list --key $T/vendor.jwk $T/claims > $T/token"
mv "$T/token" "$T/licenses.d/air-gapped.rl"
is_active() { [ "$(state air-gapped)" = active ]; }
check "... and makes it active" eventually 10 is_active
is "... opens its port" "$(tcp 8130)" ok
check "the file that the list names is refused its right" load air-gapped "$fresh; s/air-gapped-2/air-gapped-1/; s/\"seq\": 2/\"seq\": 3/"
is "... revoked" "$(state air-gapped)" revoked
is "every example was loaded" "$(cd policies && for f in *.claims.json; do [ -e "$T/${f%%.*}.lic" ] || echo "$f"; done)" ""
