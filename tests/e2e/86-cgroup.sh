#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# A gate on a cgroup: processes in a namespace that has no gate, as those of the host itself are.
. "$(dirname "$0")/lib.sh"
need nginx redis-server redis-cli dnsmasq dig nft bpftool

root=/sys/fs/cgroup
[ "$(stat -fc %T $root)" = cgroup2fs ] || root=$root/unified
[ "$(stat -fc %T $root 2> /dev/null)" = cgroup2fs ] || skip_all "no cgroup version 2"
CGROUP=$root/portlic-e2e-$$
mkdir -p "$CGROUP/app/worker" 2> /dev/null || skip_all "can't make a cgroup in $root"
# shellcheck disable=SC2034 # lib.sh takes them away
CGROUPS=("$CGROUP/app/worker" "$CGROUP/app" "$CGROUP")
APP=portlic-e2e-$$/app
cat > "$T/join" << 'S'
#!/bin/sh
echo $$ > "$1/cgroup.procs" && shift && exec "$@"
S
chmod +x "$T/join"
grp() { "$T/join" "$CGROUP/app" nsenter --net="/run/netns/$POD" "$@"; }
in_grp() { background "$T/join" "$CGROUP/app" nsenter --net="/run/netns/$POD" "$@"; }
in_worker() { background "$T/join" "$CGROUP/app/worker" nsenter --net="/run/netns/$POD" "$@"; }
tcp() { out "$LIB/net.py" tcp "$@"; }
state() { portlic gate list -o json | json 'd[0]["state"]'; }

pulse
make_pod
configure
vendor
start_nginx grp 8080 9090
in_grp redis-server --port 6379 --bind 0.0.0.0 :: --protected-mode no --save '' --dir "$T"
in_grp "$LIB/net.py" echo-udp 5300 5400
in_worker "$LIB/net.py" echo-tcp 7070
in_pod "$LIB/net.py" echo-tcp 7000 # of another process, on the same host
start_nginx out 80
in_out "$LIB/net.py" echo-udp 4000
in_out dnsmasq --keep-in-foreground --no-resolv --no-hosts --pid-file= --listen-address=$OUT4 --bind-interfaces --address=/shop.test/192.0.2.7
eventually 10 listens grp 7000 && eventually 10 listens grp 7070 && eventually 10 listens grp 6379 || bail "servers" "$(cat "$T/background.log")"
agent_start

# what is no cgroup to gate
is "--netns and --cgroup together: usage" "$(portlic gate add x --netns "$POD" --cgroup "$APP" > "$T/out" 2>&1; echo $?)" 2
is "the root of all cgroups is refused" "$(portlic gate add x --cgroup "$root" > "$T/out" 2>&1; echo $?)" 2
has "... for that would cut the node off" "$(cat "$T/out")" "would cut the node off"
is "a directory that is no cgroup is refused" "$(portlic gate add x --cgroup "$T" > "$T/out" 2>&1; echo $?)" 2
has "... with what would be one" "$(cat "$T/out")" "is not a cgroup of version 2: name a directory below \"$root\""
is "a cgroup that isn't there is refused" "$(portlic gate add x --cgroup nope$$ > "$T/out" 2>&1; echo $?)" 2
has "... by name" "$(cat "$T/out")" "$root/nope$$"

is "before the gate 9090 is open" "$(tcp $POD4 9090)" ok
out "$LIB/net.py" hold $POD4 9090 20 > "$T/stood" 2>&1 &
PIDS+=($!)
eventually 10 has_clients 9090 || bail "a connection to 9090"
check "a gate is put up, the cgroup named below the root" portlic gate add pod --cgroup "$APP"
drop app.lic '"ports":[{"port":8080},{"port":5300,"protocol":"UDP"}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens" "$(cat "$T/agent.log")"
is "a connection that stood on 9090 is drained" "$(port 9090 'p["state"]')" draining
is "gate list: its place" "$(portlic gate list -o json | json 'd[0]["netns"], d[0]["cgroup"], d[0]["hooks"]')" \
	"None $CGROUP/app ['host', 'bind', 'egress', 'ledger']"
has "... and that it can only drop" "$(portlic gate list)" "host(drops)"

# listeners
for addr in $POD4 $POD6; do
	is "$addr: the licensed port is open" "$(out curl -sg -m 2 "http://$([ $addr = $POD4 ] && echo $addr || echo "[$addr]"):8080/port")" "port 8080"
	is "$addr: 9090 is denied" "$(tcp $addr 9090)" timeout
	is "$addr: redis is denied" "$(tcp $addr 6379)" timeout
