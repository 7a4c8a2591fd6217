# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# pods.sh - pods without a kubelet: a cgroup that is called as one's would be, a network namespace, processes. Sourced
# behind kube.sh.
#
#   pods_node                      the usual: pods_begin, a node n1 of an API server, a vendor
#   pods_begin                     where their cgroups go, of v2 and (if there is one) v1; skips the test without v2
#   sandbox KEY UID [v1|host|bare] namespace plx$$-KEY, cgroup, and a "pause" in both. v1: the cgroup is of v1 only; host:
#                                  on this network; bare: the namespace isn't bound in /run/netns
#   run_in KEY PORT...             a server of the pod's on each port; its pid is ${PIDS[-1]}
#   reach KEY PORT                 as net.py tcp, from inside
#   end_sandbox KEY                processes, namespace and cgroups go
#   uid                            a new one
#   put_pod NAMESPACE NAME UID [LABELS-JSON]   into the API server; annotate NAMESPACE[/POD] KEY VALUE

declare -A POD_PIDS POD_HOW POD_GROUP
uid() { cat /proc/sys/kernel/random/uuid; }
pods_begin() {
	local v1
	V2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$V2" ] && mkdir "$V2/plk$$" 2> /dev/null || skip_all "no cgroup version 2 to write to"
	CGROUPS=("$V2/plk$$")
	V1=''
	for v1 in $(awk '$3 == "cgroup" && $4 ~ /(pids|freezer|memory)/ { print $2 }' /proc/mounts); do
		if mkdir "$v1/plk$$" 2> /dev/null; then
			V1=$v1
			CGROUPS=("$V1/plk$$" "${CGROUPS[@]}")
			break
		fi
	done
	cat > "$T/join" << 'S'
#!/bin/sh
echo $$ > "$1/cgroup.procs" && shift && exec "$@"
S
	chmod +x "$T/join"
}
pods_node() {
	pods_begin
	configure
	kube_start
	kube_configure n1 portlic
	vendor
}
pods_namespaces() { # pods_namespaces NAME...: without labels
	local name
	for name; do kube_namespace "$name"; done | kube_put - > /dev/null
}
# group BASE UID: its directories are made and remembered for the clean-up; the container's is printed by $GROUP
group() {
	local dir=$1 part
	GROUP=$1/plk$$/kubepods/besteffort/pod$2/$(sha256sum <<< "$2" | cut -d' ' -f1)
	for part in "plk$$" kubepods besteffort "pod$2" "${GROUP##*/}"; do
		dir+=/$part
		[ -d "$dir" ] || { mkdir "$dir" && CGROUPS=("$dir" "${CGROUPS[@]}"); }
	done
}
enter() { # enter KEY: the command's beginning, as JOIN
	JOIN=("$T/join" "${POD_GROUP[$1]}")
	case ${POD_HOW[$1]} in
	host) ;;
	bare) JOIN+=(nsenter --net="/proc/${POD_PIDS[$1]%% *}/ns/net") ;;
	*) JOIN+=(nsenter --net="/run/netns/plx$$-$1") ;;
	esac
}
sandbox() {
	POD_HOW[$1]=${3:-} POD_PIDS[$1]=''
	group "$([ "${3:-}" = v1 ] && echo "$V1" || echo "$V2")" "$2"
	POD_GROUP[$1]=$GROUP
	case ${3:-} in
	host) background "$T/join" "$GROUP" sleep 1000 ;;
	bare) background "$T/join" "$GROUP" unshare --net sh -c 'ip link set lo up; exec sleep 1000' ;;
	*)
		ip netns add "plx$$-$1" && ip -n "plx$$-$1" link set lo up
		background "$T/join" "$GROUP" nsenter --net="/run/netns/plx$$-$1" sleep 1000
		;;
	esac
	POD_PIDS[$1]=${PIDS[-1]}
	[ "${3:-}" != bare ] || eventually 40 moved "${PIDS[-1]}" || bail "$1: a namespace"
}
moved() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/$$/ns/net)" ]; }
run_in() {
	local key=$1 port
	shift
	enter "$key"
	for port; do
		background "${JOIN[@]}" "$LIB/net.py" echo-tcp "$port"
		POD_PIDS[$key]+=" ${PIDS[-1]}"
		eventually 40 pod_listens "$key" "$port" || bail "$key: a server on $port" "$(tail -n 3 "$T/background.log")"
	done
}
pod_listens() {
	enter "$1"
	"${JOIN[@]}" ss -Hltn "sport = :$2" | grep -q .
}
reach() {
	local key=$1
	shift
	enter "$key"
	"${JOIN[@]}" "$LIB/net.py" tcp 127.0.0.1 "$@"
}
end_sandbox() {
	local pid
	for pid in ${POD_PIDS[$1]}; do kill -KILL "$pid" 2> /dev/null; done
	[ ! -e "/run/netns/plx$$-$1" ] || ip netns del "plx$$-$1"
	eventually 10 rmdir "${POD_GROUP[$1]}" && rmdir "${POD_GROUP[$1]%/*}"
}

# what the agent says
gate_of() { portlic gate list -o json | json 'next((g["name"] for g in d if (g["pod"] or {}).get("uid") == "'"$1"'"), None)'; }
gate_says() { # gate_says UID EXPRESSION of g
	portlic gate list -o json | json 'next((('"$2"') for g in d if (g["pod"] or {}).get("uid") == "'"$1"'"), None)'
}
pods_get() { curl -sf --unix-socket "$PORTLIC_SOCKET" http://portlic/v1/pods; }
pod_says() { pods_get | json 'next((('"$2"') for p in d if p["uid"] == "'"$1"'"), None)'; }
gated() { [ "$(gate_says "$1" 'g["state"]')" = attached ]; }
ungated() { [ "$(gate_of "$1")" = None ]; }
pod_is() { [ "$(pod_says "$1" 'p["state"]')" = "$2" ]; }
policy_for() { # policy_for FILE MATCH [MEMBERS]
	printf '{"name":"%s","match":%s%s}\n' "${1%.json}" "$2" "${3:+,$3}" > "$T/policy.new"
	mv "$T/policy.new" "$T/policies.d/$1"
}
mode_is() { [ "$(gate_says "$1" 'g["mode"]')" = "$2" ]; }
warns() { portlic status -o json | json '"\n".join(d["warnings"])'; }

# what the API server says
STATUS='{"phase":"Running","containerStatuses":[{"containerID":"containerd://'$(printf 'c%.0s' {1..64})'"}]}'
put_pod() { kube_pod "$1" "$2" n1 "$3" "${4:-{\}}" "$STATUS" | kube_put - > /dev/null; } # put_pod NAMESPACE NAME UID [LABELS]
annotate() { # annotate NAMESPACE[/POD] KEY VALUE
	local path=/api/v1/namespaces/$1
	case $1 in */*) path=/api/v1/namespaces/${1%/*}/pods/${1#*/} ;; esac
	kube_get "$path" | python3 -c 'import json,sys
o = json.load(sys.stdin); o["metadata"].setdefault("annotations", {})[sys.argv[1]] = sys.argv[2]; print(json.dumps(o))' "$2" "$3" |
		kube_put - > /dev/null
}
