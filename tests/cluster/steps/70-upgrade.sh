#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Another version of the DaemonSet: the new agent takes the gates over, and no moment is without them.

ip=$(address shop) old=$(agent_pid)
site enforce-cni
deploy/image/build "$T/next.tar" localhost/portlic:next "$BUILD"/portlicd "$BUILD"/portlic "$BUILD"/portlic-cni /usr/bin/sleep \
	"$BUILD/cni-bundle=/usr/lib/portlic/cni" > "$T/out" && C load "$T/next.tar" > "$T/out" 2>&1 || not_ok "the next image" "$(cat "$T/out")"
printf 'images:\n- {name: localhost/portlic, newTag: next}\n' >> "$SITE/enforce-cni/kustomization.yaml"
poll "$ip:8080" "$ip:9090"
check "kubectl apply -k with another image" K apply -k "$SITE/enforce-cni"
check "it is rolled out" KS rollout status ds/portlicd --timeout=120s
is "the new one runs" "$(KS get pod -l app.kubernetes.io/name=portlicd -o jsonpath='{.items[*].spec.containers[0].image}')" localhost/portlic:next
if [ "$(agent_pid)" = "$old" ]; then not_ok "it is another process"; else ok "it is another process"; fi
poll_end
is "the internal port stayed shut (of $(tries "$ip:9090"))" "$(words "$ip:9090")" refused
is "the licensed one open" "$(words "$ip:8080")" ok
is "the gates are the same" "$(unprotected shop.)" 0.0
