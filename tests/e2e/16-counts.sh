#!/bin/bash
# SPDX-License-Identifier: MIT
# Series never go back, whatever a port becomes; what grace and a lapse with `report` look like.
. "$(dirname "$0")/lib.sh"

setup
start_echo tcp 8080 8081 8082
knock() { for _ in 1 2 3; do out "$LIB/net.py" tcp $POD4 8080 > "$T/out"; done; }
other() { metric portlic_port_connections_total 'port="other"' 'protocol="TCP"' 'verdict="denied"'; }
reasons() { metric portlic_port_denied_total 'port="other"' 'protocol="TCP"' 'reason="unlicensed"'; }
named() { metric portlic_port_connections_total 'port="8080"' 'verdict="denied"'; }

knock
is "three denials of a port without a rule are in other" "$(other)" 3
before=$(reasons)
drop app.lic
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
between "the port is licensed: other doesn't go back" "$(other)" 3 10
between "... nor by reason" "$(reasons)" "$before" 10
is "... the port list shows them at the port" "$(port 8080 'p["connections"]["denied"] >= 3')" True
portlic license unload app.lic > "$T/out"
shut=$(named) && knock
is "denials from now on are the port's own" "$(($(named) - shut))" 3

# more ports than the table takes at once: the rest stands under TCP, too
o=$(other)
out python3 - $POD4 << 'P'
import socket, sys
for port in range(20000, 20200):
    s = socket.socket(); s.settimeout(1)
    s.connect_ex((sys.argv[1], port)); s.close()
P
between "a scan of 200 ports is in other of TCP" "$(($(other) - o))" 200 260
is "... and nothing without a protocol" "$(metric portlic_port_connections_total 'protocol="other"' 'verdict="denied"')" 0

# past the end
end=$(in_s -5)
drop report.lic '"lid":"report"' '"jti":"r"' "\"exp\":$end" "\"iat\":$((end - 1000))" '"lapse":"report"' '"ports":[{"port":8081}]'
drop grace.lic '"lid":"grace"' '"jti":"g"' "\"exp\":$end" "\"iat\":$((end - 1000))" '"grace":1000' '"ports":[{"port":8082}]'
check "lapsed with report: let through" eventually 10 sh -c "[ \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8081) = ok ]"
is "... its state is audit" "$(port 8081 'p["state"]')" audit
is "... and it counts as that" "$(port 8081 'p["connections"]["audit"] > 0 and p["connections"]["allowed"] == 0')" True
is "in its grace: its state is grace" "$(port 8082 'p["state"]')" grace
warnings=$(portlic status -o json | json '"\n".join(d["warnings"])')
has "status warns of the lapse" "$warnings" '"report.lic" (report) HAS LAPSED'
has "... and of the grace" "$warnings" '"grace.lic" (grace) HAS ENDED'
has "... with its end" "$warnings" "its grace ends $(date -u -d "@$((end + 1000))" +%Y-%m-%dT%H:%M:%SZ)"