done
for addr in 127.0.0.1 ::1 $POD4; do
	is "lo, $addr: the licensed port is open" "$(pod "$LIB/net.py" tcp $addr 8080)" ok
	is "lo, $addr: 9090 is denied" "$(pod "$LIB/net.py" tcp $addr 9090)" timeout
done
is "a cgroup below it is covered, too" "$(tcp $POD4 7070)" timeout
is "UDP: the licensed port answers" "$(out "$LIB/net.py" udp $POD4 5300)" ok
is "... another doesn't" "$(out "$LIB/net.py" udp $POD4 5400)" timeout
is "a process outside the cgroup is none of its business" "$(tcp $POD4 7000)" ok
pod nft -f - << 'N'
table ip redirected {
	chain in {
		type nat hook prerouting priority -100
		tcp dport 8081 redirect to :9090
		tcp dport 8088 redirect to :8080
	}
}
N
is "redirected to 9090: denied by the port that the socket has" "$(tcp $POD4 8081)" timeout
is "... to 8080: open" "$(tcp $POD4 8088)" ok

# what the processes do themselves
is "their own TCP" "$(grp curl -s -m 2 http://$OUT4/small)" small
is "their own UDP, connected" "$(grp "$LIB/net.py" udp $OUT4 4000)" ok
is "... and not" "$(grp "$LIB/net.py" udp-unbound $OUT4 4000)" ok
is "their own DNS" "$(grp dig +short +timeout=2 +tries=1 @$OUT4 shop.test)" 192.0.2.7
cat > "$T/answer.py" << 'P'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", socket.inet_aton("224.0.0.251"), socket.inet_aton(sys.argv[1])))
while True:
    data, who = s.recvfrom(64)
    s.sendto(data, who)
P
in_out python3 "$T/answer.py" $OUT4
eventually 10 sh -c "nsenter --net=/run/netns/$OUT ss -Hlun 'sport = :5353' | grep -q ."
is "their question to a group, by whoever answers" "$(grp "$LIB/net.py" udp-unbound 224.0.0.251 5353)" ok
pod nft -f - << N
table ip service {
	chain out {
		type nat hook output priority -100
		ip daddr 10.96.0.10 dnat to $OUT4
	}
}
N
is "... by the address of a service, which NAT leads on" "$(grp dig +short +timeout=2 +tries=1 @10.96.0.10 shop.test)" 192.0.2.7
is "... also unconnected" "$(grp "$LIB/net.py" udp-unbound 10.96.0.10 4000)" ok
is "their own clients of one another's licensed port" "$(grp curl -s -m 2 http://127.0.0.1:8080/port)" "port 8080"

