#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The ports that a pod's spec probes are open to the kubelet's probes, exactly these, as long as the policy lets it.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/pods.sh"
need openssl

pods_begin
new_cgroup kubelet || skip_all "no cgroup v2 to write to"
make_pod # of it the outside is the node
configure
kube_start
kube_configure n1 portlic
sed -i "s|\"kubernetes\":{|&\"kubelet_cgroup\":\"/plc$$-kubelet/\",|" "$T/portlicd.json"
vendor
policy_for shop.json '{"namespaces":["shop"]}'
drop l.lic '"ports":[{"port":8080}]'
kube_namespace shop | kube_put - > /dev/null
WEB=$(uid)
sandbox web "$WEB" && run_in web 8080 9090 9091 9092 9093 9094
ip link add "plw$$" netns "$OUT" type veth peer name eth0 netns "plx$$-web" || bail "veth"
out ip addr add 10.79.0.1/24 dev "plw$$" && out ip link set "plw$$" up
ip -n "plx$$-web" addr add 10.79.0.2/24 dev eth0 && ip -n "plx$$-web" link set eth0 up
kubelet() { # kubelet PORT
	joining kubelet
	"${JOIN[@]}" nsenter --net="/run/netns/$OUT" "$LIB/net.py" tcp 10.79.0.2 "$1" 0.5
}
other() { out "$LIB/net.py" tcp 10.79.0.2 "$1" 0.5; }
eventually 10 sh -c "[ \$(nsenter --net=/run/netns/$OUT '$LIB/net.py' tcp 10.79.0.2 9090) = ok ]" || bail "the way to the pod"
probes='"livenessProbe":{"httpGet":{"path":"/","port":"health"}},"ports":[{"name":"health","containerPort":9090}]'
probes+=',"readinessProbe":{"tcpSocket":{"port":9091}},"lifecycle":{"preStop":{"httpGet":{"path":"/","port":9092}}}'
probes+=',"startupProbe":{"exec":{"command":["cat","9093"]}}'
put_spec() { # put_spec MEMBERS-OF-THE-CONTAINER
	kube_pod shop web-0 n1 "$WEB" '{}' "$STATUS" | sed "s|\"image\":\"i\"|&,${1//|/\\|}|" | kube_put - > /dev/null
}
put_spec "$probes"
agent_start
check "the pod is gated" eventually 10 gated "$WEB"
gets_in() { [ "$(kubelet "$1")" = ok ]; }
refused() { [ "$(kubelet "$1")" = refused ]; }
check "a liveness probe of a named port gets in" eventually 10 gets_in 9090
is "... a readiness probe by TCP, a hook, one of the licensed port" "$(kubelet 9091) $(kubelet 9092) $(kubelet 8080)" "ok ok ok"
is "... exec probes need no port, others have none" "$(kubelet 9093) $(kubelet 9094)" "refused refused"
is "... nobody else gets in" "$(other 9090) $(other 9091) $(other 9092) $(reach web 9090)" "refused refused refused refused"
probed() { portlic port list shop/web-0 -o json | json 'sorted(p["port"] for p in d if p["probed"])'; }
is "... the port list says which ports are probed" "$(probed)" "[9090, 9091, 9092]"
agent_end KILL
is "the agent killed: the same" "$(kubelet 9090) $(kubelet 9094) $(other 9090)" "ok refused refused"
kube away > /dev/null 2>&1
agent_start
check "started again without the API server: the same" eventually 10 gated "$WEB"
is "... at once" "$(kubelet 9090) $(kubelet 9094) $(other 9090)" "ok refused refused"
kube back > /dev/null 2>&1
policy_for shop.json '{"namespaces":["shop"]}' '"probes":false'
check "a policy without probes: refused" eventually 10 refused 9090
policy_for shop.json '{"namespaces":["shop"]}'
check "... with them again" eventually 10 gets_in 9090

# who comes after a probe, from its address and port, is no probe
cat > "$T/after.py" << 'S'
import socket, struct, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)) # no TIME_WAIT
s.bind(("10.79.0.1", int(sys.argv[1])))
s.settimeout(1)
try:
    s.connect(("10.79.0.2", 8080))
    s.send(b"plain, and far from a ClientHello")
    print("ok" if s.recv(5) == b"plain" else "closed")
except OSError as error:
    print(type(error).__name__)
S
after() { nsenter --net="/run/netns/$OUT" python3 "$T/after.py" "$1"; }
kubelet_from() {
	joining kubelet
	"${JOIN[@]}" nsenter --net="/run/netns/$OUT" python3 "$T/after.py" "$1"
}
policy_for shop.json '{"namespaces":["shop"]}' '"ports":[{"port":8080,"tls":true}]'
put_spec "${probes/9091/8080}"
asked() { probed | grep -q 8080; }
check "its spec probes that port now" eventually 10 asked
plaintext() { [ "$(after 45999)" != ok ]; }
check "a port that demands TLS: plaintext isn't let in" eventually 10 plaintext
is "... but of a probe" "$(kubelet_from 46000)" ok
isnt_probe=$(after 46000)
has "... and not behind one, from its port" "$isnt_probe" "Error"
