#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# Connections by odd means, and over `lo` (docs/evasion.md).
. "$(dirname "$0")/lib.sh"
. "$LIB/evasion.sh"

evasion_pod
start_echo tcp 9090
start_echo udp 5354
attempt "every TCP flag byte" evade flags 9191
attempt "TCP Fast Open" evade data 9192
attempt "simultaneous open" evade meet 9193
attempt "a connection by TCP_REPAIR" evade repair 9194
attempt "TCP without SYN to a raw socket" evade stray 9195
attempt "a packet socket" evade sniff 5355

over_lo() { tried "$(pod "$LIB/net.py" "$@" 0.5)"; }
for kind in "tcp 9090" "udp 5354"; do
	for address in 127.0.0.1 127.9.9.9 ::1 $POD4 $POD6 ::ffff:127.0.0.1 ::ffff:$POD4; do
		attempt "lo ${kind% *} $address" over_lo "${kind% *}" "$address" "${kind#* }"
	done
done
unbound() { tried "$(out "$LIB/net.py" udp-unbound $POD4 5354 0.5)"; }
attempt "a client without a remote end" unbound
with_sysctl() { # with_sysctl NAME VALUE ADDRESS: meanwhile
	local before
	before=$(pod sysctl -n "$1")
	jail sysctl -qw "$1=$2"
	tried "$(out "$LIB/net.py" tcp "$3" 9090 0.5)"
	jail sysctl -qw "$1=$before"
}
attempt "SYN cookies" with_sysctl net.ipv4.tcp_syncookies 2 $POD4
attempt "SYN cookies, IPv6" with_sysctl net.ipv4.tcp_syncookies 2 $POD6
big() { # frames of more than 64 KB over lo, to a port that isn't open
	pod ip link set lo gso_max_size 200000 gro_max_size 200000 2> "$T/err" || {
		echo "skip iproute2 or this kernel has no BIG TCP"
		return
	}
	over_lo tcp ::1 9090
	pod ip link set lo gso_max_size 65536 gro_max_size 65536
}
attempt "BIG TCP on lo" big
evasion_run
