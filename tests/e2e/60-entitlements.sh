#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# What an application reads: entitlements.json of its gate and GET /v1/entitlements, over an upgrade, a
# downgrade, a restart and gate del; a reader never sees a torn or missing file; an unwritable or
# tampered directory is an alarm and no more.
. "$(dirname "$0")/lib.sh"

pulse
umask 077 # as the systemd unit has it
setup
DIR=$T/entitlements FILE=$T/entitlements/pod/entitlements.json
e() { json "$1" < "$FILE"; } # e EXPRESSION of d
says() { [ "$(e "$1" 2> /dev/null)" = "$2" ]; }
get() { curl -s --unix-socket "$PORTLIC_SOCKET" "http://portlic/v1/entitlements$1"; }
warned() { portlic status -o json | json 'any("applications read old entitlements" in w for w in d["warnings"])'; }

check "a gate without a license has a file" eventually 10 test -f "$FILE"
is "... which says that there is nothing" "$(e '[d["gate"], d["audience"], d["plan"], d["features"], d["expires"], d["deadline"], d["licenses"]]')" \
	"['pod', 'e2e', None, [], None, None, []]"
is "modes of the file and its directories" "$(stat -c %a "$FILE" "$DIR/pod" "$DIR" | xargs)" "444 755 755"
inode=$(stat -c %i "$DIR/pod")

# A reader as fast as it can be, by the directory's descriptor as a mount has it, all through what follows.
cat > "$T/reader.py" << 'P'
import json, os, sys, time
fd, n, bad, seen = os.open(sys.argv[1], os.O_RDONLY), 0, [], set()
while not os.path.exists(sys.argv[2]) and len(bad) < 9:
    n += 1
    if n == 2:
        open(sys.argv[2] + ".on", "w").close()
    try:
        f = os.open("entitlements.json", os.O_RDONLY, dir_fd=fd)
        text = b"".join(iter(lambda: os.read(f, 65536), b""))
        os.close(f)
        seen.add(str(json.loads(text)["plan"]))
    except (OSError, ValueError) as e:
        bad.append(repr(e))
    others = set(os.listdir(fd)) - {"entitlements.json"}
    if others:
        bad.append(str(others))
    time.sleep(0.002)
print(n, len(bad), ",".join(sorted(seen)), *bad[:3])
P
python3 "$T/reader.py" "$DIR/pod" "$T/stop" > "$T/read" 2>&1 & reader=$!
PIDS+=("$reader")
eventually 10 test -e "$T/stop.on" || bail "the reader"

basic='"plan":"basic"' pro='"plan":"pro"'
basic_is='"features":["export"]' pro_is='"features":["sso","export","cluster"]'
sign "$basic" "$basic_is" '"grace":86400' '"seats":5' > "$T/token"
start=$(now)
mv "$T/token" "$T/licenses.d/app.lic"
check "a license: the file says its plan" eventually 10 says 'd["plan"]' basic
promptly "... within 1 s" "$(since "$start" "$(stat -c %.Y "$FILE")")" 1
is "... and features" "$(e 'd["features"]')" "['export']"
is "... license" "$(e '[(l["lid"], l["sub"], l["plan"], l["state"], l["warn"], l["seats"], l["ports"]) for l in d["licenses"]]')" \
	"[('line-1', 'customer', 'basic', 'active', False, 5, ['8080/tcp'])]"
is "... port" "$(e '[(p["port"], p["end_port"], p["protocol"], p["state"]) for p in d["ports"]]')" "[(8080, 8080, 'TCP', 'licensed')]"
when='__import__("datetime").datetime.fromisoformat(d["%s"].replace("Z", "+00:00")).timestamp()'
t() { e "int(${when/\%s/$1})"; }
is "... it ends with its grace" "$(($(t deadline) - $(t expires)))" 86400
is "... remaining_seconds is that from as_of on" "$(e 'd["licenses"][0]["remaining_seconds"]')" "$(($(t deadline) - $(t as_of)))"
is "... of the port too" "$(e 'd["ports"][0]["deadline"] == d["deadline"]')" True

sign "$pro" "$pro_is" '"seq":2' '"ports":[{"port":8080},{"port":9000,"endPort":9010,"protocol":"UDP"}]' \
	'"quota":{"bytes":1000000,"window":3600}' > "$T/token"
start=$(now)
mv "$T/token" "$T/licenses.d/app.lic"
check "an upgrade" eventually 10 says 'd["plan"]' pro
promptly "... within 1 s" "$(since "$start" "$(stat -c %.Y "$FILE")")" 1
is "... features are sorted" "$(e 'd["features"]')" "['cluster', 'export', 'sso']"
is "... quota" "$(e 'd["licenses"][0]["quota"]')" "{'connections': None, 'bytes': 1000000, 'window': 3600, 'over': 'report', 'scope': 'pod'}"
is "... ports" "$(e '[(p["port"], p["end_port"], p["protocol"], p["state"]) for p in d["ports"]]')" \
	"[(8080, 8080, 'TCP', 'licensed'), (9000, 9010, 'UDP', 'licensed')]"
