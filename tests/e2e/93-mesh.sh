#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Beside a mesh: NAT inside the pod leads all that comes in to a sidecar (a transparent haproxy, by the rules that
# Istio's and Linkerd's init containers write), which alone reaches the application's port.
. "$(dirname "$0")/lib.sh"
need nft haproxy nginx curl

cgroups=$(findmnt -nt cgroup2 -o TARGET | head -n 1)
mkdir "$cgroups/plx$$" "$cgroups/plx$$/app" "$cgroups/plx$$/sidecar" 2> /dev/null || skip_all "no cgroup v2 to write to"
leave() {
	local status=$?
	trap - EXIT
	for pid in "${PIDS[@]}"; do kill -KILL "$pid" 2> /dev/null; done
	eventually 10 rmdir "$cgroups/plx$$/app"
	eventually 10 rmdir "$cgroups/plx$$/sidecar"
	rmdir "$cgroups/plx$$"
	(exit $status)
	finish
}
trap leave EXIT
# inside app|sidecar COMMAND...: this very process becomes one of that container
inside() {
	echo "$BASHPID" > "$cgroups/plx$$/$1/cgroup.procs"
	exec nsenter --net="/run/netns/$POD" "${@:2}"
}
within() { (inside "$@"); }
start_within() { background inside "$@"; }

# mesh PORT: the redirect of all that comes in, but for what the proxy (uid 1337) sends itself
mesh() {
	pod nft -f - << N
table inet mesh {
	chain pre {
		type nat hook prerouting priority dstnat;
		iifname "lo" return
		tcp dport { 15020, 15021, 15090, $1 } return
		meta l4proto tcp redirect to :$1
	}
}
N
}
unmesh() { pod nft delete table inet mesh; }
proxy() { # proxy PORT: passes on to where the client wanted to go
	cat > "$T/haproxy.cfg" << C
global
	user root
	maxconn 200
defaults
	mode tcp
	timeout connect 2s
	timeout client 20s
	timeout server 20s
frontend in
	bind 0.0.0.0:$1
	default_backend app
backend app
	server app 0.0.0.0:0
C
	start_within sidecar haproxy -db -f "$T/haproxy.cfg"
	eventually 10 listens pod "$1" || bail "haproxy" "$(tail -n 5 "$T/background.log")"
}

make_pod
configure
vendor
mkdir -p "$T/nginx-pod/www"
echo small > "$T/nginx-pod/www/small"
cat > "$T/app.conf" << C
user root; daemon off; master_process off; pid $T/app.pid; error_log $T/app.err;
events { }
http { access_log off; root $T/nginx-pod/www;
	server { listen 8080; listen 9090; listen [::]:8080; location = /small { return 200 small; } } }
C
start_within app nginx -e "$T/app.err" -c "$T/app.conf"
eventually 10 listens pod 8080 || bail "nginx" "$(cat "$T/app.err")"
agent_start
saw_both() { metric portlic_port_remap_total 'gate="pod"' | grep -qE '^[1-9]'; }
get() { "${@:2}" curl -s -m 3 -o /dev/null -w '%{http_code}' "http://$1:8080/small"; }
plain=$(portlic gate list -o json | json 'len(d)')
is "no gate yet" "$plain" 0

n=0
for preset in istio:15006 linkerd:4143; do
	name=${preset%:*} via=${preset#*:}
	proxy "$via"
	haproxy=${PIDS[-1]}
	mesh "$via"
	[ "$(get $POD4 out)" = 200 ] || bail "$name: without a gate the mesh works" "$(tail -n 5 "$T/background.log")"
	sed "s/\"gates\": *\[[^]]*\]/\"gates\":[\"pod\"]/" "policies/$name.policy.json" > "$T/$name.json"
	gate_up --policy "$T/$name.json"
	drop app.lic '"seq":'$((++n))',"ports":[{"port":8080},{"port":9090}]'
	eventually 10 eval '[ "$(get $POD4 out)" = 200 ]'
	is "$name: from outside, through the sidecar" "$(get $POD4 out)" 200
	pod sysctl -qw net.ipv4.tcp_syncookies=2
	is "$name: ... with SYN cookies, from afar" "$(out "$LIB/late.py" $POD4 8080)" ok
	pod sysctl -qw net.ipv4.tcp_syncookies=1
	is "$name: ... the sidecar's own port isn't one of the pod's" "$(out "$LIB/net.py" tcp $POD4 "$via" 1)" refused
	check "$name: ... each hook saw its half" eventually 10 saw_both
	is "$name: the sidecar itself" "$(within sidecar curl -s -m 3 -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/small)" 200
	is "$name: the application itself goes around it on lo: denied" "$(within app "$LIB/net.py" tcp 127.0.0.1 8080 1)" refused
	is "$name: so does a process of the node (a port-forward)" "$(pod "$LIB/net.py" tcp 127.0.0.1 8080 1)" refused
	has "$name: ... counted as" "$(portlic port list pod -o json | json 'sorted(r for p in d if p["port"] == 8080 for r in p["denied"])')" origin
	unmesh
	is "$name: without the redirect nobody outside reaches it" "$(out "$LIB/net.py" tcp $POD4 8080 1 | sed s/timeout/refused/)" refused
	mesh "$via"
	is "$name: ... and with it again" "$(get $POD4 out)" 200
	is "$name: a port that no license opens" "$(out "$LIB/net.py" tcp $POD4 7777 1)" refused
	portlic gate del pod > "$T/out"
	unmesh
	kill "$haproxy"
done
