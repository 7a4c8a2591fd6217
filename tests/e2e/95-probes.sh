#!/bin/bash
# SPDX-License-Identifier: MIT
# The kubelet's probes get in, told by the connections of its own cgroup; the outside plays the node. Other processes
# of the node, and what it masquerades, have the same address and don't. Where no cgroup tells: a budget.
. "$(dirname "$0")/lib.sh"
need nginx curl nft bpftool

new_cgroup kubelet && new_cgroup other && new_cgroup app || skip_all "no cgroup v2 to write to"
KUBELET=/plc$$-kubelet
make_pod
start_nginx pod 8080 8443 9090 9091
in_pod "$LIB/net.py" echo-tcp 7070
eventually 10 listens pod 7070 || bail "a server" "$(cat "$T/background.log")"
configure
setup_kubelet() { # setup_kubelet CGROUP
	python3 - "$T/portlicd.json" "$1" "$OUT4" << 'P'
import json, sys
config = json.load(open(sys.argv[1]))
config["origins"] = {"node": [sys.argv[3] + "/32", "fd77::1/128"]}
config["kubernetes"] = {"api": "https://127.0.0.1:1", "node": "n1", "kubelet_cgroup": sys.argv[2]} # no server there
json.dump(config, open(sys.argv[1], "w"))
P
}
setup_kubelet system.slice/kubelet.service
is "kubelet_cgroup: a path that isn't absolute is refused" "$("$BUILD/portlicd" --config "$T/portlicd.json" > "$T/out" 2>&1; echo $?)" 2
has "... by name" "$(cat "$T/out")" '"kubelet_cgroup"'
setup_kubelet "$KUBELET"
cat > "$T/policies.d/pod.json" << 'J'
{"name": "pod", "match": {"gates": ["pod"]},
 "open": [{"port": 9090, "from": [{"origin": ["probe"]}]}, {"port": 8080, "from": [{"origin": ["probe"]}]},
          {"port": 8443, "from": [{"origin": ["probe"]}]}, {"port": 7070, "from": [{"origin": ["probe"]}]}],
 "ports": [{"port": 8080, "from": [{"cidr": "192.0.2.0/24"}]},
           {"port": 8443, "seats": 1, "rate": {"connections": 1, "per": 3600, "burst": 1}, "tls": true}]}
J
vendor
agent_start
gate_up
drop app.lic '"ports":[{"port":8080},{"port":8443}]'

# as CGROUP COMMAND...: on the node, in that cgroup
as() {
	joining "$1"
	"${JOIN[@]}" nsenter --net="/run/netns/$OUT" "${@:2}"
}
probe() { # probe CGROUP PORT [ADDR]: as the kubelet asks by HTTP
	as "$1" curl -sg -m 2 -o /dev/null -w '%{http_code}' "http://${3:-$POD4}:$2/port"
}
told() { portlic status -o json | json 'd["probes"]["told"], d["probes"]["cgroup"]'; }
is_told() { [ "$(told)" = "cgroup $CG$KUBELET" ]; }
gets_in() { [ "$(probe kubelet "$1")" = 200 ]; }
probes_counted() { port "$1" 'p["origins"].get("probe", 0)'; }

# --- by the kubelet's cgroup
check "the kubelet's cgroup is found" eventually 10 is_told
has "... status says so" "$(portlic status)" "by the kubelet's cgroup $CG$KUBELET"
is "... and warns of nothing" "$(portlic status -o json | json 'sum("probes" in w for w in d["warnings"])')" 0
check "a probe of a port without a license gets in" eventually 10 gets_in 9090
before=$(probes_counted 9090)
is "... over and over, IPv4 and IPv6" "$(for _ in 1 2 3 4 5; do probe kubelet 9090; probe kubelet 9090 "[$POD6]"; done)" \
	"$(printf '200%.0s' {1..10})"
is "... counted as probes" "$(($(probes_counted 9090) - before))" 10
is "... as a metric" "$(metric portlic_port_origin_connections_total 'port="9090"' 'origin="probe"')" "$(probes_counted 9090)"
is "... and as nothing denied" "$(port 9090 'p["connections"]["denied"], p["packets"]["denied"]')" "(0, 0)"
is "one to a port that isn't probed is refused" "$(probe kubelet 9091)" 000
is "another process of the node, same address: refused" "$(probe other 9090) $(out "$LIB/net.py" tcp $POD4 9090)" "000 refused"
is "... also with IPv6" "$(probe other 9090 "[$POD6]")" 000
is "... as unlicensed, not as a probe" "$(port 9090 'sorted(p["denied"])')" "['unlicensed']"
is "from inside the pod: no process is the kubelet" \
	"$(in_cgroup app "$LIB/net.py" tcp 127.0.0.1 9090) $(in_cgroup kubelet "$LIB/net.py" tcp $POD4 9090)" "refused refused"
