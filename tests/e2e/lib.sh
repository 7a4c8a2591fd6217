# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# lib.sh - what the e2e tests share: a pod and its outside as two network namespaces, a vendor, an agent
# with every path of its own, TAP. Names come from the test's pid, so that tests can run side by side.
#
#   outside ($OUT) 10.77.0.1 fd77::1  ---veth---  10.77.0.2 fd77::2 pod ($POD), also lo

set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
BUILD=$(readlink -f "${PORTLIC_BUILD:-build}")
LIB=$PWD/tests/e2e
PATH=$BUILD:/usr/local/sbin:/usr/sbin:/sbin:$PATH
OUT=plo$$ POD=plp$$ VETH=plv$$
POD4=10.77.0.2 POD6=fd77::2 OUT4=10.77.0.1 OUT6=fd77::1
T=$(mktemp -d "${TMPDIR:-/tmp}/portlic-e2e.XXXXXX")
export PORTLIC_SOCKET=$T/portlicd.sock
AGENT='' FAKE='' PIDS=() CGROUPS=() CASE=0 FAILED=0

# --- TAP

ok() { printf 'ok %d - %s\n' $((++CASE)) "$1"; }
not_ok() { # not_ok TEXT [WHY]
	printf 'not ok %d - %s\n' $((++CASE)) "$1"
	[ -z "${2:-}" ] || printf '%s\n' "$2" | tail -n 12 | sed 's/^/# /'
	FAILED=$((FAILED + 1))
}
skip() { printf 'ok %d - %s # SKIP %s\n' $((++CASE)) "$1" "$2"; }
check() { # check TEXT COMMAND...
	local text=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$text"; else not_ok "$text" "\"$*\" failed: $out"; fi
}
is() { # is TEXT GOT WANT
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got \"$2\", want \"$3\""; fi
}
between() { # between TEXT GOT MIN MAX, decimals allowed
	if awk -v v="$2" -v a="$3" -v b="$4" 'BEGIN { exit !(v ~ /^-?[0-9.]+$/ && v >= a && v <= b) }'; then
		ok "$1 ($2)"
	else
		not_ok "$1" "got \"$2\", want $3 to $4"
	fi
}
# promptly TEXT SECONDS MAX [MIN]: it took at most so long, and as much more as this machine stood still since `pulse`
promptly() { between "$1" "$2" "${4:--0.05}" "$(awk -v max="$3" '{ print max + $1 }' "$T/pulse")"; }
has() { # has TEXT HAYSTACK NEEDLE
	case $2 in
	*"$3"*) ok "$1" ;;
	*) not_ok "$1" "no \"$3\" in: $2" ;;
	esac
}
bail() {
	not_ok "$1" "${2:-}"
	exit 1
}
skip_all() {
	echo "$1"
	exit 77
}
need() { # need PROGRAM...: the whole test is skipped without it
	local p
	for p; do command -v "$p" > /dev/null || skip_all "$p is not installed"; done
}

# --- clean-up

