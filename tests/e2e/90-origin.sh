#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Whom `from` admits: on lo by the cgroup that sends, elsewhere by the address; TCP and UDP, through NAT, with the
# agent killed and started again.
. "$(dirname "$0")/lib.sh"
need nft bpftool

new_cgroup app && new_cgroup side && new_cgroup engine && new_cgroup late || skip_all "no cgroup v2 to write to"
new_cgroup units && new_cgroup units/containerd.service && new_cgroup app/worker || bail "cgroups"
make_pod
for n in 3 70 200; do out ip addr add 10.77.0.$n/24 dev "$VETH"; done
for n in 3 70 200; do out ip addr add fd77::$n/64 dev "$VETH" nodad; done
out ip addr add fd77:1::1/128 dev "$VETH" nodad
pod ip route add fd77:1::/64 via $OUT6
configure
python3 - "$T/portlicd.json" "$$" << 'P'
import json, sys
config = json.load(open(sys.argv[1]))
config["origins"] = {"node": ["10.77.0.3/32", "fd77::3/128"], "pod": ["10.77.0.64/26", "fd77::70/124"], "runtime": [f"/plc{sys.argv[2]}-eng*"]}
json.dump(config, open(sys.argv[1], "w"))
P
cat > "$T/policies.d/shop.json" << 'J'
{"name": "shop", "match": {"gates": ["pod"]},
 "open": [{"port": 6379, "from": [{"origin": ["same-container", "sibling"]}]},
          {"port": 6380, "from": [{"origin": ["same-container"]}]},
          {"port": 6381, "from": [{"origin": ["same-container"]}]},
          {"port": 7001, "from": [{"origin": ["runtime"]}]},
          {"port": 7002, "from": [{"origin": ["node"]}]},
          {"port": 7003, "from": [{"origin": ["pod"]}]},
          {"port": 7004, "from": [{"origin": ["external"]}]},
          {"port": 7005, "from": [{"cidr": "10.77.0.0/24", "except": ["10.77.0.64/26"]}, {"cidr": "fd77::/112", "except": ["fd77::70/128"]}]},
          {"port": 7006, "from": [{"origin": ["unknown"]}]},
          {"port": 7007},
          {"port": 5353, "protocol": "UDP", "from": [{"origin": ["sibling"]}, {"cidr": "10.77.0.200/32"}]},
          {"port": 5354, "protocol": "UDP", "from": [{"origin": ["node", "same-container"]}]}],
 "ports": [{"port": 8080, "from": [{"origin": ["sibling"]}]},
           {"port": 8090, "from": [{"origin": ["sibling"]}], "mode": "audit"}]}
J
vendor
agent_start
gate_up
drop app.lic '"ports":[{"port":8080},{"port":8090}]'

serve() { # serve CGROUP tcp|udp PORT...
	start_in_cgroup "$1" "$LIB/net.py" "echo-$2" "${@:3}"
	eventually 10 echo_listens "$2" "$3" || bail "echo server" "$(cat "$T/background.log")"
}
by() { # by CGROUP VERB...: from inside the pod; root: the node's own
	case $1 in
	root) pod "$LIB/net.py" "${@:2}" ;;
	*) in_cgroup "$1" "$LIB/net.py" "${@:2}" ;;
	esac
}
from() { SOURCE=$1 out "$LIB/net.py" "${@:2}"; } # from SOURCE VERB...: over the veth
# over TEXT WHO PORT WANT: by TCP to every address that lo has
over() {
	local a got=''
	for a in 127.0.0.1 ::1 $POD4 $POD6; do got+="$(by "$2" tcp "$a" "$3") "; done
	is "$1" "$got" "$4 $4 $4 $4 "
}
settled() { [ "$(by app tcp 127.0.0.1 6380)" = ok ] && [ "$(by side tcp 127.0.0.1 8080)" = ok ]; }

serve app tcp 8080 8090 6379 6380 7001 7002 7003 7004 7005 7006 7007
serve app udp 5353 5354
start_in_cgroup side sleep 1000
for c in engine units/containerd.service; do # of the node, which enter the pod now and then
	joining "$c"
	background "${JOIN[@]}" sleep 1000
done
check "the containers are told apart soon" eventually 10 settled

warns() { portlic status -o json | json 'sum("cgroup v1" in w for w in d["warnings"])'; }
is "status says so where cgroup v1 is in use beside v2" "$(warns)" "$([ "$CG" = /sys/fs/cgroup ] && echo 0 || echo 1)"

