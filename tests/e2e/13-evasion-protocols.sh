#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# Other protocols than TCP, UDP and ICMP (docs/evasion.md).
. "$(dirname "$0")/lib.sh"
. "$LIB/evasion.sh"

evasion_pod
for p in "IPIP 4" "SIT 41" "GRE 47" "ESP 50" "AH 51" "SCTP 132" "DCCP 33" "UDP-Lite 136" "L2TP 115" "MPLS 137"; do
	attempt "${p% *}" evade raw "${p#* }" 4
done
for p in "IPIP 4" "IPv6 41" "GRE 47" "SCTP 132" "DCCP 33" "UDP-Lite 136"; do
	attempt "${p% *} in IPv6" evade raw "${p#* }" 6
done
attempt "UDP-Lite socket" evade datagram 136 5354
evasion_run
