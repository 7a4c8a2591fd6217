#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# PortLicense shows what became of a license; a PortPolicy is in force at once, before the site's own files.

ip=$(address shop)
policy() { # policy MEMBER...: the PortPolicy shop
	printf '{"apiVersion":"portlic.dev/v1alpha1","kind":"PortPolicy","metadata":{"name":"shop"},"spec":{"match":{"namespaces":["shop"]},"mode":"enforce"%s}}' "$*" |
		K apply -f - > "$T/out" 2>&1
}
K apply -f - > "$T/out" 2>&1 << 'Y' && policy ',"open":[{"port":9090,"protocol":"TCP"}]'
apiVersion: portlic.dev/v1alpha1
kind: PortLicense
metadata: {name: acme, namespace: portlic-system}
spec: {secretRef: {name: acme, key: acme.lic}}
Y
is "PortLicense and PortPolicy are taken" "$?" 0
shown() { KS get portlicenses acme --no-headers | grep -q 'active.* 1/1 '; }
check "kubectl get portlicenses: active, in force on 1/1 nodes" eventually 60 shown
KS get portlicenses | sed 's/^/# /'
matches() { agent policy list -o json | json '[p["file"] for p in d if p["name"] == "shop" and p["state"] == "ok"]' | grep -q portpolicy:shop; }
check "the agent has the PortPolicy" eventually 20 matches
accepted() { [ "$(K get portpolicy shop -o jsonpath='{.status.conditions[?(@.type=="Accepted")].status}')" = True ]; }
check "... and its status says so" eventually 20 accepted
check "it goes before the site's files: 9090 is open" eventually 10 becomes ok "$ip" 9090
policy
check "... and shut again when it opens it no longer" eventually 10 becomes refused "$ip" 9090
K delete portpolicy shop > "$T/out"
K apply -f - > "$T/out" 2>&1 << 'Y'
apiVersion: portlic.dev/v1alpha1
kind: PortPolicy
metadata: {name: everything}
spec: {match: {}, mode: enforce}
Y
if [ $? != 0 ]; then ok "an empty match is refused"; else not_ok "an empty match is refused"; fi
