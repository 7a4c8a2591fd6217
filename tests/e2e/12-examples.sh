#!/bin/bash
# SPDX-License-Identifier: MIT
# The README's quick start and the files of policies/, as they are shipped.
. "$(dirname "$0")/lib.sh"

make_pod
configure
sed -i 's/"audience": "e2e"/"audience": "acme-prod"/' "$T/portlicd.json"
start_echo tcp 8080 9005 6379 9090
agent_start
tcp() { out "$LIB/net.py" tcp $POD4 "$1"; }

check "keygen" portlic license keygen --iss https://vendor.example --out "$T/vendor"
is "the private key is for its owner only" "$(stat -c %a "$T/vendor.jwk")" 600
check "sign" sh -c "portlic license sign --key $T/vendor.jwk policies/acme.claims.json > $T/acme.lic"
check "verify, offline" portlic license verify --trust "$T" --audience acme-prod --now 1800000000 "$T/acme.lic"
cp "$T/vendor.jwks" "$T/trust.d/"
check "gate add" portlic gate add shop --netns "$POD"
is "8080 is shut" "$(tcp 8080)" refused
eventually 3 sh -c "portlic status -o json | grep -q '\"keys\": *1'"
check "load" portlic license load "$T/acme.lic"
is "8080 is open" "$(out "$LIB/net.py" wait ok $POD4 8080 2 | grep -c never)" 0
is "a port of the range is open" "$(tcp 9005)" ok
is "9090 is shut" "$(tcp 9090)" refused
is "redis is shut" "$(tcp 6379)" refused
cp policies/shop.policy.json "$T/policies.d/"
is "shop.policy.json opens redis" "$(out "$LIB/net.py" wait ok $POD4 6379 3 | grep -c never)" 0
is "... and not 9090" "$(tcp 9090)" refused
cp policies/audit.policy.json "$T/policies.d/shop.policy.json"
is "audit.policy.json lets 9090 through" "$(out "$LIB/net.py" wait ok $POD4 9090 3 | grep -c never)" 0
