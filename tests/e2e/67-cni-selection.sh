#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# What portlic-cni goes by: the agent's cni-selection.json follows policies, namespaces and their annotations, and
# says of what nobody has seen yet that it may be selected; POST /v1/cni; the two together, with an API server.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/pods.sh"
. "$LIB/selection.sh"
need openssl curl

pods_begin
configure
vendor
agent_start
follows "without Kubernetes and policies: whoever asks by annotation, but the system's" 'd' \
	"{'version': 1, 'gates': False, 'unknown': 'asked', 'globs': [], 'never': ['kube-node-lease', 'kube-public', 'kube-system'], 'asked': [], 'watched': [], 'may': []}"
is "... mode of the file" "$(stat -c %a "$FILE")" 600
policy_for a.json '{"gates":["web-*"]}'
follows "a policy names gates" 'd["gates"], d["unknown"]' "True asked"
policy_for a.json '{"namespaces":["prod-*","kube-public"]}'
follows "namespaces by name: the names, and the system's that is spelled out" 'd["gates"], d["globs"], d["never"]' \
	"False ['kube-public', 'prod-*'] ['kube-node-lease', 'kube-system']"
policy_for a.json '{"podSelector":{"matchLabels":{"app":"web"}}}'
follows "labels of pods: any namespace may" 'd["unknown"], "kube-system" in d["never"]' "may True"
policy_for a.json '{"namespaceSelector":{"matchLabels":{"tier":"front"}}}'
follows "labels of namespaces: any that nobody has seen may" 'd["unknown"]' may
portlic policy del a.json > "$T/out"
follows "the policy is deleted" 'd["unknown"]' asked
mkdir "$T/keep" && mv "$FILE" "$T/keep" && mkdir "$FILE"
policy_for a.json '{"gates":["web-*"]}'
warned() { portlic status -o json | json 'd["warnings"]' | grep -q "portlic-cni goes by what was selected before"; }
check "it can't be written: a warning in status" eventually 10 warned
has "... and an alarm" "$(cat "$T/agent.log")" cni_selection_unwritable
rmdir "$FILE"
follows "... it can again: written" 'd["gates"]' True
check "... and the warning goes" eventually 10 eval '! warned'

for bad in '' '[]' '{"command":"ADD"}' '{"command":"RUN","container":"c","netns":"/n"}' '{"command":"ADD","container":"c"}' \
	'{"command":"DEL","container":"c","more":1}' '{"command":"ADD","container":1,"netns":"/n"}'; do
	is "POST /v1/cni $bad: 400" "$(post "$bad")" 400
done
is "... DEL of what nobody knows is fine" "$(post '{"command":"DEL","container":"c"}') $(cat "$T/answer")" '200 {"result":"unselected","gate":null}'
rm "$T/policies.d/a.json"
agent_end TERM

# with an API server
kube_start
kube_configure n1 portlic
kube_namespace plain | kube_put - > /dev/null
kube_namespace edge '{"tier":"front"}' | kube_put - > /dev/null
kube_namespace portlic | kube_put - > /dev/null
drop l.lic '"ports":[{"port":8080}]'
agent_start
policy_for front.json '{"namespaceSelector":{"matchLabels":{"tier":"front"}}}'
follows "with Kubernetes: what is known is told, what isn't may be anything" 'd["unknown"], d["asked"], d["may"], "portlic" in d["never"]' \
	"may ['plain'] [] True"
annotate plain portlic.dev/mode audit
follows "a namespace asks by its annotation" "$(listed plain)" "as unknown"
annotate plain portlic.dev/mode off
follows "... and doesn't any more" "$(listed plain)" asked
kube_namespace edge '{"tier":"back"}' | kube_put - > /dev/null
follows "a namespace changes its labels" "$(listed edge)" asked
kube_namespace edge '{"tier":"front"}' | kube_put - > /dev/null
follows "... and back" "$(listed edge)" "as unknown"

WEB=$(uid) PLAIN=$(uid) ASKS=$(uid)
sandbox web "$WEB"
put_pod edge web-0 "$WEB"
cni ADD edge web-0 "$WEB" web
is "ADD of a selected pod: the result goes on" "$R $O" '0 {"cniVersion":"1.0.0","ips":[]}'
is "... and its gate stands by then" "$(gate_says "$WEB" 'g["state"], g["mode"]')" "('attached', 'enforce')"
run_in web 8080 9090
is "... its ports" "$(reach web 8080) $(reach web 9090)" "ok refused"
cni ADD edge web-0 "$WEB" web
is "... again: the same" "$R $(gate_says "$WEB" 'g["state"]')" "0 attached"
cni CHECK edge web-0 "$WEB" web
is "... CHECK" "$R$O" 0
sandbox plain "$PLAIN"
put_pod plain db-0 "$PLAIN"
cni ADD plain db-0 "$PLAIN" plain
is "ADD of a pod that nothing selects" "$R $(gate_of "$PLAIN")" "0 None"
sandbox asks "$ASKS"
put_pod plain asks-0 "$ASKS"
annotate plain/asks-0 portlic.dev/mode enforce
cni ADD plain asks-0 "$ASKS" asks '{"portlic.dev/mode":"enforce"}'
is "ADD of one that asks by its annotation" "$R $(gate_says "$ASKS" 'g["state"]')" "0 attached"
for _ in 1 2 3; do cni DEL edge web-0 "$WEB" web; done
is "DEL three times" "$R$O" 0
cni DEL edge web-0 "$WEB" ""
is "... once more without a namespace" "$R$O" 0

loads() { grep -c 'policy_loaded file="front.json"' "$T/agent.log"; }
before=$(loads)
policy_for front.json '{"namespaceSelector":{"matchLabels":{"tier":"front"}},"podSelector":{"matchLabels":{"app":"web"}}}'
again() { [ "$(loads)" -gt "$before" ]; }
eventually 10 again || bail "the policy"
kube away
cni ADD edge new-0 "$(uid)" plain
is "the API server is away, labels matter: refused" "$R $(json 'd["code"]' <<< "$O")" "1 100"
has "... in words" "$O" "depends on labels that nobody knows now"
agent_end KILL
cni ADD edge new-0 "$(uid)" plain
is "no agent either: try again later" "$R $(json 'd["code"]' <<< "$O")" "1 11"
cni ADD plain new-0 "$(uid)" plain
is "... others start" "$R" 0
agent_start
follows "an agent that has seen no namespace yet: any may be selected" 'd["unknown"]' may
is "... but those of the system" "$(says '"kube-system" in d["never"], "portlic" in d["never"]')" "True True"