is "a port that the policy narrows: the probe, not the node" "$(probe kubelet 8080) $(probe other 8080)" "200 000"
is "a port with a seat, a rate and TLS: as many probes as may be" "$(for _ in 1 2 3 4 5; do probe kubelet 8443; done)" 200200200200200
is "... hold no seat" "$(metric portlic_port_seats 'port="8443"')" 0
out "$LIB/net.py" idle $POD4 8443 20 > "$T/idle" &
PIDS+=($!)
eventually 10 has_clients 8443
is "... and get in when a client has taken it all" "$(probe kubelet 8443) $(probe other 8443)" "200 000"

# --- explained
explained() { portlic explain pod "$@" -o json | json 'd["verdict"], d["reason"]'; }
is "explain --origin probe: allowed" "$(explained 9090 --origin probe)" "allowed None"
is "... not on another port" "$(explained 9091 --origin probe)" "denied unlicensed"
is "... nor is the node" "$(explained 9090 --origin node)" "denied unlicensed"

# --- what the node masquerades
ip netns add "plx$$-far" && ip link add far netns "plx$$-far" type veth peer name plf$$ netns "$OUT" || bail "a namespace"
ip -n "plx$$-far" addr add 10.78.0.2/24 dev far && ip -n "plx$$-far" link set far up
ip -n "plx$$-far" route add default via 10.78.0.1
out ip addr add 10.78.0.1/24 dev plf$$ && out ip link set plf$$ up
out sysctl -qw net.ipv4.ip_forward=1
out nft -f - << N || bail "nft"
table ip node {
	chain post { type nat hook postrouting priority srcnat; ip saddr 10.78.0.0/24 masquerade; }
}
N
far() { nsenter --net="/run/netns/plx$$-far" "$LIB/net.py" tcp $POD4 "$1"; }
is "masqueraded traffic from elsewhere has the node's address and is refused" "$(far 9090)" refused
is "... for the same reason" "$(port 9090 'sorted(p["denied"])')" "['unlicensed']"

# --- the license goes
drop app.lic '"seq":2' '"ports":[{"port":8443}]'
goes() { [ "$(port 8080 'p["state"]')" = draining ]; }
check "a license goes" eventually 10 goes
is "... its port stays probed" "$(probe kubelet 8080) $(probe kubelet 8443)" "200 200"

# --- another cgroup of the same name, as after a restart of the service
rmdir "$CG$KUBELET" && mkdir "$CG$KUBELET" || bail "the kubelet's cgroup"
check "the kubelet started again is known within a second or two" eventually 10 gets_in 9090

# --- the agent killed
agent_end KILL
is "the agent killed: probes get in" "$(probe kubelet 9090) $(probe kubelet 8443)" "200 200"
is "... other processes don't" "$(probe other 9090) $(far 9090)" "000 refused"

# --- no cgroup tells
setup_kubelet /
agent_start
guesses() { [ "$(told)" = "budget None" ]; }
check "where the kubelet is at the top of the hierarchy, a budget tells" eventually 10 guesses
has "... status warns of it, with the reason" "$(portlic status -o json | json '[w for w in d["warnings"] if "probes" in w]')" "top of the hierarchy"
has "... and says it" "$(portlic status)" "by a budget"
is "... a probe gets in from wherever it is" "$(probe kubelet 9090) $(probe other 9090)" "200 200"
cat > "$T/burst.py" << 'P'
import socket, sys
def ok():
    try:
        return bool(socket.create_connection((sys.argv[1], int(sys.argv[2])), 1))
    except OSError:
        return False
print(sum(ok() for _ in range(30)))
P
between "... of 30 at once those within it" "$(out python3 "$T/burst.py" $POD4 7070)" 10 12
is "... the rest is denied by its origin" "$(port 7070 'sorted(p["denied"])')" "['origin']"
is "... not what comes from elsewhere" "$(SOURCE=10.78.0.1 out "$LIB/net.py" tcp $POD4 9091)" refused
is "... \`portlic check\` doesn't mistake its own knocks for a hole" \
	"$(portlic check -o json | json 'd["ok"], sum("passes for one" in r["text"] for r in d["results"])')" "True 1"
cat > "$T/send.py" << 'P'
import socket, sys, time
for _ in range(20):  # the budget may be used up at first
    try:
        s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)
        break
    except OSError:
        time.sleep(0.3)
s.settimeout(2)
echoed = 0
try:
    for _ in range(200):
        s.sendall(b"x" * 1000)
        while echoed % 1000 or not echoed or echoed < (_ + 1) * 1000:
            data = s.recv(1000)
            if not data: raise OSError
            echoed += len(data)
except OSError:
    pass
print(echoed // 1000)
P
between "... with 64 KiB each, then it is cut" "$(out python3 "$T/send.py" $POD4 7070)" 30 65
