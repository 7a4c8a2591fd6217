#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# The agent's two HTTP servers: clients that hold their connections.
. "$(dirname "$0")/lib.sh"

setup
# idle ADDRESS|PATH N SECONDS: N connections with half a request, held for so long
idle() {
	python3 - "$@" << 'P'
import socket, sys, time
where, n, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
held = []
for _ in range(n):
    s = socket.socket(socket.AF_UNIX if where[0] == "/" else socket.AF_INET)
    s.settimeout(1)
    try:
        s.connect(where if where[0] == "/" else (where.split(":")[0], int(where.split(":")[1])))
        s.sendall(b"GET /healthz HT")
    except OSError:
        pass
    held.append(s)
print("held", flush=True)
time.sleep(seconds)
P
}
api() { curl -s -m 2 -o "$T/got" -w '%{http_code}' --unix-socket "$PORTLIC_SOCKET" "http://portlic$1"; }

idle "$METRICS" 70 3 > "$T/idle" &
PIDS+=($!)
eventually 10 grep -q held "$T/idle"
sleep 0.3
is "70 idle clients of one address leave room for others" "$(curl -s -m 2 --interface 127.0.0.9 -o "$T/got" -w '%{http_code}' "http://$METRICS/healthz")" 200
is "... the local API answers" "$(api /v1/status)" 200
wait "${PIDS[-1]}"
check "... and are gone without a trace" eventually 10 curl -sf -m 1 "http://$METRICS/healthz"

# the limit as a whole, and all of them gone at one stroke
idle "$PORTLIC_SOCKET" 70 1 > "$T/idle" &
PIDS+=($!)
eventually 10 grep -q held "$T/idle"
kill -STOP "$AGENT"
wait "${PIDS[-1]}"
kill -CONT "$AGENT"
check "70 idle clients of the local API came and went: it answers again" eventually 10 curl -sf -m 1 --unix-socket "$PORTLIC_SOCKET" http://portlic/healthz
is "... and again" "$(api /v1/gates)" 200

# six requests at once for one namespace
portlic gate del pod > "$T/out"
race() {
	local i pids=()
	for i in 1 2 3 4 5 6; do
		curl -s -m 10 -o "$T/got$i" -w '%{http_code}\n' --unix-socket "$PORTLIC_SOCKET" -d "{\"name\":\"race$i\",\"netns\":\"/run/netns/$POD\"}" \
			http://portlic/v1/gates >> "$T/codes" &
		pids+=($!)
	done
	wait "${pids[@]}"
	sort "$T/codes" | uniq -c | awk '{ printf "%s%s x %s", sep, $1, $2; sep = ", " }'
}
is "six gates for one namespace at once: one comes up" "$(race)" "1 x 201, 5 x 409"
is "... and is listed alone" "$(portlic gate list -o json | json 'len(d)')" 1
