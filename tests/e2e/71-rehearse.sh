#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# rehearse changes nothing, and what it foretells is what then happens.
. "$(dirname "$0")/lib.sh"
need bpftool

tcp() { out "$LIB/net.py" tcp $POD4 "$1" 0.7; }
code() { "$@" > "$T/out" 2> "$T/err"; echo $?; }
rehearse() { portlic rehearse -o json "$@"; }
foretold() { json '[[p["port"], p["to"]] for p in d["results"] if p["port"]]'; }
real() { portlic port list pod -o json | json '[[p["port"], p["state"]] for p in d if p["port"]]'; }
effects() { json '"\n".join("%s %s %s %s %s" % tuple(p[k] for k in ("port", "to", "effect", "reason", "in_use")) for p in d["results"] if p["port"])'; }
of() { json "next([p['to'], p['effect'], p['reason'], p['in_use']] for p in d['results'] if p['port'] == $1)"; }
stamp() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
moved() { # moved FILE TYP CLAIMS: signed without the checks of `license sign`, and into the license directory
	/usr/bin/python3 - "$T/vendor.jwk" "$2" "$3" > "$T/token" << 'P'
import json, sys, time, jwt
path, typ, fields = sys.argv[1:]
key = jwt.algorithms.OKPAlgorithm.from_jwk(open(path).read())
now = int(time.time())
claims = {"iss": "https://vendor.example", "iat": now - 10, "exp": now + 6000, **json.loads(fields)}
print(jwt.encode(claims, key, algorithm="EdDSA", headers={"typ": typ, "kid": "vendor-1"}))
P
	mv "$T/token" "$T/licenses.d/$1"
}

setup
start_echo tcp 8080 8081 8082 8083 8084 8085 8086 8087 8092
drop keep.lic '"lid":"keep"' '"jti":"keep"' '"ports":[{"port":8080}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"

# --- it only looks
sign '"lid":"keep"' '"jti":"k2"' '"seq":2' "\"exp\":$(in_s 7200)" '"ports":[{"port":8080},{"port":9000}]' > "$T/keep.lic"
before=$(frozen)
has "there is something to leave alone" "$before" "set "
for args in "--at +30d" "--without keep" "--with $T/keep.lic" "--without keep --with $T/keep.lic --at +12h --all" "--gate pod --at +30d"; do
	# shellcheck disable=SC2086
	code portlic rehearse $args > "$T/code"
done
is "five rehearsals: rule sets, generation, counters and files are as they were" "$(frozen)" "$before"
rm -f "$T/out"

# --- in a few seconds all this happens at once
T0=$(date +%s) && AT=$((T0 + 16))
drop soft.lic '"lid":"soft"' '"jti":"soft"' "\"exp\":$((AT - 1))" '"ports":[{"port":8081}]'
drop hard.lic '"lid":"hard"' '"jti":"hard"' "\"exp\":$((AT - 1))" '"lapse":"block"' '"ports":[{"port":8082}]'
drop grace.lic '"lid":"grace"' '"jti":"grace"' "\"exp\":$((AT - 1))" '"grace":600' '"ports":[{"port":8083}]'
drop report.lic '"lid":"report"' '"jti":"report"' "\"exp\":$((AT - 1))" '"lapse":"report"' '"ports":[{"port":8084}]'
# seq 2 begins, for an agent with its 300 s of slack, one second before AT; it leaves 8085 out
drop old.lic '"lid":"line"' '"jti":"o1"' '"ports":[{"port":8085},{"port":8086}]'
drop new.lic '"lid":"line"' '"jti":"o2"' '"seq":2' "\"nbf\":$((AT + 299))" "\"exp\":$((AT + 9000))" '"ports":[{"port":8086},{"port":8087}]'
# a renewal as it should be: it begins where the one before ends
drop r1.lic '"lid":"renewed"' '"jti":"r1"' "\"exp\":$((AT - 1))" '"ports":[{"port":8092}]'
drop r2.lic '"lid":"renewed"' '"jti":"r2"' '"seq":2' "\"nbf\":$((AT - 1))" "\"exp\":$((AT + 9000))" '"ports":[{"port":8092}]'
drop gone.lic '"lid":"gone"' '"jti":"gone"' '"ports":[{"port":8088}]'
moved r.rl portlic-rl+jwt "{\"seq\":1,\"revoked\":[{\"jti\":\"gone\",\"at\":$((AT - 1))}]}"
# a token of a vendor whose clock is ahead: rejected for now, taken once its iat is less than 300 s ahead
moved ahead.lic portlic+jwt "{\"sub\":\"c\",\"aud\":\"e2e\",\"ver\":1,\"lid\":\"ahead\",\"jti\":\"ahead\",\"seq\":1,\"iat\":$((AT + 298)),\"ports\":[{\"port\":8089}]}"
eventually 10 sh -c "portlic license list | grep -q '^active *gone' && portlic license list | grep -q 'ahead.lic *iat_future'" || bail "all is loaded" "$(portlic license list)"
for p in 8080 8081 8083 8085 8086; do [ "$(tcp $p)" = ok ] || bail "$p is open"; done