finish() {
	local status=$? pid
	trap - EXIT
	if [ "$FAILED" -gt 0 ] && [ -s "$T/agent.log" ]; then
		echo "# the agent's log ends:"
		tail -n 20 "$T/agent.log" | sed 's/^/# /'
	fi
	for pid in "${PIDS[@]}" $AGENT; do kill -KILL "$pid" 2> /dev/null; done
	wait 2> /dev/null
	for dir in "${CGROUPS[@]}"; do [ ! -d "$dir" ] || eventually 5 rmdir "$dir"; done
	for dir in "$T"/bpf "$T"/*/bpf "$T"/state "$T"/licenses.d; do umount "$dir" 2> /dev/null; done
	for ns in "$POD" "$OUT" $(ip netns list 2> /dev/null | awk '{ print $1 }' | grep "^plx$$-"); do
		ip netns del "$ns" 2> /dev/null
	done
	rm -rf "$T"
	[ "$status" != 0 ] || status=$((FAILED > 0))
	exit "$status"
}
[ "$(id -u)" = 0 ] || skip_all "namespaces and BPF need root"
trap finish EXIT
trap 'exit 130' INT TERM HUP PIPE

# --- namespaces

pod() { nsenter --net="/run/netns/$POD" "$@"; }
out() { nsenter --net="/run/netns/$OUT" "$@"; }
net() { "$LIB/net.py" "$@"; }
background() { # background COMMAND...: ended by the clean-up; its pid is ${PIDS[-1]}
	"$@" < /dev/null >> "$T/background.log" 2>&1 &
	PIDS+=($!)
	disown
}
pulse() { # from now on it is known for how long this machine stood still at a time
	background "$LIB/net.py" pulse "$T/pulse"
	eventually 40 test -s "$T/pulse" || bail "the pulse"
}
# The same inside a namespace, as one process.
in_pod() { background nsenter --net="/run/netns/$POD" "$@"; }
in_out() { background nsenter --net="/run/netns/$OUT" "$@"; }

# new_cgroup NAME: NAME in its hierarchy of v2 is /plc$$-NAME; false if this machine has none to write to
new_cgroup() {
	CG=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$CG" ] && mkdir "$CG/plc$$-$1" 2> /dev/null && CGROUPS=("$CG/plc$$-$1" "${CGROUPS[@]}")
}
# in_cgroup NAME COMMAND...: in the cgroup and in the pod. start_in_cgroup: the same, as one process in background.
# shellcheck disable=SC2016
joining() { JOIN=(bash -c 'echo $$ > "$0" && exec "$@"' "$CG/plc$$-$1/cgroup.procs"); }
in_cgroup() {
	joining "$1"
	"${JOIN[@]}" nsenter --net="/run/netns/$POD" "${@:2}"
}
start_in_cgroup() {
	joining "$1"
	background "${JOIN[@]}" nsenter --net="/run/netns/$POD" "${@:2}"
}

make_pod() { # a namespace with lo up and a veth to the outside
	ip netns add "$OUT" && ip netns add "$POD" || bail "network namespaces"
	out sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	pod sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	ip link add "$VETH" netns "$OUT" type veth peer name eth0 netns "$POD" || bail "veth"
	out ip addr add $OUT4/24 dev "$VETH"
	out ip addr add $OUT6/64 dev "$VETH" nodad
	pod ip addr add $POD4/24 dev eth0
	pod ip addr add $POD6/64 dev eth0 nodad
	out ip link set lo up && out ip link set "$VETH" up
	pod ip link set lo up && pod ip link set eth0 up
	pod ip route add default via $OUT4
	eventually 40 answers $POD6 || bail "IPv6 between the namespaces"
}
answers() { [ "$(out "$LIB/net.py" tcp "$1" 1 2)" = refused ]; }

# start_nginx pod|out PORT...: serves /small (6 bytes) and /big (a file the test makes) on each port
start_nginx() {
	local where=$1 dir=$T/nginx-$1 port
	shift
	mkdir -p "$dir/www"
	printf 'small\n' > "$dir/www/small"
	{
		echo "user root; daemon off; master_process off; pid $dir/pid; error_log $dir/error.log;"
		echo "events { worker_connections 512; }"
		echo "http { access_log off; keepalive_timeout 300s; keepalive_requests 1000000; sendfile on; root $dir/www;"
		for d in client_body proxy fastcgi uwsgi scgi; do echo "${d}_temp_path $dir/$d;"; done
		for port; do echo "server { listen $port; listen [::]:$port; location = /port { return 200 'port $port'; } }"; done
		echo "}"
	} > "$dir/nginx.conf"
	"in_$where" nginx -e "$dir/error.log" -c "$dir/nginx.conf"
	eventually 40 listens "$where" "$1" || bail "nginx" "$(cat "$dir/error.log")"
}
listens() { "$1" ss -Hltn "sport = :$2" | grep -q .; }
has_clients() { [ "$(pod ss -Htn state established "sport = :$1" | wc -l)" -ge "${2:-1}" ]; } # has_clients PORT [N], by TCP
# start_echo udp|tcp PORT...: in the pod
start_echo() {
	in_pod "$LIB/net.py" "echo-$1" "${@:2}"
	eventually 40 echo_listens "$@" || bail "echo server" "$(cat "$T/background.log")"
}
echo_listens() { pod ss -Hln"${1:0:1}" "sport = :$2" | grep -q .; }

eventually() { # eventually SECONDS COMMAND...: every 20 ms until it succeeds
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@" > /dev/null 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt $end ] || return 1
		sleep 0.02
	done
}
now() { echo "${EPOCHREALTIME/,/.}"; }
since() { awk -v a="$1" -v b="${2:-$(now)}" 'BEGIN { printf "%.3f", b - a }'; } # since START [END]: seconds

# --- vendor and operator

# shellcheck disable=SC2120
vendor() { # vendor [NAME]: a key pair, trusted
	local name=${1:-vendor}
	portlic license keygen --iss "https://$name.example" --kid "$name-1" --out "$T/$name" > /dev/null ||
		bail "license keygen"
	cp "$T/$name.jwks" "$T/trust.d/"
}

# sign FIELD...: a token on stdout; fields are JSON members that replace the defaults, e.g. '"grace":5'.
# Each has a later iat than the one before, for of the same seq the later one holds, for good.
sign() {
	local seconds fields='' f
	seconds=$(date +%s)
	for f; do fields+=",$f"; done
	python3 - "$seconds" "{${fields#,}}" "$T/iat" << 'P' | portlic license sign --key "$T/${VENDOR:-vendor}.jwk" -
import json, sys
now, fields = int(sys.argv[1]), json.loads(sys.argv[2])
try:
    iat = max(now - 10, int(open(sys.argv[3]).read()) + 1)
except FileNotFoundError:
    iat = now - 10
open(sys.argv[3], "w").write(str(iat))
claims = {"iss": "https://vendor.example", "sub": "customer", "aud": "e2e", "jti": "l-%d" % now, "iat": iat, "exp": now + 3600,
          "ver": 1, "lid": "line-1", "seq": 1, "ports": [{"port": 8080}]}
print(json.dumps({**claims, **fields}))
P
}
in_s() { echo $(($(date +%s) + $1)); } # the epoch in so many seconds

# drop FILE.lic FIELD...: signs and moves the file into the license directory in one step
drop() {
	local file=$1
	shift
	sign "$@" > "$T/token" && mv "$T/token" "$T/licenses.d/$file" || bail "sign"
}

# shellcheck disable=SC2120
configure() { # configure [DIR]: portlicd.json and the directories; DIR makes a second agent's
	local d=${1:-$T} port=$((20000 + $$ * 2 % 10000 + 0${1:+1}))
	mkdir -p "$d/trust.d" "$d/licenses.d" "$d/policies.d" "$d/state" "$d/bpf"
	mountpoint -q "$d/bpf" || mount -t bpf bpf "$d/bpf" || bail "a bpffs"
	[ -n "${1:-}" ] || METRICS=127.0.0.1:$port
	cat > "$d/portlicd.json" << J
{"audience": "e2e", "trust_dir": "$d/trust.d", "license_dir": "$d/licenses.d", "policy_dir": "$d/policies.d",
 "state_dir": "$d/state", "socket": "$d/portlicd.sock", "bpffs": "$d/bpf/portlic", "metrics": "127.0.0.1:$port",
 "entitlements_dir": "$d/entitlements"}
J
}
# fake_clock SECONDS SYNCHRONISED: agents that are started from then on have a wall clock that is so far
# off, and at the next call those that run too. This machine's clock stays as it is.
fake_clock() {
	[ -e "$BUILD/tests/e2e/fakeclock.so" ] || skip_all "no fakeclock.so: run \"make test-e2e\""
	FAKE="FAKE_CLOCK=$T/fake LD_PRELOAD=$BUILD/tests/e2e/fakeclock.so ASAN_OPTIONS=verify_asan_link_order=0"
	echo "$*" > "$T/fake.new" && mv "$T/fake.new" "$T/fake"
}
at_clock() { # at_clock SECONDS COMMAND...: the command's own wall clock is so far off
	(
		echo "$1 1" > "$T/at_clock"
		export FAKE_CLOCK=$T/at_clock LD_PRELOAD=$BUILD/tests/e2e/fakeclock.so ASAN_OPTIONS=verify_asan_link_order=0
		shift
		"$@"
	)
}
agent_spawn() { # doesn't wait until it answers
	# shellcheck disable=SC2086
	env $FAKE "$BUILD/portlicd" --config "$T/portlicd.json" < /dev/null >> "$T/agent.log" 2>&1 &
	AGENT=$!
}
agent_start() {
	agent_spawn
	eventually 40 portlic status || bail "the agent starts" "$(tail -n 20 "$T/agent.log")"
}
agent_end() { # agent_end SIGNAL
	[ -n "$AGENT" ] || return 0
	kill -"$1" "$AGENT"
	wait "$AGENT" 2> /dev/null
	AGENT=''
}
gate_up() { portlic gate add pod --netns "$POD" "$@" > "$T/out" 2>&1 || bail "gate add" "$(cat "$T/out")"; }
setup() { # the usual: pod, vendor, agent, gate
	make_pod
	configure
	vendor
	agent_start
	gate_up "$@"
}

# --- what the product says

json() { python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }
# port PORT[/udp] EXPRESSION: of the object p in `port list`, e.g. port 8080 'p["connections"]["allowed"]'
port() {
	local proto=TCP
	case $1 in */udp) proto=UDP ;; esac
	portlic port list pod -o json |
		json "next((($2) for p in d if p['port'] == ${1%/*} and p['protocol'].upper() == '$proto'), None)"
}
# frozen: what a command that only looks must leave alone, byte for byte: the rule sets in the kernel with
# their generations, counters, files of the operator and of the agent, but for the time in state.json.
frozen() {
	local id ids
	ids=$(bpftool -j map dump pinned "$T/bpf/portlic/maps/plic_sets" |
		json '" ".join(str(sum(int(b, 16) << 8 * i for i, b in enumerate(e["value"]))) for e in d)')
	[ -n "$ids" ] || echo "no rule set: $RANDOM"
	for id in $ids; do echo "set $id $(bpftool -j map dump id "$id" | sha256sum)"; done
	bpftool -j map dump pinned "$T/bpf/portlic/maps/plic_arrivals" | sha256sum
	portlic gate list -o json | json '[[g["name"], g["generation"], g["mode"], g["policy"]] for g in d]'
	portlic status -o json | json 'd["generation"]'
	portlic port list -o json | json '[[p[k] for k in ("gate", "port", "protocol", "state", "packets", "connections", "denied")] for p in d]'
	find "$T"/*.d "$T/state" -type f ! -name state.json -exec sha256sum {} + | sort
	json 'd["announced"], [(l["iss"], l["lid"], l["seq"]) for l in d["lines"]]' < "$T/state/state.json"
}
metric() { # metric NAME [LABEL...]: the sum of the series that have all these label="value" pairs
	local name=$1
	shift
	curl -sf "http://$METRICS/metrics" | python3 -c '
import sys
name, *labels = sys.argv[1:]
rows = [l.rsplit(" ", 1) for l in sys.stdin if l.startswith((name + "{", name + " ")) and all(x in l for x in labels)]
print(sum(float(v) for _, v in rows) if rows else "absent")' "$name" "$@" | sed 's/\.0$//'
}
