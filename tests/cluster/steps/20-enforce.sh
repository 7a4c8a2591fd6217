#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Enforce: nothing is open without a license, and the pod stays Ready by probes of its internal port.

K label namespace shop portlic.dev/enforce=true --overwrite > "$T/out"
check "kubectl apply -k, enforce" apply enforce
ip=$(address shop)
eventually 30 becomes refused "$ip" 9090
is "the internal port is refused" "$(knock "$ip" 9090)" refused
is "the licensed one, without a license, too" "$(knock "$ip" 8080)" refused
is "kubectl port-forward to the internal port is refused" "$(forward "$(pod_of shop)" 9090)" refused
is "... from the node" "$(in_node "$LIB/net.py" tcp "$ip" 9090 1)" refused
has "kubectl exec in the pod itself" "$(KW exec deploy/shop -- nc -w 2 127.0.0.1 9090 2>&1 < /dev/null)" "refused"
sleep 5
check "its probes of that port stay green" is_ready shop
is "... and nothing was restarted" "$(restarts shop)" 0
between "they are counted as probes" "$(in_node_metric portlic_port_origin_connections_total 'origin="probe"')" 3 100000
is "other namespaces stay in audit" "$(gate_modes elsewhere)" audit