is "rehearse: a port in use would close: exit 1" "$(code rehearse --at $AT)" 1
cp "$T/out" "$T/at.json"
is "... ok is false, at is told" "$(json '[d["ok"], d["at"]]' < "$T/at.json")" "[False, '$(stamp $AT)']"
# block-new, block, grace, report; left out by the renewal, in both, in the renewal alone; revoked; from the future; a renewal in time
is "... each kind of end, and of renewal" "$(effects < "$T/at.json")" \
	"8080 licensed keeps None True
8081 draining drains lapsed True
8082 lapsed cuts lapsed False
8083 grace keeps None True
8084 audit keeps lapsed False
8085 draining drains withdrawn True
8086 licensed keeps None True
8087 licensed opens None False
8088 draining drains revoked False
8089 licensed opens None False
8092 licensed keeps None False"
portlic rehearse --at "$(stamp $AT)" > "$T/out"
has "in words: who, when" "$(cat "$T/out")" "gate pod: $(stamp $AT): 8081/tcp would refuse, and drain until $(stamp $((AT + 299))); 1 client in the last day"
has "... and why" "$(cat "$T/out")" "; soft lapsed"
has "... the one that cuts" "$(cat "$T/out")" "8082/tcp would refuse, and cut what stands; not used in the last day; hard lapsed"
is "... only what changes" "$(grep -c . "$T/out")" 8
is "... all with --all" "$(portlic rehearse --at $AT --all | grep -c .)" 12
far=$((AT + 3600 * 24 * 300))
rehearse --at $far > "$T/far.json"
is "far ahead the drain is over: it closes" "$(of 8081 < "$T/far.json")" "['lapsed', 'closes', 'lapsed', True]"
is "... so does what was withdrawn" "$(rehearse --at $((AT + 310)) | of 8085)" "['unlicensed', 'closes', 'withdrawn', True]"
has "... in these words" "$(cat "$T/far.json")" "$(stamp $far): 8081/tcp would refuse; 1 client in the last day"
has "... with the clients counted" "$(cat "$T/far.json")" '"clients_last_day":1'
is "before the end nothing closes: exit 0" "$(code rehearse --at $((AT - 2)))" 0

# a renewal would keep it open
sign '"lid":"soft"' '"jti":"s2"' '"seq":2' "\"exp\":$(in_s 7200)" '"ports":[{"port":8081}]' > "$T/soft2.lic"
is "with a renewal: it stays" "$(rehearse --at $AT --with "$T/soft2.lic" | of 8081)" "['licensed', 'keeps', None, True]"
sign '"lid":"soft"' '"jti":"s3"' '"seq":3' "\"nbf\":$((T0 + 1000))" "\"exp\":$((T0 + 9000))" '"ports":[{"port":8081}]' > "$T/soft.lic"
is "one under the same name that begins too late: it would shut now" "$(rehearse --with "$T/soft.lic" | of 8081)" "['pending', 'drains', 'not_yet_valid', True]"

# --- and now it happens
is "until then all is as it was" "$(tcp 8081) $(tcp 8082) $(tcp 8087)" "ok ok refused"
out "$LIB/net.py" loop $POD4 8092 $((AT + 1 - $(date +%s))) > "$T/loop"
want=$(foretold < "$T/at.json")
has_come() { [ "$(real)" = "$want" ]; }
eventually 10 has_come # a state is seen at the agent's next tick
is "it has come as foretold, state by state" "$(real)" "$want"
read -r tries failures < "$T/loop"
is "... and the renewed port never refused anybody" "$failures" 0
between "... in so many connections" "$tries" 100 100000
is "... to connections too" "$(for p in 8080 8081 8082 8083 8084 8085 8086 8087; do tcp $p; done | xargs)" \
	"ok refused refused ok ok refused ok ok"

