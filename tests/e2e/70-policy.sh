#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# policy diff says what policy apply then does; what is refused leaves all as it was; counters survive.
. "$(dirname "$0")/lib.sh"
need bpftool

tcp() { out "$LIB/net.py" tcp $POD4 "$1" 0.7; }
write() { printf '%s' "$2" > "$T/$1"; } # write FILE.json TEXT
api() { curl -s -o "$T/answer" -w '%{http_code}' --unix-socket "$PORTLIC_SOCKET" "$@"; }
ports_of() { json 'sorted([p["port"], p["before"]["state"], p["after"]["state"], p["effect"], p["in_use"]] for c in d["changes"] for p in c["ports"] if p["port"])'; }
code() { "$@" > "$T/out" 2> "$T/err"; echo $?; }

setup
start_echo tcp 8080 9090 6379 7000
drop app.lic
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
for _ in 1 2 3; do tcp 8080 > "$T/out"; done

# --- diff: nothing changes
has "the rule sets can be dumped" "$(frozen)" "set "
write shop.json '{"name":"shop","match":{"gates":["pod"]},"open":[{"port":6379},{"ipproto":47}]}'
before=$(frozen)
is "policy diff: exit 0" "$(code portlic policy diff "$T/shop.json" -o json)" 0
cp "$T/out" "$T/diff.json"
is "... the gate gains it" "$(json '[d["file"], d["name"], d["gains"], d["loses"]]' < "$T/diff.json")" "['shop.json', 'shop', ['pod'], []]"
is "... 6379 would open, no other port" "$(ports_of < "$T/diff.json")" "[[6379, 'unlicensed', 'open', 'opens', False]]"
is "... and GRE" "$(json '[[p["protocol"], p["before"]["state"], p["after"]["state"]] for p in d["changes"][0]["ports"] if not p["port"]]' < "$T/diff.json")" "[['47', 'unlicensed', 'open']]"
is "... for people" "$(portlic policy diff "$T/shop.json" | tr -s ' ')" "gate pod: policy none -> shop
GATE PORT PROTO BEFORE AFTER EFFECT IN USE
pod 6379 TCP unlicensed open opens -
pod * 47 unlicensed open opens -"
is "... nothing has changed" "$(frozen)" "$before"
is "... 6379 is refused" "$(tcp 6379)" refused

# --- apply: the same, in force when it returns
conns=$(port 8080 'p["connections"]["allowed"]')
is "policy apply: exit 0" "$(code portlic policy apply "$T/shop.json" -o json)" 0
is "... 6379 is open at once" "$(tcp 6379)" ok
is "... it says what the diff said" "$(cmp "$T/out" "$T/diff.json" && echo same)" same
is "... the file stands in the directory" "$(cmp "$T/shop.json" "$T/policies.d/shop.json" && echo same)" same
is "... counters go on" "$(tcp 8080; port 8080 'p["connections"]["allowed"]')" "ok
$((conns + 1))"
is "applied again: no gate changes" "$(portlic policy apply "$T/shop.json")" "policy shop: in force as shop.json
no gate changes"
is "the list names it" "$(portlic policy list -o json | json 'd')" \
	"[{'file': 'shop.json', 'name': 'shop', 'state': 'ok', 'detail': None, 'mode': 'enforce', 'gates': ['pod'], 'in_force': ['pod']}]"

# --- refused: the last good one stays
write shop2.json '{"name":"shop","match":{"gates":["pod"]},"ports":[{"port":8080,"seats":0}]}'
mkdir "$T/bad" && cp "$T/shop2.json" "$T/bad/shop.json"
is "one that is wrong is refused: exit 1" "$(code portlic policy apply "$T/bad/shop.json")" 1
has "... by file and member" "$(cat "$T/err")" 'policy "shop.json": "ports"[0]: "seats"'
is "... so by diff" "$(code portlic policy diff "$T/bad/shop.json")" 1
is "... the file is as it was" "$(cmp "$T/shop.json" "$T/policies.d/shop.json" && echo same)" same
is "... and 6379 is open" "$(tcp 6379)" ok
printf '{' > "$T/policies.d/zz.json"
check "a broken file in the directory is listed as refused" eventually 10 sh -c "portlic policy list | grep -q 'zz.json .*refused'"
is "... and deleted" "$(portlic policy del zz.json; ls "$T/policies.d")" "policy zz.json: deleted
shop.json"
mv "$T/policies.d" "$T/away"
is "a directory that isn't there: exit 2, not lost in silence" "$(code portlic policy apply "$T/shop.json")" 2
has "... names the path" "$(cat "$T/err")" "$T/policies.d/shop.json"
mv "$T/away" "$T/policies.d"

