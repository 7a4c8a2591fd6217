#!/bin/bash
# SPDX-License-Identifier: MIT
# A renewal by a Kubernetes-style swap of `..data` loses no connection, and a directory that is swapped for another
# is read whole.
. "$(dirname "$0")/lib.sh"

version() { # version N TOKEN: a new ..N directory, then the symlink renamed over ..data
	mkdir "$T/licenses.d/..$1"
	cp "$2" "$T/licenses.d/..$1/app.lic"
	ln -s "..$1" "$T/licenses.d/..tmp"
	mv -T "$T/licenses.d/..tmp" "$T/licenses.d/..data"
	[ -L "$T/licenses.d/app.lic" ] || ln -s ..data/app.lic "$T/licenses.d/app.lic"
}
pulse
setup
start_echo tcp 8080 8081
sign '"seq":1' > "$T/one"
sign '"seq":2' '"jti":"two"' '"ports":[{"port":8080},{"port":8081}]' > "$T/two"
sign '"seq":3' '"jti":"three"' > "$T/three"
start=$(now)
version 1 "$T/one"
promptly "a mounted Secret is in force within 1 s" "$(since "$start" "$(out "$LIB/net.py" wait ok $POD4 8080 10)")" 1
out "$LIB/net.py" loop $POD4 8080 5 > "$T/loop" & loop=$!
PIDS+=("$loop")
sleep 0.5
start=$(now)
version 2 "$T/two"
rm -r "$T/licenses.d/..1"
promptly "the swap opens 8081 within 1 s" "$(since "$start" "$(out "$LIB/net.py" wait ok $POD4 8081 10)")" 1
is "seq 2 is listed" "$(portlic license list -o json | json 'max(l["seq"] or 0 for l in d)')" 2
version 3 "$T/three"
rm -r "$T/licenses.d/..2"
check "a downgrade shuts 8081 to new connections" eventually 10 sh -c "[ \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8081) = refused ]"
wait $loop
read -r tries failures < "$T/loop"
between "a connect loop ran across both swaps" "$tries" 50 100000
is "... without one failure" "$failures" 0