is "... the superseded license is left out" "$(e 'len(d["licenses"])')" 1

sign "$basic" "$basic_is" '"seq":3' > "$T/basic.lic"
cp "$T/basic.lic" "$T/app.lic"
check "a downgrade by license load" portlic license load "$T/app.lic"
is "... is in the file when the command returns" "$(e '[d["plan"], d["features"]]')" "['basic', ['export']]"
check "... the port it lost is told" says '[p["state"] for p in d["ports"] if p["port"] == 9000]' "['unlicensed']"

drop addon.lic '"lid":"addon"' '"features":["reports"]' '"ports":[]' '"exp":'"$(in_s 9)"
check "an add-on joins in" eventually 10 says 'd["features"]' "['export', 'reports']"
is "... its end takes something away: it is the deadline" "$(($(t deadline) - $(t as_of) < 10))" 1
check "... when it ends its feature goes" eventually 15 says 'd["features"]' "['export']"
is "... and the lapsed license is there to explain" "$(e '[(l["lid"], l["state"], l["remaining_seconds"]) for l in d["licenses"] if l["lid"] == "addon"]')" "[('addon', 'lapsed', 0)]"
drop next.lic "$basic" "$basic_is" '"seq":4' '"nbf":'"$(in_s 3000)" '"exp":'"$(in_s 90000)"
check "a renewal loaded ahead moves the deadline" eventually 10 says '"%d" % (('"${when/\%s/deadline}"' - '"${when/\%s/as_of}"') > 80000)' 1
is "... pending" "$(e '[l["state"] for l in d["licenses"] if l["lid"] == "line-1"]')" "['active', 'pending']"

# the API
is "GET /v1/entitlements has the file's object for each gate" \
	"$(get '' | json '[(g["gate"], g["plan"], g["features"], len(g["ports"])) for g in d]')" "$(e '[(g["gate"], g["plan"], g["features"], len(g["ports"])) for g in [d]]')"
is "... of one gate" "$(get '?gate=pod' | json 'len(d)')" 1
has "... of nobody" "$(get '?gate=nobody')" 'there is no gate'
is "nothing secret: no token, no file, no issuer" "$(e 'sorted(d) + sorted(d["licenses"][0])' | tr -d "[],'")" \
	"as_of audience deadline expires features gate licenses plan ports deadline exp features lid nbf plan ports remaining_seconds seats state sub warn"

# restart
agent_end KILL
is "the agent is dead: the file is there" "$(e 'd["plan"]')" basic
before=$(stat -c %i "$FILE")
agent_start
fresh() { [ "$(stat -c %i "$FILE")" != "$before" ]; }
check "it is written anew by the next agent" eventually 10 fresh
is "... with the ports of before" "$(e '[(p["port"], p["state"]) for p in d["ports"]][:1]')" "[(8080, 'licensed')]"

touch "$T/stop"
wait "$reader"
read -r n bad seen why < "$T/read"
between "a reader looked all along" "$n" 500 1000000
is "... it never met a torn or missing file, nor another one ($why)" "$bad" 0
is "... and saw each plan" "$seen" None,basic,pro
is "the directory is still the same one" "$(stat -c %i "$DIR/pod")" "$inode"

# tampered with
mkdir "$T/elsewhere"
rm -rf "$DIR/pod"
ln -s "$T/elsewhere" "$DIR/pod"
drop app.lic "$pro" "$pro_is" '"seq":5' '"ports":[{"port":8081}]'
check "a planted symbolic link is an alarm" eventually 10 grep -q "entitlements_unwritable.*remove it" "$T/agent.log"
is "... is not followed" "$(ls "$T/elsewhere")" ""
is "... stands in status" "$(warned)" True
is "... and the license is in force all the same" "$(port 8081 'p["state"]')" licensed
rm "$DIR/pod"
check "it is written as soon as it can be" eventually 10 says 'd["plan"]' pro
is "... the warning is gone" "$(warned)" False
chmod 777 "$DIR"
drop app.lic "$basic" "$basic_is" '"seq":6'
check "a directory that others can write to is an alarm" eventually 10 grep -q "entitlements_unwritable.*changed by others" "$T/agent.log"
is "... with the file as it was" "$(e 'd["plan"]')" pro
chmod 755 "$DIR"
check "... and mended" eventually 10 says 'd["plan"]' basic

sed 's|"entitlements_dir": "[^"]*"|"entitlements_dir": "entitlements"|' "$T/portlicd.json" > "$T/bad.json"
has "a relative entitlements_dir is refused by name" "$("$BUILD/portlicd" --config "$T/bad.json" 2>&1)" '"entitlements_dir" must be an absolute path'
check "gate del" portlic gate del pod
is "... takes the directory along" "$(ls -A "$DIR")" ""
sed -i "s|\"$DIR\"|null|" "$T/portlicd.json"
agent_end TERM
agent_start
gate_up
is "entitlements_dir null: none is written" "$(ls -A "$DIR")" ""
is "... the API has it" "$(get '' | json 'd[0]["gate"]')" pod
