# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154
# guest_lib.sh - what the scripts in virtual machines share. Sourced with T, their directory, portlic=$2 box=$3 failed=0
# agent='' set. There is no bash, no python and no jq.
portlicd=$1 n=0
export PORTLIC_SOCKET=/run/portlicd.sock

ok() { n=$((n + 1)) && echo "ok $n - $1"; }
not_ok() { n=$((n + 1)) failed=1 && echo "not ok $n - $1" && echo "# $2"; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got \"$2\", want \"$3\""; fi; }
bail() { not_ok "$1" "$(tail -n 5 /tmp/log)"; exit 1; }
eventually() { # eventually TENTHS COMMAND...
	left=$1
	shift
	until "$@" > /dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}
try() { ip netns exec pod "$box" try "$1"; }
uptime() { read -r up _ < /proc/uptime && echo "${up%.*}"; }
status() { "$portlic" status -o json; }
suspect() { status | tr -d ' \t\n' | grep -q '"suspect":'"$1"; }
states() { "$portlic" license list -o json | tr -d ' \t\n' | grep -o '"file":"[a-z]*.lic",[^{}]*"state":"[a-z]*"' | sed 's/"file":"\([a-z]*\).lic".*"state":"\([a-z]*\)"/\1:\2/' | sort | tr '\n' ' '; }
agent() {
	"$portlicd" --config $T/portlicd.json >> /tmp/log 2>&1 &
	agent=$!
	eventually 200 "$portlic" status || bail "the agent starts"
	eventually 100 "$portlic" gate list
}
# license LID EXP PORT [SEQ]: on stdout, issued $start - 1000, which is before any clock is touched
license() {
	printf '{"iss":"https://vendor.example","sub":"c","aud":"vm","jti":"%s","iat":%d,"exp":%d,"ver":1,"lid":"%s","seq":%d,"lapse":"block","ports":[{"port":%d}]}' \
		"$1-${4:-1}" $((start - 1000)) "$2" "$1" "${4:-1}" "$3" | "$portlic" license sign --key $T/v.jwk -
}
configure() {
	"$portlic" license keygen --iss https://vendor.example --kid k --out $T/v > /dev/null
	cp $T/v.jwks $T/trust.d/
	cat > $T/portlicd.json << J
{"audience":"vm","trust_dir":"$T/trust.d","license_dir":"$T/licenses.d","policy_dir":"$T/policies.d","state_dir":"$T/state",
 "socket":"$PORTLIC_SOCKET","bpffs":"/sys/fs/bpf/portlic","metrics":null}
J
}