# --- on lo, by cgroup
over "sidecar-only: the sidecar" side 8080 ok
over "... not the application's own container" app 8080 refused
over "... nor the runtime (port-forward)" engine 8080 refused
over "... nor a service named like one" units/containerd.service 8080 refused
over "... nor a process of the node" root 8080 refused
over "same container or sibling: the application" app 6379 ok
over "... and what runs in a cgroup below its own" app/worker 6379 ok
over "... the sidecar" side 6379 ok
over "... not the runtime" engine 6379 refused
over "same container: the application" app 6380 ok
over "... and below its own cgroup" app/worker 6380 ok
over "... not the sidecar" side 6380 refused
over "runtime: by the configuration" engine 7001 ok
over "... and by its name" units/containerd.service 7001 ok
over "... not the application" app 7001 refused
over "node: its process" root 7002 ok
over "... not the sidecar" side 7002 refused
over "... not the runtime" engine 7002 refused
over "pod, on lo: not even a container" side 7003 refused
over "external, on lo: nobody" root 7004 refused
over "no from: everybody" engine 7007 ok
has "explained as origin" "$(portlic port show pod 8080)" "origin (the policy does not admit this kind of origin)"
# Unknown is who tried before it was known.
is "... by events with who it was" "$(portlic observe --port 8080 -o json |
	json 'sorted({e["origin"] for e in d} - {"unknown"})')" "['node', 'runtime', 'same-container']"

# --- over the veth, by address
for row in "3 node 7002" "70 pod 7003" "1 external 7004" "200 external 7004"; do
	read -r n origin port <<< "$row"
	for p in 7002 7003 7004; do
		want=refused
		[ "$p" != "$port" ] || want=ok
		is "from .$n, $origin: $p" "$(from 10.77.0.$n tcp $POD4 $p) $(from fd77::$n tcp $POD6 $p)" "$want $want"
	done
	is "from .$n: no port that only containers have" "$(from 10.77.0.$n tcp $POD4 8080) $(from fd77::$n tcp $POD6 6379)" "refused refused"
done
is "by network: in" "$(from 10.77.0.200 tcp $POD4 7005) $(from fd77::1 tcp $POD6 7005)" "ok ok"
is "... but for its exceptions" "$(from 10.77.0.70 tcp $POD4 7005) $(from fd77::70 tcp $POD6 7005)" "refused refused"
is "... and other networks" "$(SOURCE=fd77:1::1 out "$LIB/net.py" tcp $POD6 7005)" refused
has "explained as source" "$(portlic port show pod 7005)" "source (the policy does not admit this source address)"
is "a network holds on lo too" "$(by engine tcp $POD4 7005) $(by engine tcp 127.0.0.1 7005)" "ok refused"

# --- UDP
is "UDP: the sibling" "$(by side udp 127.0.0.1 5353) $(by side udp ::1 5353) $(by side udp $POD4 5353)" "ok ok ok"
is "... unconnected" "$(by side udp-unbound 127.0.0.1 5353)" ok
is "... not the same container, nor the node" "$(by app udp 127.0.0.1 5353) $(by root udp 127.0.0.1 5353)" "refused refused"
is "... one address of the outside" "$(from 10.77.0.200 udp $POD4 5353) $(from 10.77.0.1 udp $POD4 5353)" "ok refused"
is "UDP: the same container and the node" "$(by app udp ::1 5354) $(by root udp ::1 5354) $(from 10.77.0.3 udp $POD4 5354)" "ok ok ok"
is "... not the sibling" "$(by side udp ::1 5354) $(from 10.77.0.70 udp $POD4 5354)" "refused refused"
is "... by AF_PACKET past egress, on the ports that the sibling just had" \
	"$(in_cgroup side "$LIB/past.py" 45000 5353 udp) $(in_cgroup app "$LIB/past.py" 45000 5353 packet)" "ok refused"

# --- NAT inside the pod
pod nft -f - << 'N' || bail "nft"
table inet shop {
	chain out { type nat hook output priority -100; oif lo tcp dport 9999 redirect to :8080; }
	chain pre { type nat hook prerouting priority dstnat; iif eth0 tcp dport 7007 redirect to :8080; }
}
N
is "a redirect on lo: the sidecar" "$(by side tcp 127.0.0.1 9999) $(by side tcp ::1 9999)" "ok ok"
is "... not the application, nor the runtime" "$(by app tcp 127.0.0.1 9999) $(by engine tcp ::1 9999)" "refused refused"
is "a redirect from an open port leads nobody past it" "$(from 10.77.0.1 tcp $POD4 7007) $(from fd77::3 tcp $POD6 7007)" "refused refused"
pod nft delete table inet shop

