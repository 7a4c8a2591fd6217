#!/bin/bash
# SPDX-License-Identifier: MIT
# Rate, quota and TLS at a cgroup's gate, which refuses by dropping alone; and what it doesn't hold anybody to.
. "$(dirname "$0")/lib.sh"
. "$LIB/limits.sh"
need nginx openssl

new_cgroup app || skip_all "no cgroup v2 to write to"
app() { in_cgroup app "$@"; }
in_app() { start_in_cgroup app "$@"; }
knocks() { load knock "$@" | cut -d' ' -f1; }
asks() { # asks PORT N: that many new flows of UDP, how many are answered
	local n=0
	for _ in $(seq "$2"); do [ "$(out "$LIB/net.py" udp $POD4 "$1")" = ok ] && n=$((n + 1)); done
	echo $n
}

make_pod
configure
vendor
start_nginx app 8080 8082 8083
in_app "$LIB/limits.py" sink 8081 "$T/sunk"
certificate
in_app "$LIB/limits.py" tls 8443 "$T/cert.pem" "$T/key.pem"
in_app "$LIB/net.py" echo-udp 5300 5301 5302
eventually 10 listens pod 8443 && eventually 10 listens pod 8081 || bail "servers" "$(cat "$T/background.log")"
agent_start
portlic gate add pod --cgroup "$CG/plc$$-app" > "$T/out" 2>&1 || bail "gate add" "$(cat "$T/out")"
drop rate.lic '"lid":"rate"' '"jti":"a"' '"ports":[{"port":8080,"rate":{"connections":50,"per":1,"burst":10}},
	{"port":5300,"protocol":"UDP","rate":{"connections":1,"per":3600,"burst":3}}]'
drop quota.lic '"lid":"quota"' '"jti":"b"' "\"ports\":[{\"port\":8081,\"quota\":{\"bytes\":4000000,$BLOCK}},
	{\"port\":8082,\"quota\":{\"connections\":20,$BLOCK}},{\"port\":8083,\"quota\":{\"connections\":10,\"window\":3600}},
	{\"port\":5301,\"protocol\":\"UDP\",\"quota\":{\"connections\":3,$BLOCK}}]"
drop tls.lic '"lid":"tls"' '"jti":"c"' '"ports":[{"port":8443,"tls":true}]'
in_force() { [ "$(port 8080 'p["rate"]["burst"]')$(quota 8081 '["limit"]["bytes"]')$(port 8443 'p["tls"]')" = 104000000True ]; }
check "licenses are in force" eventually 10 in_force
warned() { portlic status -o json | json 'sum("seats" in w for w in d["warnings"])'; }
is "... and all of them is enforced: no warning" "$(warned)" 0

# --- rate: 50 a second and 10 at once; 100 a second come
paced "rate, at twice of it" 5 knock
between "... the others are denied for it" "$(port 8080 'p["denied"]["rate"]')" 200 1300
is "rate of UDP: as many flows as it says" "$(asks 5300 6)" 3
is "... the others are denied for it" "$(port 5300/udp 'p["denied"]["rate"]')" 3

# --- quota of connections: 20; 40 come
is "connections, at twice of them: as many as are given" "$(knocks $POD4 8082 40 1)" 20
is "... shown" "$(quota 8082 '["used"], p["quota"]["over"]')" "({'connections': 20}, True)"
is "... the others are denied for it" "$(port 8082 'p["denied"]["quota"]')" 20
is "... over lo too" "$(pod "$LIB/limits.py" knock 127.0.0.1 8082 10 0.5 | cut -d' ' -f1)" 0
is "a quota that reports lets all in" "$(knocks $POD4 8083 20 1)" 20
is "... and counts what is over" "$(port 8083 'p["connections"]["allowed"], p["connections"]["audit"], p["quota"]["used"]["connections"]')" "(10, 10, 20)"
is "of UDP flows" "$(asks 5301 6)" 3
is "... shown" "$(port 5301/udp 'p["quota"]["used"]["connections"], p["connections"]["allowed"]')" "(3, 3)"
# --- of bytes: 4 MB; 8 MB come. Nobody resets the connection: it stalls.
is "bytes, at twice of them: the connection stalls" "$(load upload $POD4 8081 8000000)" timeout
between "... what got in" "$(cat "$T/sunk")" 3600000 4065536
is "... new connections are refused" "$(knocks $POD4 8081 10 0.3)" 0
between "... shown" "$(quota 8081 '["used"]["bytes"]')" 4000000 4066000

# --- TLS
is "TLS gets through" "$(load hello $POD4 8443 '')" hello
for split in 1 1,2,3,4,5,6 100; do is "a ClientHello cut behind byte $split" "$(load hello $POD4 8443 $split)" hello; done
is "plaintext doesn't" "$(load say $POD4 8443 'GET / HTTP/1.1')" timeout
is "... over lo neither" "$(pod "$LIB/limits.py" say 127.0.0.1 8443 'GET / HTTP/1.1')" timeout
is "... and TLS does" "$(pod "$LIB/limits.py" hello 127.0.0.1 8443 '')" hello
is "plaintext behind a second SYN, which the stack ignores" "$(load resyn $POD4 8443 'GET / HTTP/1.1')" timeout
between "counted as plaintext" "$(port 8443 'p["denied"]["plaintext"]')" 3 60

# --- the agent is killed: all of it holds
agent_end KILL
is "agent dead: the quotas hold" "$(knocks $POD4 8081 10 0.3) $(knocks $POD4 8082 10 0.3)" "0 0"
paced "... the rate" 3 knock
is "... TLS" "$(load say $POD4 8443 'GET / HTTP/1.1') $(load hello $POD4 8443 '')" "timeout hello"
agent_start
up() { portlic gate list -o json | json 'd[0]["state"]' | grep -q attached; }
check "it is back" eventually 10 up
is "... the quotas hold" "$(knocks $POD4 8081 10 0.3) $(knocks $POD4 8082 10 0.3)" "0 0"

# --- what isn't enforced is said
drop seats.lic '"lid":"seats"' '"jti":"d"' '"seats":1' '"ports":[{"port":8090},{"port":5302,"protocol":"UDP"}]'
seats() { [ "$(port 8090 'p["seats"]["limit"]')" = 1 ]; }
check "a license with seats is in force" eventually 10 seats
has "status says which aren't enforced" "$(portlic status)" \
	'NOT ENFORCED: gate "pod": seats of 5302/UDP: a cgroup'"'"'s gate counts no clients of UDP and SCTP; put the gate on'
has "... and which are by the agent" "$(portlic status)" 'gate "pod": seats of 8090/TCP are given and freed by the agent, once a second'
is "... of UDP nobody is held to them" "$(asks 5302 2)" 2
