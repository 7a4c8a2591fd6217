#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A license comes as a Secret; it opens its port and no other.

ip=$(address shop)
start=$(now)
seq=$(date +%s)
license acme "\"seq\":$seq"
eventually 90 becomes ok "$ip" 8080
between "the licensed port opens, s after kubectl apply" "$(since "$start")" 0 10
is "the internal one doesn't" "$(knock "$ip" 9090)" refused
is "kubectl port-forward to the licensed port works" "$(forward "$(pod_of shop)" 8080)" ok
is "... to the internal one is refused" "$(forward "$(pod_of shop)" 9090)" refused
is "its state" "$(agent license list -o json | json "[(l['lid'], l['state']) for l in d]")" "[('line-1', 'active')]"

now=$(date +%s)
license acme "\"seq\":$((seq + 1)),\"exp\":$((now + 25)),\"grace\":0"
has_seq() { [ "$(agent license list -o json | json 'max(l["seq"] for l in d)')" = "$1" ]; }
check "a license that ends in 25 s" eventually 20 has_seq $((seq + 1))
poll "$ip:8080"
license acme "\"seq\":$((seq + 2))"
while [ "$(date +%s)" -lt $((now + 27)) ]; do sleep 0.2; done
poll_end
is "a renewal in the Secret, across the end of the old one: no connection failed (of $(tries "$ip:8080"))" "$(words "$ip:8080")" ok
check "the pod is Ready" is_ready shop
