#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# A gate whose counters are all taken, by 16 policies of 4,090 ranges each: what has no room there is told at
# once, on trial or not, and the rules before stay in force.
. "$(dirname "$0")/lib.sh"

setup
for width in {0..15}; do
	python3 -c 'import json, sys
print(json.dumps({"name": "big", "match": {"gates": ["pod"]},
                  "open": [{"port": 16 * i + 1, "endPort": 16 * i + 1 + int(sys.argv[1])} for i in range(4090)]}))' "$width" > "$T/big.json"
	portlic policy apply "$T/big.json" > "$T/out" 2>&1 || bail "a big policy" "$(tail -n 3 "$T/out")"
done
sign '"lid":"udp"' "$(python3 -c 'import json; print("\"ports\":" + json.dumps([{"port": p, "protocol": "UDP"} for p in range(1, 501)]))')" > "$T/udp.lic"
has "a license on trial that has no room" "$(portlic license load --confirm 60s "$T/udp.lic" 2>&1)" 'gate "pod": rule set:'
check "... is rolled back by itself" eventually 10 sh -c "portlic status -o json | grep -q '\"trial\":[^{]*null'"
check "... which is told" grep -q "trial_rolled_back.*can't be made with it" "$T/agent.log"
check "... and the gate takes other changes again" portlic gate set pod --mode audit
is "... without a fault" "$(portlic gate list -o json | json 'd[0]["mode"], d[0]["error"]')" "audit None"
portlic gate set pod --mode policy > "$T/out" 2>&1
has "the same of one for good" "$(portlic license load "$T/udp.lic" 2>&1)" 'gate "pod": rule set:'
is "the rules before stay in force" "$(port 1 'p["state"]')" open
