#!/bin/bash
# SPDX-License-Identifier: MIT
# Rate, quota and TLS of licenses and policies: each holds at twice its load, with the agent dead too; quotas
# outlive the agent, the pod and the node.
. "$(dirname "$0")/lib.sh"
. "$LIB/limits.sh"
need nginx openssl


setup
start_nginx pod 8080 8082 8083 8084 8086 8445
in_pod "$LIB/limits.py" sink 8081 "$T/sunk"
certificate
in_pod openssl s_server -accept 8444 -key "$T/key.pem" -cert "$T/cert.pem" -rev
in_pod "$LIB/limits.py" tls 8443 "$T/cert.pem" "$T/key.pem"
eventually 10 listens pod 8444 || bail "openssl s_server"
eventually 10 listens pod 8443 || bail "a TLS server"
drop rate.lic '"lid":"rate"' '"jti":"a"' '"ports":[{"port":8080,"rate":{"connections":50,"per":1,"burst":10}},{"port":8084}]'
drop quota.lic '"lid":"quota"' '"jti":"b"' "\"ports\":[{\"port\":8081,\"quota\":{\"bytes\":4000000,$BLOCK}},
	{\"port\":8082,\"quota\":{\"connections\":20,$BLOCK}},{\"port\":8083,\"quota\":{\"connections\":10,\"window\":3600}}]"
drop tls.lic '"lid":"tls"' '"jti":"c"' '"ports":[{"port":8443,"endPort":8444,"tls":true}]'
drop late.lic '"lid":"late"' '"jti":"d"' '"ports":[{"port":8445}]'
echo '{"name":"p","match":{"gates":["pod"]},"ports":[{"port":8084,"rate":{"connections":1,"per":3600,"burst":5}},{"port":8086,"tls":true}]}' \
	> "$T/policies.d/p.json"
drop plain.lic '"lid":"plain"' '"jti":"e"' '"ports":[{"port":8086}]'
opens() { [ "$(load connect $POD4 8445 1)" = 1 ] && [ "$(port 8084 'p["rate"]["burst"]')" = 5 ] && [ "$(port 8086 'p["tls"]')" = True ]; }
check "licenses and policy are in force" eventually 10 opens

# --- rate: 50 a second and 10 at once; 100 a second come
paced "rate, at twice of it" 5 pace
between "... the others are denied for it" "$(port 8080 'p["denied"]["rate"]')" 200 1300
is "... shown" "$(port 8080 'p["rate"]["per_second"], p["rate"]["burst"]')" "(50, 10)"
is "a policy's rate: as many as it says" "$(load connect $POD4 8084 10)" 5

# --- quota of bytes: 4 MB; 8 MB come. The packet that goes over it may be a merged one.
is "bytes, at twice of them: reset" "$(load upload $POD4 8081 8000000)" reset
between "... what got in" "$(cat "$T/sunk")" 3600000 4065536
is "... new connections are refused" "$(load connect $POD4 8081 3)" 0
between "... shown" "$(quota 8081 '["used"]["bytes"]')" 4000000 4066000
is "... as used up" "$(quota 8081 '["over"], p["quota"]["blocks"], p["quota"]["limit"]')" "(True, True, {'bytes': 4000000})"
has "... to people" "$(portlic port show pod 8081)" "USED UP: refused"
# --- of connections: 20; 40 come
is "connections, at twice of them: as many as are given" "$(load connect $POD4 8082 40)" 20
is "... shown" "$(quota 8082 '["used"], p["quota"]["over"]')" "({'connections': 20}, True)"
is "... and in the metrics" "$(metric portlic_port_quota_used 'port="8082"' 'unit="connections"') of $(metric portlic_port_quota_limit 'port="8082"')" "20 of 20"
is "a quota that reports lets all in" "$(load connect $POD4 8083 20)" 20
is "... and counts what is over" "$(port 8083 'p["connections"]["allowed"], p["connections"]["audit"], p["quota"]["used"]["connections"]')" "(10, 10, 20)"
has "... says so" "$(portlic port show pod 8083)" "USED UP: reported"

# --- explain asks the twin, which takes nothing
why() { portlic explain pod "$1" --from $OUT4 -o json | json 'd["verdict"], d["reason"]'; }
is "explain: the quota is used up" "$(why 8082)" "denied quota"
is "... over one that reports" "$(why 8083)" "audit quota"
is "... the rate is used up" "$(why 8084)" "denied rate"
sleep 0.5
for _ in 1 2 3; do why 8080 > "$T/out"; done
is "... and where it isn't, nothing is taken" "$(cat "$T/out")$(load connect $POD4 8080 10)" "allowed None10"

# --- TLS
tls() { { echo hello; sleep 0.5; } | out timeout 5 openssl s_client -connect $POD4:8444 -quiet 2> /dev/null; }
is "TLS gets through" "$(tls)" olleh
is "plaintext is reset" "$(load say $POD4 8443 'GET / HTTP/1.1')" reset
none() { [ "$(pod ss -Htn state all "sport = :8443" | grep -cv LISTEN)" = 0 ]; }
check "... and its server's end is, too" eventually 10 none
is "... over lo too" "$(pod "$LIB/limits.py" say 127.0.0.1 8443 'GET / HTTP/1.1')" reset
is "... and TLS is not" "$(pod "$LIB/limits.py" hello 127.0.0.1 8443 '')" hello
for split in 1 1,2,3,4,5,6 5 6 100; do is "a ClientHello cut behind byte $split" "$(load hello $POD4 8443 $split)" hello; done
is "plaintext behind a second SYN, which the stack ignores" "$(load resyn $POD4 8443 'GET / HTTP/1.1')" reset
between "counted as plaintext" "$(port 8443 'p["denied"]["plaintext"]')" 2 20
is "demanded by a policy" "$(load say $POD4 8086 'GET / HTTP/1.1')" reset

# Connections that stand when it begins to be demanded, and one whose entry is lost.
stands() { grep -q stands "$T/$1"; }
stand() { # stand FILE PORT TEXT
	mkfifo "$T/$1.fifo"
	out "$LIB/limits.py" stand $POD4 "$2" "$T/$1.fifo" "$3" > "$T/$1" 2>&1 &
	PIDS+=($!)
	eventually 10 stands "$1" || bail "a connection stands" "$(cat "$T/$1")"
}
ends() { # ends FILE WORD
	echo go > "$T/$1.fifo"
	eventually 10 grep -qx "$2" "$T/$1"
}
GET=$'GET /port HTTP/1.1\r\nHost: x\r\n\r\n'
stand spoke 8445 "+$GET"
stand silent 8445 "$GET"
drop late.lic '"lid":"late"' '"jti":"f"' '"seq":2' '"ports":[{"port":8445,"tls":true}]'
demanded() { [ "$(port 8445 'p["tls"]')" = True ]; }
check "TLS begins to be demanded" eventually 10 demanded
is "... of new connections" "$(load say $POD4 8445 "$GET")" reset
check "... one that has spoken goes on" ends spoke answer
check "... one that hasn't has to begin with TLS" ends silent reset
hellos() { bpftool -j map dump pinned "$T/bpf/portlic/maps/plic_hellos" | json 'sum(int(b, 16) << 8 * i for i, b in enumerate(d[0]["value"]))'; }
{ echo first; sleep 2; echo second; } | out timeout 8 openssl s_client -connect $POD4:8444 -quiet > "$T/long" 2> /dev/null &
PIDS+=($!)
check "a TLS connection stands" eventually 10 grep -q tsrif "$T/long"
lose() { # all entries of the gate's table, which acknowledgements may bring back at once
	local id key
	id=$(hellos)
	bpftool -j map dump id "$id" | json '"\n".join(" ".join(e["key"]) for e in d)' > "$T/keys"
	[ -s "$T/keys" ] || return 1
	while read -r -a key; do bpftool map delete id "$id" key "${key[@]}" || return 1; done < "$T/keys"
}
check "... its entry is lost" lose
check "... and made anew from its socket" eventually 10 grep -q dnoces "$T/long"

# --- the agent is killed: all of it holds
agent_end KILL
is "agent dead: the quotas hold" "$(load connect $POD4 8081 3) $(load connect $POD4 8082 3)" "0 0"
paced "... the rate" 3 pace
is "... TLS" "$(load say $POD4 8443 'GET / HTTP/1.1') $(tls)" "reset olleh"
agent_start
up() { portlic gate list -o json | json 'd[0]["state"]' | grep -q attached; }
same() { # same TEXT: used up is used up
	check "$1: the gate is up" eventually 10 up
	is "... refuses by" "$(load connect $POD4 8082 2; port 8082 'p["denied"].get("quota", 0) > 0')" $'0\nTrue'
	is "... the quotas hold" "$(load connect $POD4 8081 3) $(load connect $POD4 8082 3)" "0 0"
	is "... shown" "$(quota 8082 '["used"]["connections"]') $(quota 8083 '["used"]["connections"]')" "20 20"
}
opens_8084() { [ "$(load connect $POD4 8084 1)" = 1 ]; }
same "it is back"
agent_end TERM
agent_start
same "the agent was restarted"
agent_end TERM
echo '{"quotas":[' > "$T/state/usage.json"
agent_start
has "torn usage: an alarm" "$(portlic status)" "usage.json"
is "torn usage: the quotas hold" "$(load connect $POD4 8081 3) $(load connect $POD4 8082 3)" "0 0"
portlic gate del pod > "$T/out" && gate_up
same "the gate was taken down and put up"

# --- the pod is another one
kill -KILL "${PIDS[@]}" 2> /dev/null
PIDS=()
ip netns del "$POD" && ip netns del "$OUT"
waits() { [ "$(portlic gate list -o json | json 'd[0]["state"]')" = waiting ]; }
check "the pod is gone" eventually 10 waits
make_pod
start_nginx pod 8080 8082 8083 8084
in_pod "$LIB/limits.py" sink 8081 "$T/sunk2"
check "... and another one comes" eventually 10 opens_8084
same "the pod was restarted"

# --- the node: nothing is pinned any more
agent_end TERM
umount "$T/bpf" && mount -t bpf bpf "$T/bpf" || bail "a new bpffs"
agent_start
check "another boot of the node" eventually 10 opens_8084
same "the node was restarted"
