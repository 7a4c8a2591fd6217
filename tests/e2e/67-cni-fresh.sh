#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# A node on which the PortPolicies were never listed: pods that one of them may mean don't start through portlic-cni,
# the system's do, and it is remembered once they were.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/pods.sh"
. "$LIB/selection.sh"
need openssl curl

MARKER=$T/state/portpolicies-listed
POLICIES=/apis/portlic.dev/v1alpha1/portpolicies
answer() { # answer NAMESPACE NAME: what the agent itself says of a new pod
	post '{"command":"ADD","namespace":"'"$1"'","name":"'"$2"'","uid":"'"$(uid)"'","container":"c","netns":"/run/netns/plx'"$$"'-plain"}'
}
fresh() { # the agent ends, and starts on a node that knows nothing
	agent_end TERM
	rm -rf "$T/state" && mkdir "$T/state"
	agent_start
}

pods_begin
configure
kube_start
kube_configure n1 portlic
for namespace in plain shop portlic kube-system; do kube_namespace $namespace | kube_put - > /dev/null; done
sandbox plain "$(uid)"
SHOP=$(uid)
sandbox shop "$SHOP"
put_pod shop web-0 "$SHOP"
kube_put - > /dev/null << 'J'
{"apiVersion":"portlic.dev/v1alpha1","kind":"PortPolicy","metadata":{"name":"shop"},
 "spec":{"match":{"namespaces":["shop"]},"mode":"enforce"}}
J

# the API server is away
kube away
agent_start
follows "a fresh node without the API server: any pod may be selected" 'd["unknown"], d["asked"], d["watched"]' "may [] []"
is "... but the system's" "$(says 'd["never"]')" "['kube-node-lease', 'kube-public', 'kube-system', 'portlic']"
cni ADD plain db-0 "$(uid)" plain
is "a pod is refused" "$R $(json 'd["code"]' <<< "$O")" "1 100"
has "... in words" "$O" "the PortPolicies were never listed on this node"
has "... that say what to do" "$O" "It starts once they are"
cni ADD "$(printf 'n%.0s' {1..63})" "$(printf 'p%.0s' {1..253})" "$(uid)" plain
has "... to the end, however long its name is" "$O" "has to be in kube-system"
has "... and status warns" "$(warns)" "the PortPolicies were never listed on this node"
cni ADD kube-system coredns-0 "$(uid)" plain
is "kube-system's start" "$R" 0
cni ADD portlic portlicd-0 "$(uid)" plain
is "... and the agent's own" "$R" 0
is "the agent says the same of them" "$(answer kube-system coredns-0) $(json 'd["result"]' < "$T/answer")" "200 unselected"
is "... as of the others" "$(answer plain db-0)" 422
check "nothing is remembered" test ! -e "$MARKER"

# it is there, and says nothing of PortPolicies
kube refuse 403 0 $POLICIES
kube back
kube_pods() { portlic status -o json | json '[w["synced"] for w in d["kubernetes"]["watches"] if "pods" in w["what"] or "namespaces" in w["what"]]'; }
known() { [ "$(kube_pods)" = "[True, True]" ]; }
check "pods and namespaces are known, PortPolicies can't be read" eventually 15 known
cni ADD plain db-0 "$(uid)" plain
is "... still refused" "$R $(json 'd["code"]' <<< "$O")" "1 100"
has "... and why" "$O" "answered 403"
agent_end KILL
agent_start
follows "... by the next agent, too" 'd["unknown"]' may

# it says all
kube refuse 0
eventually 60 says_is 'd["unknown"]' asked # it waits longer from time to time
follows "they are listed: what nothing selects starts" 'd["unknown"], d["globs"]' "asked ['shop']"
check "... which is remembered" test -e "$MARKER"
cni ADD plain db-0 "$(uid)" plain
is "... a pod" "$R" 0
cni ADD shop web-0 "$SHOP" shop
is "... one that a PortPolicy selects, with its gate" "$R $(gate_says "$SHOP" 'g["state"], g["policy"]')" "0 ('attached', 'shop')"
is "... and the warning is gone" "$(warns | grep -c 'never listed')" 0

# and is away again
kube away
agent_end KILL
agent_start
cni ADD plain db-1 "$(uid)" plain
is "a restart without the API server: it is known that there are no others" "$R" 0
is "... and the one that there is" "$(says 'd["globs"]')" "['shop']"

# nobody asks it
cp "$T/portlicd.json" "$T/with.json"
agent_end TERM
python3 - "$T/portlicd.json" << 'P'
import json, sys
config = json.load(open(sys.argv[1])); del config["kubernetes"]; json.dump(config, open(sys.argv[1], "w"))
P
agent_start
follows "without Kubernetes nobody waits for them" 'd["unknown"]' asked
check "... and nothing is remembered" test ! -e "$MARKER"
agent_end TERM
cp "$T/with.json" "$T/portlicd.json"
agent_start
follows "with it again they have to be listed" 'd["unknown"], "shop" in d["asked"]' "may False"

# a server that doesn't know the kind
kube unknown /apis/portlic.dev
kube back
fresh
check "a server that has no such kind: there are none" eventually 15 test -e "$MARKER"
cni ADD plain db-2 "$(uid)" plain
is "... and pods start" "$R" 0
