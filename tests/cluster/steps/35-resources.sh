#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# PortLicense shows what became of a license; a PortPolicy goes before the site's own policies, at once.

ip=$(address shop)
K apply -f - > "$T/out" 2>&1 << 'Y'
apiVersion: portlic.dev/v1alpha1
kind: PortLicense
metadata: {name: acme, namespace: portlic-system}
spec: {secretRef: {name: acme, key: acme.lic}}
---
apiVersion: portlic.dev/v1alpha1
kind: PortPolicy
metadata: {name: shop}
spec:
  match: {namespaces: [shop]}
  mode: enforce
  open: [{port: 9090, protocol: TCP}]
Y
is "PortLicense and PortPolicy are taken" "$?" 0
shown() { KS get portlicenses acme --no-headers | grep -q 'active.* 1/1 '; }
check "kubectl get portlicenses: active, in force on 1/1 nodes" eventually 60 shown
KS get portlicenses | sed 's/^/# /'
check "the port that the PortPolicy opens is open" eventually 20 becomes ok "$ip" 9090
K delete portpolicy shop > "$T/out"
check "without it it is shut again" eventually 90 becomes refused "$ip" 9090
K apply -f - > "$T/out" 2>&1 << 'Y'
apiVersion: portlic.dev/v1alpha1
kind: PortPolicy
metadata: {name: everything}
spec: {match: {}, mode: enforce}
Y
if [ $? != 0 ]; then ok "an empty match is refused"; else not_ok "an empty match is refused"; fi