# --- loaded as rehearsed, unloaded as rehearsed
rehearse --with "$T/soft2.lic" > "$T/with.json"
is "with the renewal: 8081 opens again" "$(of 8081 < "$T/with.json")" "['licensed', 'opens', None, True]"
portlic license load "$T/soft2.lic" > "$T/out" 2>&1
is "loaded: as foretold" "$(real)" "$(foretold < "$T/with.json")"
is "without it: exit 1" "$(code rehearse --without s2.nobody)" 2
has "... an unknown lid is a mistake" "$(cat "$T/out")" "no license in force has the lid or file name"
is "without keep: exit 1" "$(code rehearse --without keep)" 1
cp "$T/out" "$T/without.json"
is "... 8080 drains" "$(of 8080 < "$T/without.json")" "['draining', 'drains', 'withdrawn', True]"
portlic license unload keep > "$T/out"
is "unloaded: as foretold" "$(real)" "$(foretold < "$T/without.json")"
drop idle.lic '"lid":"idle"' '"jti":"idle"' '"ports":[{"port":8091}]'
eventually 10 sh -c "portlic license list | grep -q '^active *idle'"
is "a port that nobody uses may close: exit 0" "$(code portlic rehearse --without idle)" 0
has "... and is told" "$(cat "$T/out")" "8091/tcp would refuse, and drain"
rm "$T/licenses.d/grace.lic"
eventually 10 sh -c "portlic status | grep -q 'grace.lic.* is gone'"
is "a file that is gone: held for now" "$(rehearse --at +20s | of 8083)" "['grace', 'keeps', None, True]"
is "... and withdrawn after its hold" "$(rehearse --at +70s | of 8083)" "['draining', 'drains', 'withdrawn', True]"

rm "$T/trust.d/vendor.jwks"
eventually 10 sh -c "portlic status | grep -q 'vendor.jwks.* is gone'"
is "so is the vendor's trust file, and with it all that it signed" "$(rehearse --at +20s | of 8087) $(rehearse --at +70s | of 8087)" \
	"['licensed', 'keeps', None, True] ['draining', 'drains', 'withdrawn', True]"
cp "$T/vendor.jwks" "$T/trust.d/"
eventually 10 sh -c "! portlic status | grep -q 'vendor.jwks.* is gone'"

# --- refused, and mistaken
portlic license keygen --iss https://vendor.example --kid thief-1 --out "$T/thief" > "$T/out"
VENDOR=thief sign > "$T/bad.lic"
is "a license that a load would reject: exit 1" "$(code portlic rehearse --with "$T/bad.lic")" 1
has "... with the reason" "$(cat "$T/err")" 'license "bad.lic" is rejected (unknown_kid)'
is "... as JSON" "$(portlic rehearse --with "$T/bad.lic" -o json | json 'd["reason"]')" unknown_kid
printf 'a\0b' > "$T/x.lic"
is "bytes that are no token: exit 1" "$(code portlic rehearse --with "$T/x.lic")" 1
has "... bad_framing" "$(cat "$T/err")" bad_framing
sign '"lid":"else"' > "$T/old.lic"
is "a name that another line has: exit 2, as load" "$(code portlic rehearse --with "$T/old.lic")" 2
has "... says which" "$(cat "$T/err")" 'holds license line "line"'
is "a file that isn't there: exit 2" "$(code portlic rehearse --with "$T/none.lic")" 2
is "a past time: exit 2" "$(code portlic rehearse --at 2020-01-01T00:00:00Z)" 2
has "... says so" "$(cat "$T/err")" "is past"
is "a time beyond the kernel's clock: exit 2" "$(code portlic rehearse --at 9000-01-01T00:00:00Z)" 2
is "no time: exit 2" "$(code portlic rehearse --at tomorrow)" 2
has "... says what one is" "$(cat "$T/err")" "+30d"
is "an unknown gate: exit 2" "$(code portlic rehearse --at +1d --gate nobody)" 2
is "nothing asked: exit 2" "$(code portlic rehearse)" 2
is "an unknown member: 400" "$(curl -s -o "$T/answer" -w '%{http_code}' --unix-socket "$PORTLIC_SOCKET" http://x/v1/rehearse -d '{"at":"+1d","dryrun":true}')" 400
is "no JSON: 400" "$(curl -s -o "$T/answer" -w '%{http_code}' --unix-socket "$PORTLIC_SOCKET" http://x/v1/rehearse -d '{')" 400

# --- a gate that isn't up
ip netns add "plx$$-late"
portlic gate add late --netns "plx$$-late" > "$T/out"
ip netns del "plx$$-late"
eventually 10 sh -c "portlic gate list | grep -q 'late .*waiting'"
portlic rehearse --gate late --at +300d > "$T/out" 2> "$T/err"
has "a gate that isn't up: what it would be" "$(cat "$T/out")" "gate late: "
has "... and that nobody knows its use" "$(cat "$T/err")" "gate \"late\" isn't up (waiting)"