# --- what is in use
out "$LIB/net.py" hold $POD4 6379 5 > "$T/hold" & hold=$!
PIDS+=("$hold")
eventually 10 has_clients 6379 || bail "a connection to 6379"
write shop.json '{"name":"shop","match":{"gates":["pod"]}}'
is "diff: a port in use would drain" "$(portlic policy diff "$T/shop.json" -o json 2> "$T/err" | ports_of)" "[[6379, 'open', 'draining', 'drains', True]]"
portlic policy diff "$T/shop.json" > "$T/out" 2> "$T/err"
has "... a warning says so" "$(cat "$T/err")" 'gate "pod": 6379/tcp is in use (1 client in the last day'
has "... with who is connected" "$(cat "$T/err")" 'connected now) and drains'
portlic policy apply "$T/shop.json" > "$T/out" 2> "$T/err"
is "applied: what was foretold" "$(port 6379 'p["state"]') $(tcp 6379)" "draining refused"
wait $hold
read -r how _ < "$T/hold"
is "... the connection goes on" "$how" open

# --- audit, and back: a port that only audit lets through is named by itself
write shop.json '{"name":"shop","match":{"gates":["pod"]},"mode":"audit"}'
portlic policy apply "$T/shop.json" > "$T/out"
has "to audit" "$(cat "$T/out")" "gate pod: mode enforce -> audit"
is "9090 passes" "$(tcp 9090)" ok
write shop.json '{"name":"shop","match":{"gates":["pod"]},"deny":"drop"}'
is "diff back: 9090 is in use and closes" "$(portlic policy diff "$T/shop.json" -o json | json '[[p["effect"], p["in_use"]] for p in d["changes"][0]["ports"] if p["port"] == 9090]')" "[['closes', True]]"
is "... 7000 isn't named" "$(portlic policy diff "$T/shop.json" -o json | json 'any(p["port"] == 7000 for p in d["changes"][0]["ports"])')" False
is "... the rest is one row" "$(portlic policy diff "$T/shop.json" -o json | json '[[p["name"], p["before"]["state"], p["after"]["state"], p["after"]["deny"]] for p in d["changes"][0]["ports"] if p["name"] == "other"]')" "[['other', 'audit', 'unlicensed', 'drop']]"
portlic policy apply "$T/shop.json" > "$T/out" 2>&1
is "applied: 9090 is dropped, 8080 open" "$(tcp 9090) $(tcp 8080)" "timeout ok"

# --- which policy holds
write 00.json '{"name":"first","match":{"gates":["p*"]},"open":[{"port":7000}]}'
is "an earlier name takes the gate over" "$(portlic policy diff "$T/00.json" -o json | json '[d["gains"], d["changes"][0]["policy"]]')" "[['pod'], {'before': 'shop', 'after': 'first'}]"
portlic policy apply "$T/00.json" > "$T/out"
is "... it does" "$(tcp 7000) $(tcp 9090)" "ok refused"
portlic policy apply "$T/shop.json" > "$T/out" 2> "$T/err"
has "a later one is warned about" "$(cat "$T/err")" 'file "00.json" comes first'
has "... and changes nothing" "$(cat "$T/out")" "no gate changes"
write 00.json '{"name":"first","match":{"gates":["nobody"]}}'
is "one that matches no more loses the gate" "$(portlic policy diff "$T/00.json" -o json | json '[d["loses"], d["changes"][0]["policy"]["after"], d["warnings"][0]]')" "[['pod'], 'shop', 'no gate that is there now matches it']"
check "policy del" portlic policy del 00.json
is "... at once, without a hold" "$(tcp 7000) $(portlic gate list -o json | json 'd[0]["policy"]')" "timeout shop"
agent_end TERM
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
is "... over a restart too" "$(portlic policy list -o json | json '[p["file"] for p in d]')" "['shop.json']"
is "policy del of nobody: exit 2" "$(code portlic policy del nobody.json)" 2

# --- gates that aren't touched, or aren't there
ip netns add "plx$$-own" && ip netns add "plx$$-late"
write own.json '{"name":"own"}'
portlic gate add pod-own --netns "plx$$-own" --policy "$T/own.json" > "$T/out"
portlic gate add pod-late --netns "plx$$-late" > "$T/out"
ip netns del "plx$$-late"
check "a gate waits for its namespace" eventually 10 sh -c "portlic gate list | grep -q 'pod-late .*waiting'"
write all.json '{"name":"all","match":{"gates":["pod*"]},"open":[{"port":7000}]}'
portlic policy diff "$T/all.json" -o json > "$T/out"
is "one matches all" "$(json '[d["gains"], sorted(c["gate"] for c in d["changes"])]' < "$T/out")" "[['pod', 'pod-late'], ['pod', 'pod-late']]"
has "... but for the gate with a policy of its own" "$(cat "$T/out")" 'gate \"pod-own\" has a policy of its own'
has "... and what a gate uses that isn't up, nobody knows" "$(cat "$T/out")" "gate \\\"pod-late\\\" isn't up (waiting)"

# --- requests that are mistakes
is "a file name that leads elsewhere: 400" "$(api -X POST "http://x/v1/policies?file=../x.json" -d '{}')" 400
is "no file name: 400" "$(api -X POST "http://x/v1/policies" -d '{}')" 400
is "dry=0 is no dry run, so it is none at all: 400" "$(api -X POST "http://x/v1/policies?file=x.json&dry=0" -d '{"name":"x"}')" 400
is "no body: 422" "$(api -X POST "http://x/v1/policies?file=x.json")" 422
is "... nothing was written" "$(ls "$T/policies.d")" shop.json
