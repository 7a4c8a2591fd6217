#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# Disguised frames: tags, options, fragments, extension headers, groups; UDP and TCP (docs/evasion.md).
. "$(dirname "$0")/lib.sh"
. "$LIB/evasion.sh"

evasion_pod
while IFS= read -r name; do
	attempt "udp $name" evade udp 5354 "$name"
	case $name in
	*cast*) ;; # a SYN to a group isn't answered
	*) attempt "tcp $name" evade tcp 5354 "$name" ;;
	esac
done < <(python3 -c "import sys; sys.path.insert(0, '$LIB'); import frames; print(*frames.DISGUISES, sep='\n')")
evasion_run
# What a gate must read right to let it pass.
for name in plain4 plain6 "vid0 x3" "router alert" "40 bytes of options" fragments "reversed fragments" hop-by-hop "headers x8" atomic \
	"fragments, IPv6" "subnet broadcast" multicast "multicast, IPv6"; do
	is "licensed: $name" "$(evade udp 4789 "$name")" delivered
done
