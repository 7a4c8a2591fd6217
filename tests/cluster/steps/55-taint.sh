#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A node with the startup taint: the agent takes it off once it is ready, and no other taint.

taints() { K get node n1 -o jsonpath='{.spec.taints[*].key}'; }
K taint node n1 keep=me:PreferNoSchedule node.portlic.dev/agent-not-ready=:NoSchedule > "$T/out"
KS rollout restart ds/portlicd > "$T/out"
KS rollout status ds/portlicd --timeout=120s > "$T/out"
told() { KS logs ds/portlicd -c portlicd | grep -q taint_stays; }
check "without the right to patch nodes the agent says what is lacking" eventually 30 told
has "... and the taint stays" "$(taints)" node.portlic.dev/agent-not-ready
check "kubectl apply -k, startup-taint" K apply -k deploy/kubernetes/startup-taint
untainted() { [ "$(taints)" = keep ]; }
check "with it the taint goes, and no other" eventually 40 untainted
K taint node n1 keep- > "$T/out"