# --- counted by origin
origins() { port "$1" 'sorted(p["origins"].items()), p["last_origin"]'; }
is "connections by origin: containers" "$(origins 6379)" "([('same-container', 8), ('sibling', 4)], 'sibling')"
is "... of addresses" "$(origins 7004)" "([('external', 4)], 'external')"
is "... of UDP" "$(origins 5354/udp)" "([('node', 2), ('same-container', 1)], 'node')"
has "... in port show" "$(portlic port show pod 6379)" "8 same-container, 4 sibling"
is "... as a metric" "$(metric portlic_port_origin_connections_total 'port="6379"' 'origin="sibling"')" 4
is "audit: let in" "$(by app tcp 127.0.0.1 8090) $(by side tcp 127.0.0.1 8090)" "ok ok"
is "... counted as what it is" "$(port 8090 'p["connections"]["allowed"], p["connections"]["audit"], sorted(p["origins"].items())')" \
	"(1, 1, [('same-container', 1), ('sibling', 1)])"

# --- who listens
listen() { # listen CGROUP ADDR: on port 6381 of that address
	start_in_cgroup "$1" python3 -c 'import socket, sys, time
s = socket.socket(); s.bind((sys.argv[1], 6381)); s.listen(); time.sleep(1000)' "$2"
	eventually 10 sh -c "nsenter --net=/run/netns/$POD ss -Hltn | grep -q $2:6381"
}
owned() { [ "$(by app tcp 127.0.0.1 6381) $(by side tcp 127.0.0.1 6381)" = "ok refused" ]; }
listen app 127.0.0.1
is "who begins to listen owns the port at once" "$(by app tcp 127.0.0.1 6381) $(by side tcp 127.0.0.1 6381)" "ok refused"
listen side 127.0.0.2
is "another container on the port doesn't make it its own" "$(by side tcp 127.0.0.1 6381) $(by side tcp 127.0.0.2 6381)" "refused refused"
sleep 1.5
is "... nor once the agent has looked" "$(by side tcp 127.0.0.1 6381) $(by side tcp 127.0.0.2 6381)" "refused refused"
kill "${PIDS[-1]}"
check "... and once it is gone, the port is its owner's again" eventually 10 owned

# --- a container that comes later, the agent alive
start_in_cgroup late sleep 1000
sibling() { [ "$(by late tcp 127.0.0.1 8080)" = ok ]; }
check "a new container is a sibling soon" eventually 10 sibling

# --- the agent killed, and started again
before=$(origins 6379)
agent_end KILL
over "the agent killed: the sidecar" side 8080 ok
over "... the application" app 8080 refused
over "... the runtime" engine 8080 refused
is "... networks" "$(from 10.77.0.200 tcp $POD4 7005) $(from 10.77.0.70 tcp $POD4 7005)" "ok refused"
new_cgroup unseen || bail "a cgroup"
over "... a container that nobody has seen is unknown" unseen 8080 refused
over "... which a policy may admit" unseen 7006 ok
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
over "started again: the sidecar" side 8080 ok
over "... the application" app 8080 refused
is "... counters go on" "$(origins 6379)" "$before"
is "... networks" "$(from 10.77.0.200 tcp $POD4 7005) $(from 10.77.0.70 tcp $POD4 7005)" "ok refused"

# --- the networks of a policy come and go with it
sets() { bpftool -j map dump pinned "$T/bpf/portlic/maps/plic_sources" | json 'len({str(e["key"][4:8]) for e in d} - {str(["0x00"] * 4)})'; }
is "each network set once in the kernel" "$(sets)" 2
sed -i 's/fd77::70\/128/fd77::71\/128/' "$T/policies.d/shop.json"
check "another exception is in force" eventually 10 sh -c "[ \"\$(SOURCE=fd77::70 nsenter --net=/run/netns/$OUT '$LIB/net.py' tcp $POD6 7005)\" = ok ]"
gone() { [ "$(sets)" = 2 ]; }
check "... and the set before is collected" eventually 25 gone
portlic gate del pod > "$T/out"
gate_up
eventually 10 settled
is "a new gate has no arrivals of before" "$(port 6379 'p["origins"]')" "{}"
