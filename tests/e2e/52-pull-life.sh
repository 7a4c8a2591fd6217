#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Pull over the life of a license: renew-ahead, a bound on copies, a torn state file, a resolver that is
# silent.
. "$(dirname "$0")/lib.sh"
. "$LIB/authority.sh"
need openssl unshare

next_in() { # seconds from the last try to the next
	pull_of "$1" '__import__("datetime").datetime.fromisoformat(p["next"][:-1]).timestamp() - __import__("datetime").datetime.fromisoformat(p["last_attempt"][:-1]).timestamp()'
}

pulse
make_pod
configure
vendor
mkdir "$T/www"
cp "$T/portlicd.json" "$T/plain.json"
serve good.lic "\"iat\":$(in_s -2000)" "\"nbf\":$(in_s -2000)" "\"exp\":$(in_s 900)" '"lid":"line-0"'
printf 'file good.lic' > "$T/mode"
hostile_start
configure_with "\"pull\":[{\"name\":\"acme\",\"url\":\"https://127.0.0.1:$HTTPS/l\",\"ca\":\"$T/ca.pem\",\"interval\":3600}]"
start_echo tcp 8080
agent_start
gate_up
check "a license comes" opens 8080

# past two thirds of its life
between "near its end the source is asked every minute" "$(next_in acme)" 54 67
is "a new license isn't said to be late" "$(grep -c license_renew_ahead "$T/agent.log")" 0
is "the same once more" "$(pulled acme)" same
has "... is: the renewal is late" "$(grep license_renew_ahead "$T/agent.log")" 'source="acme" lid="line-0" exp="20'
pulled acme > "$T/out"
agent_end TERM
printf '{"url":"https' > "$T/torn"
agent_start
is "... which is said once, over a restart too" "$(pulled acme; grep -c license_renew_ahead "$T/agent.log")" "same
1"
serve good.lic '"seq":2' '"jti":"renewed"' '"lid":"line-0"'
is "the renewal comes" "$(pulled acme)" new
between "... and the interval holds again" "$(next_in acme)" 3200 4000

# a state file that is torn
agent_end TERM
cp "$T/torn" "$T/state/pull/acme.json"
agent_start
is "with a torn state file the port is open" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
has "... it is told" "$(grep state_lost "$T/agent.log")" 'source="acme"'
is "... and the source works" "$(pulled acme)" same
check "... and the file is whole again" grep -q '"sha256":"[0-9a-f]' "$T/state/pull/acme.json"

# copies are bounded
for i in $(seq 15); do
	serve good.lic "\"lid\":\"line-$i\"" "\"jti\":\"l$i\""
	pulled acme
done > "$T/out"
is "sixteen lines of one address" "$(sort -u "$T/out") $(portlic license list -o json | json 'len({l["lid"] for l in d if l["state"] == "active"})')" "new 16"
serve good.lic '"lid":"line-16"' '"jti":"l16"'
has "... one more would need a place: rejected" "$(pulled acme 'p["result"] + ": " + str(p["error"])')" "rejected: this source has given 16 licenses that are all in force"
is "... and all sixteen stay" "$(portlic license list -o json | json 'len({l["lid"] for l in d if l["state"] == "active"})')" 16
serve good.lic '"seq":3' '"jti":"again"' '"lid":"line-0"'
is "a renewal has a place at all times" "$(pulled acme)" new
serve good.lic '"lid":"line-16"' '"jti":"l16"'
is "... and what it supersedes makes room" "$(pulled acme)" new
check "... and is dropped" eventually 70 sh -c "grep -q 'pull_copy_dropped' $T/agent.log"

# a name server that takes questions and never answers
agent_end TERM
python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.77", 53))
print("ready", flush=True)
time.sleep(60)' > "$T/dns" 2>&1 &
PIDS+=($!)
disown
if eventually 10 grep -q ready "$T/dns"; then
	cp "$T/plain.json" "$T/portlicd.json"
	configure_with "\"pull\":[{\"name\":\"dark\",\"url\":\"https://authority.example/l\",\"timeout\":6}]"
	printf 'nameserver 127.0.0.77\noptions timeout:20 attempts:1\n' > "$T/resolv.conf"
	printf 'hosts: dns\n' > "$T/nsswitch.conf"
	# shellcheck disable=SC2016
	unshare -m --propagation private sh -c 'mount --bind "$0/resolv.conf" /etc/resolv.conf && mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf &&
		exec "$1/portlicd" --config "$0/portlicd.json"' "$T" "$BUILD" < /dev/null >> "$T/agent.log" 2>&1 &
	# shellcheck disable=SC2034
	AGENT=$!
	eventually 10 portlic status || bail "the agent starts" "$(tail -n 20 "$T/agent.log")"
	check "a name is asked for" eventually 10 sh -c "curl -s --unix-socket $T/portlicd.sock http://portlic/v1/pull | grep -q '\"running\":true'"
	slowest=$(while [ "$(pull_of dark 'p["result"]')" != failed ] && [ "${i:=0}" -lt 600 ]; do
		api /v1/status -o "$T/out" -w '%{time_total}\n'
		i=$((i + 1))
	done | sort -n | tail -n 1)
	promptly "... and the API answers at once until the pull is over" "$slowest" 1
	has "... which ends by its own time" "$(pull_of dark 'p["error"]')" "timed out"
	api /v1/pull -X POST > "$T/out"
	sleep 0.2
	start=$(now)
	agent_end TERM
	promptly "... and the agent ends at once" "$(since "$start")" 1.5
else
	skip "a name server that never answers" "127.0.0.77:53 is taken"
fi