# bind
binds() { grp python3 -c 'import socket, sys
s = socket.socket(*{"tcp": (2, 1), "tcp6": (10, 1), "udp": (2, 2), "udp6": (10, 2)}[sys.argv[1]][:2])
try:
    s.bind(("", int(sys.argv[2]))); print("ok")
except OSError as e:
    print(e.strerror)' "$@"; }
for what in tcp tcp6 udp udp6; do is "bind to 9999, $what" "$(binds $what 9999)" "Operation not permitted"; done
is "bind to no port in particular" "$(binds tcp 0)" ok
is "binds are counted" "$(metric portlic_gate_binds_total 'gate="pod"' 'verdict="denied"')" 4
portlic gate set pod --mode audit > "$T/out"
is "audit: the bind is let through" "$(binds tcp 9999)" ok
is "... and 9090 is" "$(tcp $POD4 9090)" ok
is "... both counted as that" "$(metric portlic_gate_binds_total 'verdict="audit"') $(port 9090 'p["connections"]["audit"]')" "1 1"
portlic gate set pod --mode enforce > "$T/out"
is "enforced again" "$(tcp $POD4 9090)" timeout

# counters
before=$(port 8080 'p["connections"]["allowed"]')
for _ in 1 2 3; do tcp $POD4 8080 > "$T/out"; done
is "connections are counted" "$(($(port 8080 'p["connections"]["allowed"]') - before))" 3
is "... of what was denied, why" "$(port 6379 'p["denied"]["unlicensed"] >= 2, p["connections"]["allowed"]')" "(True, 0)"
is "an event tells of it" "$(portlic observe --port 6379 -o json | json '(lambda e: " ".join(map(str, (e["hook"], e["reason"], e["real_port"], e["verdict"]))))(d[-1])')" \
	"host unlicensed 6379 denied"
is "explain: a licensed port" "$(portlic explain pod 8080 -o json | json 'd["verdict"], d["hook"]')" "allowed None"
is "... another one, from anywhere" "$(portlic explain pod 9999 --from 192.0.2.9 -o json | json 'd["verdict"], d["reason"], d["hook"]')" "denied unlicensed host"
is "unlicensed listeners are the cgroup's own" \
	"$(portlic gate list -o json | json 'sorted((x["port"], x["protocol"]) for x in d[0]["unlicensed_listeners"])')" \
	"[(5400, 'UDP'), (6379, 'TCP'), (7070, 'TCP'), (9090, 'TCP')]"
check "check passes: each listener is probed" portlic check
has "... and says what the hook can't do" "$(portlic check)" "it can only drop"

# its end, by the clock
end=$(in_s 6)
drop redis.lic '"lid":"redis"' '"jti":"r"' "\"exp\":$end" '"lapse":"block"' '"ports":[{"port":6379}]'
[ "$(out "$LIB/net.py" wait ok $POD4 6379 10)" != never ] || bail "6379 opens"
is "redis answers while its license lasts" "$(out timeout 2 redis-cli -h $POD4 ping)" PONG
out "$LIB/net.py" idle $POD4 6379 11 > "$T/idle" 2>&1 &
PIDS+=($!) idle=$!
eventually 10 has_clients 6379 || bail "a connection to 6379"
agent_end KILL
when=$(out "$LIB/net.py" wait timeout $POD4 6379 15)
promptly "the agent is dead: closed on time" "$(since "$end" "$when")" 1.5 -0.5
agent_start
wait $idle
is "... and with one alive again the connection that stood is reset" "$(cut -d' ' -f1 "$T/idle")" reset
is "the gate was adopted" "$(grep -c 'gate_adopted' "$T/agent.log")" 1
is "... with its counters" "$(port 8080 "p['connections']['allowed'] >= $before + 3")" True
drop redis.lic '"lid":"redis"' '"jti":"r2"' '"seq":2' '"ports":[{"port":6379}]'
[ "$(out "$LIB/net.py" wait ok $POD4 6379 10)" != never ] && ok "renewed: open again" || not_ok "renewed: open again" "$(cat "$T/agent.log")"

# taken off, and gone
bpftool link detach pinned "$T/bpf/portlic/gates/pod/host" || bail "bpftool link detach"
start=$(now)
check "a link that was taken off is put back" eventually 10 grep -q 'attachment_lost.*hook="host"' "$T/agent.log"
promptly "... within 1 s" "$(since "$start")" 1
is "... and counted" "$(metric portlic_attachment_lost_total 'hook="host"')" 1
is "... 9090 is denied" "$(tcp $POD4 9090)" timeout
kill "${PIDS[@]}" 2> /dev/null
eventually 10 rmdir "$CGROUP/app/worker" && unset 'CGROUPS[0]'
check "its processes have ended: the cgroup goes" eventually 10 rmdir "$CGROUP/app"
check "... and the gate waits" eventually 10 eval '[ "$(state)" = waiting ]'
has "... and says for what" "$(portlic gate list -o json)" "the cgroup is gone"
mkdir "$CGROUP/app"
check "a cgroup of that name comes: so does the gate" eventually 10 eval '[ "$(state)" = attached ]'
start_nginx grp 8080
is "... the licensed port is open" "$(tcp $POD4 8080)" ok
is "... and 9090 can't be bound" "$(binds tcp 9090)" "Operation not permitted"
check "the gate is deleted" portlic gate del pod
is "... 9999 can be bound" "$(binds tcp 9999)" ok
is "... and no pin is left" "$(find "$T/bpf/portlic/gates" -mindepth 1 | wc -l)" 0
portlic gate add pod --cgroup "$CGROUP/app" > "$T/out" 2>&1 || not_ok "a gate, the cgroup named by its path" "$(cat "$T/out")"
agent_end TERM
is "the agent has ended: the gate stands" "$(binds tcp 9999)" "Operation not permitted"
rm "$T/state/gates.json"
agent_start
is "its state was lost: the pins tell the cgroup" "$(portlic gate list -o json | json 'd[0]["cgroup"], d[0]["state"]')" "$CGROUP/app attached"
portlic gate del pod > "$T/out"
is "... and it can be deleted" "$(binds tcp 9999)" ok
