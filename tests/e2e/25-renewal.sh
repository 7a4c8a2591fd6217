#!/bin/bash
# SPDX-License-Identifier: MIT
# A renewal without a gap: connect loops on the ports that every license holds and one long download, across
# renewals, an upgrade, a downgrade, the swap of a Secret, a killed agent, another key, and a renewal that the
# kernel does by itself. Not one connection fails.
. "$(dirname "$0")/lib.sh"
need nginx unshare

line() { # line SEQ FIELD...: the next license of the line
	drop app.lic "\"seq\":$1" "\"jti\":\"s$1\"" "${@:2}"
}
BOTH='"ports":[{"port":8080},{"port":8082}]'
MORE='"ports":[{"port":8080},{"port":8081},{"port":8082}]'
in_force() { eventually "${2:-15}" seq_is "$1"; } # in_force SEQ [SECONDS]
seq_is() { [ "$(portlic license list -o json | json 'next((l["seq"] for l in d if l["state"] == "active"), 0)')" = "$1" ]; }
tcp() { out "$LIB/net.py" tcp $POD4 "$1" 0.5; }
running() { kill -0 "$download" && [ ! -s "$T/download" ]; }
in_step() { # in_step TEXT: the download is still on
	check "$1: the download goes on" running
}

setup
start_nginx pod 8080 8081 8082
head -c 64M /dev/urandom > "$T/nginx-pod/www/big"
sum=$(sha256sum < "$T/nginx-pod/www/big")
line 1 "$BOTH"
[ "$(out "$LIB/net.py" wait ok $POD4 8082 10)" != never ] || bail "8082 opens"

out "$LIB/storm.py" connect "$T/stop" 10000 8080 $POD4 $POD6 > "$T/storm-a" & loops=$!
out "$LIB/storm.py" connect "$T/stop" 10000 8082 $POD4 $POD6 > "$T/storm-b" & loops="$loops $!"
out "$LIB/storm.py" download "$T/stop" $POD4 8080 > "$T/download" & download=$!
# shellcheck disable=SC2206
PIDS+=($loops $download)

line 2 "$BOTH"
check "a renewal is in force" in_force 2
line 3 "$MORE"
has "an upgrade opens 8081" "$(out "$LIB/net.py" wait ok $POD4 8081 10)" .
line 4 "$BOTH"
has "a downgrade shuts it" "$(out "$LIB/net.py" wait refused $POD4 8081 10)" .
in_step "renewed, upgraded, downgraded"

# A mounted Secret: the symlink ..data is renamed from one directory to the next.
secret() { # secret SEQ
	sign "\"seq\":$1" "\"jti\":\"s$1\"" "$BOTH" > "$T/token" || bail "sign"
	mkdir "$T/licenses.d/..$1"
	mv "$T/token" "$T/licenses.d/..$1/app.lic"
	ln -s "..$1" "$T/licenses.d/..tmp"
	mv -T "$T/licenses.d/..tmp" "$T/licenses.d/..data"
}
secret 5
ln -s ..data/app.lic "$T/licenses.d/link" && mv "$T/licenses.d/link" "$T/licenses.d/app.lic"
check "a file becomes a Secret" in_force 5
secret 6
rm -r "$T/licenses.d/..5"
check "the Secret is swapped" in_force 6

agent_end KILL
rm -r "$T/licenses.d/..6" "$T/licenses.d/..data" "$T/licenses.d/app.lic"
line 7 "$BOTH"
agent_start
check "a killed agent comes back to a newer license" in_force 7 10
in_step "swapped, killed, started"

# Another key: both are trusted, the license is signed anew, the old one goes.
portlic license keygen --iss https://vendor.example --kid vendor-2 --out "$T/second" > "$T/out" || bail "license keygen"
trust() { # trust FILE...: their keys, in one trust file
	python3 - "$@" > "$T/trust" << 'P' && mv "$T/trust" "$T/trust.d/vendor.jwks"
import json, sys
files = [json.load(open(f)) for f in sys.argv[1:]]
print(json.dumps({**files[0], "keys": [k for f in files for k in f["keys"]]}))
P
}
trust "$T/vendor.jwks" "$T/second.jwks"
VENDOR=second line 8 "$BOTH"
check "a license of the vendor's next key" in_force 8
trust "$T/second.jwks"
sleep 0.5
VENDOR=second line 9 "$BOTH"
check "the old key is gone" in_force 9
in_step "rotated"

# Loaded ahead: the old one ends where the new one begins, and nobody is there to do it. A license is pending more
# than 300 s ahead of its time only; an agent whose boot clock lags by 298 s is early by as much in the kernel.
if [ "$(cut -d. -f1 /proc/uptime)" -gt 400 ] && unshare --time --boottime -298 true 2> /dev/null; then
	agent_end TERM
	unshare --time --boottime -298 --fork --kill-child "$BUILD/portlicd" --config "$T/portlicd.json" < /dev/null >> "$T/agent.log" 2>&1 &
	# shellcheck disable=SC2034
	AGENT=$!
	eventually 15 portlic gate list || bail "the agent starts late" "$(tail -n 20 "$T/agent.log")"
	turn=$(in_s 304)
	VENDOR=second line 10 "$BOTH" "\"exp\":$turn" '"lapse":"block"'
	check "one that ends soon" in_force 10
	VENDOR=second sign '"seq":11' '"jti":"s11"' "$MORE" "\"nbf\":$turn" "\"exp\":$((turn + 3600))" > "$T/token" && mv "$T/token" "$T/licenses.d/next.lic"
	check "the next one is pending" eventually 10 sh -c "portlic license list | grep -q pending"
	is "... and 8081 shut" "$(tcp 8081)" refused
	agent_end KILL
	has "the agent is dead, and the kernel renews" "$(out "$LIB/net.py" wait ok $POD4 8081 10)" .
	sleep 0.5
	in_step "renewed by the kernel"
else
	skip "the kernel renews" "no time namespace"
fi

touch "$T/stop"
# shellcheck disable=SC2086
wait $loops $download
for loop in a b; do
	read -r tries failures first < "$T/storm-$loop"
	between "connections of loop $loop" "$tries" 10000 10000000
	is "... and failures" "$failures $first" "0 none"
done
read -r got _ < "$T/download"
is "the download is whole" "$got" "${sum%% *}"
