# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# limits.sh - what the tests of rate, quota and TLS share. To be read behind lib.sh.

# shellcheck disable=SC2034 # for licenses
BLOCK='"window":3600,"over":"block"'
load() { out "$LIB/limits.py" "$@"; }
quota() { port "$1" "p[\"quota\"]$2"; }
certificate() { # $T/key.pem, $T/cert.pem
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=pod -days 2 -keyout "$T/key.pem" -out "$T/cert.pem" 2> /dev/null
}
# paced TEXT SECONDS pace|knock: 100 a second come to 8080, which gives 50 and 10 at once. Again if the machine
# stopped the client for longer than the bucket lasts.
paced() {
	local n secs gap
	for _ in 1 2 3 4; do
		sleep 0.3
		read -r n secs gap < <(load "$3" $POD4 8080 100 "$2")
		awk -v g="$gap" 'BEGIN { exit g > 0.15 }' && break
	done
	between "$1: admitted in $secs s" "$n" "$(awk -v s="$secs" 'BEGIN { print 50 * s - 1 }')" "$(awk -v s="$secs" 'BEGIN { print 50 * s + 10 }')"
}
