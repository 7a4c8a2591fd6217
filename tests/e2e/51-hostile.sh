#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# An authority that stalls, truncates, lies, replays and redirects changes nothing, and nothing waits for it.
. "$(dirname "$0")/lib.sh"
. "$LIB/authority.sh"
need openssl

mode() { printf '%s\n' "$1" > "$T/new-mode" && mv "$T/new-mode" "$T/mode"; }
# is_refused MODE RESULT WORDS [SOURCE]: with this mode the result is that, in these words, and the copies stay
is_refused() {
	mode "$1"
	local got
	# a copy is named by its source and what it is
	got=$(pulled "${4:-acme}" 'p["result"] + ": " + str(p["error"]) if [f.replace("slow~", "acme~") for f in p["files"]] == '"$GOOD"' else p["files"]')
	case $got in
	"$2: "*"$3"*) ok "$1: $2, and why; the good copy stays" ;;
	*) not_ok "$1: $2, and why; the good copy stays" "$got" ;;
	esac
}

pulse
make_pod
configure
vendor
mkdir "$T/www"
serve good.lic '"seq":5' '"jti":"good"'
serve old.lic '"seq":4' '"jti":"old"' '"ports":[{"port":8080},{"port":8082}]'
serve audience.lic '"aud":"elsewhere"' '"lid":"a"' '"ports":[{"port":8082}]'
portlic license keygen --iss https://other.example --kid stranger --out "$T/other" > "$T/out"
VENDOR=other serve other.lic '"iss":"https://other.example"' '"lid":"o"' '"ports":[{"port":8082}]'
serve_list list.rl 7 '[{"lid":"nobody","at":1}]'
cp "$T/www/list.rl" "$T/www/newest.rl"
serve_list list.rl 6 '[]'
mode "file good.lic"
hostile_start
printf 's3cret-t0ken' > "$T/secret"
base=https://127.0.0.1:$HTTPS common="\"ca\":\"$T/ca.pem\",\"timeout\":7"
configure_with "\"pull\":[{\"name\":\"acme\",\"url\":\"$base/l\",\"token_file\":\"$T/secret\",$common},
 {\"name\":\"slow\",\"url\":\"$base/l\",\"ca\":\"$T/ca.pem\",\"timeout\":5},
 {\"name\":\"wrong\",\"url\":\"https://127.0.0.1:$((HTTPS + 2))/there/good.lic\",$common},
 {\"name\":\"plain\",\"url\":\"https://127.0.0.1:$((HTTPS + 3))/there/good.lic\",\"ca\":\"$T/ca.pem\",\"timeout\":3},
 {\"name\":\"small\",\"url\":\"$base/there/good.lic\",\"max_bytes\":100,$common},
 {\"name\":\"old\",\"revocations\":\"$base/there/list.rl\",$common},
 {\"name\":\"new\",\"revocations\":\"$base/there/newest.rl\",$common}]"
start_echo tcp 8080 8081 8082
agent_start
gate_up
check "an honest answer opens 8080" opens 8080
descriptors() { find "/proc/$AGENT/fd" -mindepth 1 | wc -l; }
quiet() { api /v1/pull | json 'all(p["tries"] and not p["running"] for p in d)' | grep -q True; }
eventually 30 quiet
DESCRIPTORS=$(descriptors)
GOOD=$(pull_of acme 'p["files"]')

# while it stalls
mode stall
api "/v1/pull?source=slow" -X POST > "$T/out"
check "a pull hangs" eventually 10 sh -c "curl -s --unix-socket $T/portlicd.sock http://portlic/v1/pull | grep -q '\"running\":true'"
drop dropped.lic '"lid":"dropped"' '"ports":[{"port":8081}]'
start=$(now)
check "... and a license that is dropped opens its port" opens 8081
promptly "... as soon as ever" "$(since "$start")" 1
is "... and every connection is judged" "$(out "$LIB/net.py" loop $POD4 8080 0.5 | awk '{ print ($1 > 10) " " $2 }')" "1 0"
slowest=$(for _ in 1 2 3 4 5 6 7 8 9 10; do api /v1/status -o "$T/out" -w '%{time_total}\n'; done | sort -n | tail -n 1)
promptly "... and the API answers at once" "$slowest" 1
is "... and the pull hangs still" "$(pull_of slow 'p["running"]')" True
check "... until its time is over" eventually 20 sh -c "curl -s --unix-socket $T/portlicd.sock http://portlic/v1/pull | grep -q '\"source\":\"slow\".*\"result\":\"failed\"'"
is_refused stall-body failed "timed out" slow
is_refused drip failed "timed out" slow

# what doesn't arrive whole
is_refused short failed "bytes remaining to read"
is_refused cut-chunk failed "outstanding read data"
is_refused big failed "more than 65536 bytes"
is_refused big-unsaid failed "more than 65536 bytes"
is_refused headers failed "header"
is_refused no-http failed "HTTP/0.9"
is_refused "500 Broken" failed "answered 500"
is_refused "404 Not Found" failed "answered 404"
is_refused "204 No Content" failed "answered 204"

# what arrives and isn't good
is_refused torn rejected "bad_framing"
is_refused garbage rejected "bad_framing"
is_refused page rejected "bad_framing"
is_refused empty rejected "bad_framing"
is_refused bomb rejected "bad_framing"
is_refused "file other.lic" rejected "unknown_kid"
is_refused "file audience.lic" rejected "wrong_audience"
is_refused "file old.lic" rejected "older than what this source gave before"
is "... and nothing of all that opened a port, or shut one" "$(out "$LIB/net.py" tcp $POD4 8080) $(out "$LIB/net.py" tcp $POD4 8082)" "ok refused"
is_refused "file newest.rl" rejected "bad_typ"

# elsewhere
is_refused "redirect file:///$T/www/good.lic" failed '"file" not supported'
is_refused "redirect http://127.0.0.1:$((HTTPS + 3))/there/good.lic" failed '"http" not supported'
is_refused loop failed "redirects"
is_refused "redirect https://127.0.0.1:$((HTTPS + 2))/there/good.lic" failed "certificate"
mode "redirect https://127.0.0.1:$((HTTPS + 1))/there/good.lic"
is "an honest redirect is followed" "$(pulled acme)" same
is "... without the token" "$(grep "^$((HTTPS + 1)) " "$T/requests" | tail -n 1)" "$((HTTPS + 1)) /there/good.lic "
has "... which the first server got" "$(grep "^$HTTPS /l" "$T/requests" | tail -n 1)" "Bearer s3cret-t0ken"
for name in wrong plain; do
	is "a $name server: failed" "$(pull_of $name 'p["result"]')" failed
done
has "... by its certificate" "$(pull_of wrong 'p["error"]')" "certificate"
is "max_bytes holds" "$(pull_of small 'p["result"], p["error"]')" "('failed', 'the answer has more than 100 bytes')"

# lists
is "a list that is there: the same" "$(pulled new)" same
is "a list is replayed: rejected" "$(pulled old)" rejected
has "... and why" "$(pull_of old 'p["error"]')" "a newer list of its issuer is in force"

# validators, pauses
mode etag
is "monstrous validators: the license is taken" "$(pulled acme)" same
mode unasked
is "... and a 304 for the copy that is there counts" "$(pulled acme)" same
after() { # seconds from the last try to the next
	pull_of "$1" '__import__("datetime").datetime.fromisoformat(p["next"][:-1]).timestamp() - __import__("datetime").datetime.fromisoformat(p["last_attempt"][:-1]).timestamp()'
}
is_refused busy failed "answered 503"
between "... and its Retry-After is kept" "$(after acme)" 100 112
is_refused busy-for-ever failed "answered 503"
between "... within bounds" "$(after acme)" 20000 24000
mode "file good.lic"
is "honest again" "$(pulled acme)" same
between "... and the interval holds again" "$(after acme)" 19000 24000
is "its event comes once for one reason" "$(grep -c 'pull_rejected.*unknown_kid' "$T/agent.log") $(grep -c 'pull_recovered source="acme"' "$T/agent.log")" "1 2"
is "no log has the token" "$(grep -c 's3cret' "$T/agent.log")" 0
between "rejections are counted" "$(metric portlic_pull_total 'source="acme"' 'result="rejected"')" 9 9
few() { [ "$(descriptors)" -le $((DESCRIPTORS + 1)) ]; } # the API's connection may be closing
check "no descriptor is left behind by all that" eventually 10 few
start=$(now)
mode stall
api "/v1/pull?source=acme" -X POST > "$T/out"
agent_end TERM
promptly "the agent ends at once in the midst of a pull" "$(since "$start")" 1.5
