#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Events reach executables and webhooks: whole, in order, again after a failure, and nothing waits for them.
. "$(dirname "$0")/lib.sh"
. "$LIB/authority.sh"
need openssl

target() { api /v1/status | json "next(($2) for n in d['notify'] if '$1' in n['target'])"; }
waits() { [ "$(target hang 'n["waiting"]')" = "$1" ]; }
lines() { [ "$(wc -l < "$1")" -ge "$2" ]; }
events() { python3 -c '
import json, sys
for line in sys.stdin:
    if not line.startswith("500"):
        e = json.loads(line[line.index("{"):])
        print(*(e.get(k) for k in sys.argv[1:]))' "${@:2}" < "$1"; }

pulse
make_pod
configure
vendor
certificate ca
certificate server ca
printf 'h00k-t0ken\n' > "$T/secret"
cat > "$T/take" << X
#!/bin/sh
# an executable of the operator's: its stdin, its environment and what else it was given
cat >> $T/taken.new
{ echo; echo "\$*"; env; pwd; ls -l /proc/self/fd; cat /proc/self/status; } > $T/given
cat $T/taken.new >> $T/taken; echo >> $T/taken; : > $T/taken.new
X
cat > "$T/hang" << X
#!/bin/sh
trap '' TERM
echo \$\$ >> $T/groups
[ -e $T/hang-no-more ] || sleep 600 &
[ -e $T/hang-no-more ] || wait
cat >> $T/hung; echo >> $T/hung
X
chmod +x "$T/take" "$T/hang"
configure_with "\"notify\":[{\"exec\":[\"$T/take\",\"one\",\"two words\"]},
 {\"webhook\":\"http://127.0.0.1:$HTTPS/hook?key=pathsecret\",\"events\":[\"license_state\"]},
 {\"webhook\":\"https://localhost:$((HTTPS + 1))/\",\"ca\":\"$T/ca.pem\",\"token_file\":\"$T/secret\",\"events\":[\"license_*\"]},
 {\"exec\":[\"$T/hang\"],\"timeout\":1,\"events\":[\"license_state\",\"license_rejected\"]},
 {\"webhook\":\"http://127.0.0.1:$((HTTPS + 2))/dead\",\"tries\":2,\"events\":[\"license_state\"]},
 {\"webhook\":\"https://127.0.0.1:$((HTTPS + 1))/\",\"events\":[\"license_state\"]}]"
: > "$T/taken"
: > "$T/hook"
: > "$T/tls"
printf 'fail 2' > "$T/hook.mode"
background "$LIB/hook.py" "$HTTPS" "$T/hook"
background "$LIB/hook.py" "$((HTTPS + 1))" "$T/tls" "$T/server.pem" "$T/server.key"
start_echo tcp 8080
agent_start
gate_up

for i in 1 2 3; do drop $i.lic "\"lid\":\"line-$i\"" "\"jti\":\"j$i\"" && sleep 0.2; done
start=$(now)
check "an executable hears of state changes" eventually 40 lines "$T/taken" 3
is "... in order" "$(events "$T/taken" event lid state | tr '\n' ',')" "license_state line-1 active,license_state line-2 active,license_state line-3 active,"
is "... with all that belongs to it" "$(head -n 1 "$T/taken" | json 'sorted(d)')" "['audience', 'deadline', 'event', 'file', 'id', 'level', 'lid', 'message', 'node', 'state', 'time']"
is "... the node, the audience, another id each time" "$(events "$T/taken" node audience | sort -u) $(events "$T/taken" id | sort -u | wc -l)" "$(cat /etc/machine-id 2> /dev/null) e2e 3"
has "it gets its arguments" "$(cat "$T/given")" "one two words"
is "... a minimal environment" "$(grep -E '^[A-Z_]+=' "$T/given" | grep -v '^PWD=\|^OLDPWD=\|^_=\|^SHLVL=' | sed 's/PATH=.*/PATH/' | sort | tr '\n' ' ')" "PATH PORTLIC_EVENT=license_state "
has "... the root as working directory" "$(grep '^/' "$T/given")" "/"
is "... no descriptor of the agent's but stderr" "$(grep -c -- ' -> ' "$T/given") $(grep -cE -- '(socket|anon_inode|bpf|lock|epoll)' "$T/given")" "4 0"
is "... and no blocked or ignored signal" "$(grep -E '^Sig(Blk|Ign)' "$T/given" | sed 's/0000000180000000/0000000000000000/' | awk '{ print $2 }' | sort -u)" 0000000000000000 # glibc's own two aside
check "a webhook that failed twice has all" eventually 40 lines "$T/hook" 5
is "... it failed twice indeed, then took them in order" "$(cut -f1 "$T/hook" | tr '\n' ' '; events "$T/hook" lid | tr '\n' ' ')" "500 500 200 200 200 line-1 line-2 line-3 "
is "... the same event each time" "$(head -n 3 "$T/hook" | cut -f4 | sort -u | wc -l)" 1
is "... as JSON" "$(cut -f3 "$T/hook" | sort -u)" application/json
check "a webhook by TLS with a private CA and a token" eventually 40 lines "$T/tls" 6
is "... hears of what it asked for" "$(events "$T/tls" event | sort -u | tr '\n' ' ') $(cut -f2 "$T/tls" | sort -u)" "license_loaded license_state  Bearer h00k-t0ken"
is "metrics count" "$(metric portlic_notify_total 'target="webhook http://127.0.0.1:'$HTTPS'"' 'result="delivered"') $(metric portlic_notify_total 'target="webhook http://127.0.0.1:'$HTTPS'"' 'result="failed"')" "3 2"

# those that fail
has "an executable that hangs is killed" "$(grep notify_failed "$T/agent.log")" "didn't end within 1 s"
is "... with what it started" "$(head -n 1 "$T/groups" | xargs pgrep -g)" ""
has "status warns of it" "$(portlic status)" "notify: \"exec $T/hang\" takes no events"
has "a webhook without the CA fails" "$(target "webhook https://127.0.0.1" 'n["error"]')" "certificate"
check "a dead webhook: an event is given up after its tries" eventually 40 grep -q "notify_lost target=\"webhook http://127.0.0.1:$((HTTPS + 2))\"" "$T/agent.log"
between "... and counted as lost" "$(metric portlic_notify_lost_total 'target="webhook http://127.0.0.1:'$((HTTPS + 2))'"')" 1 3
slowest=$(for _ in 1 2 3 4 5 6 7 8 9 10; do api /v1/status -o "$T/out" -w '%{time_total}\n'; done | sort -n | tail -n 1)
promptly "the API answers at once all the while" "$slowest" 0.8
is "no log has a secret" "$(grep -c 'h00k-t0ken\|pathsecret' "$T/agent.log")" 0

# bursts up to the bound of a queue and beyond it, a restart
is "what hangs holds its events" "$(target hang 'n["waiting"]')" 3
burst() { # burst FROM TO: as many rejected files in one step
	local i
	mkdir -p "$T/burst"
	for ((i = $1; i <= $2; i++)); do echo bad > "$T/burst/b$i.lic"; done
	mv "$T"/burst/*.lic "$T/licenses.d/"
}
burst 101 300
check "a burst waits" eventually 40 waits 203
check "... and the healthy one takes it whole" eventually 40 lines "$T/taken" 203
burst 301 400
check "a queue is bounded" eventually 40 waits 257
is "... and what it lost is counted" "$(metric portlic_notify_lost_total "target=\"exec $T/hang\"")" 46
is "... the healthy one has all, each once" "$(eventually 40 lines "$T/taken" 303; events "$T/taken" id | sort -u | wc -l)" 303
agent_end TERM
rm "$T"/licenses.d/b*.lic
touch "$T/hang-no-more"
agent_start
# a start tells nothing anew, so nothing more falls out
check "after a restart the events that waited are delivered" eventually 40 lines "$T/hung" 257
events "$T/hung" file lid > "$T/out"
is "... the one that was under way, then the newest, in order" "$(head -n 2 "$T/out" | tr '\n' ' ')$(sed -n 257p "$T/out") $(events "$T/hung" id | sort -u | wc -l)" "1.lic line-1 b145.lic None b400.lic None 257"
kept() { grep -q "exec $T/hang" "$T/state/notify.json"; }
gone() { ! kept; }
check "... and the state file has them no more" eventually 40 gone
is "no child is left unreaped" "$(ps -o stat= --ppid "$AGENT" | grep -c Z)" 0
start=$(now)
agent_end TERM
promptly "the agent ends at once" "$(since "$start")" 1.5

# what waited is a file of the agent's own; bytes that nobody wrote must not stop it
for odd in '[[{"event":"x"}]]' '"x"' '{"a":[1,{"event":2},{"event":"x"}],"b":7}' '{'; do
	echo "$odd" > "$T/state/notify.json"
	agent_start
	agent_end TERM
done
is "a state file of another shape: said, and the agent starts" "$(grep -c 'notify_lost.*notify.json.*are lost' "$T/agent.log")" 3

# a kill loses nothing that waited for more than a second
rm "$T/hang-no-more" "$T/hung"
agent_start
drop killed.lic '"lid":"killed"'
check "an event waits, on disk too" eventually 40 grep -q 'killed.lic' "$T/state/notify.json"
agent_end KILL
kill -KILL -- "-$(tail -n 1 "$T/groups")" # its executable hangs on: under systemd the unit ends it
touch "$T/hang-no-more"
agent_start
check "after a kill it is delivered" eventually 40 grep -q '"lid":"killed"' "$T/hung"
agent_end TERM
