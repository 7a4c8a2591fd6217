#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The API server is away for a day, by the wall clock (fakeclock.c), three hours a step: licenses that end or begin in that day do
# so on time, all else is as it was; when it comes back, with its history compacted meanwhile, it is asked little. Timers
# of the agent and the kernel's deadlines go by the boot clock, which isn't stepped: the agent restarts in the midst of it.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/pods.sh"
need openssl

HOUR=3600
secret() { # secret NAME FIELD...: a Secret with a signed license
	sign "\"lid\":\"$1\"" "${@:2}" | base64 -w 0 | sed "s/.*/{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"$1\",\"namespace\":\"portlic\",\"labels\":{\"portlic.dev\/license\":\"true\"}},\"data\":{\"license.key\":\"&\"}}/" |
		kube_put - > /dev/null
}
portpolicy() { # portpolicy NAME SPEC
	printf '{"kind":"PortPolicy","apiVersion":"portlic.dev/v1alpha1","metadata":{"name":"%s"},"spec":%s}' "$1" "$2" | kube_put - > /dev/null
}
states() { portlic license list -o json | json '" ".join(sorted(l["lid"] + ":" + l["state"] for l in d))'; }
hours() { portlic status -o json | json 'round((__import__("datetime").datetime.fromisoformat(d["clock"]["effective"].replace("Z","+00:00")).timestamp() - '"$BEGAN"') / 3600, 1)'; }
ports() { for port in 8080 8081 8082 8083 9090; do printf '%s ' "$(reach web $port)"; done; }
at() { fake_clock $(($1 * HOUR)) 1 && eventually 10 eval '[ "$(hours)" = '"$1.0"' ]'; } # at HOUR: and the agent knows
connected() { [ "$(portlic status -o json | json 'd["kubernetes"]["connected"] and all(w["synced"] or w["absent"] for w in d["kubernetes"]["watches"])')" = "$1" ]; }
# What an outage may not change: gates, pods, policies, and the files of licenses that are kept.
rest() {
	portlic gate list -o json | json '[[g[k] for k in ("name", "netns", "mode", "policy", "state", "hooks")] for g in d]'
	pods_get | json '[[p[k] for k in ("uid", "state", "gate", "mode", "policy")] for p in d]'
	portlic policy list -o json | json '[[p[k] for k in ("file", "name", "state")] for p in d]'
	portlic license list -o json | json '[[l[k] for k in ("file", "lid", "seq", "source")] for l in d]'
}

pods_begin
fake_clock 0 1
configure
kube_start
kube_configure n1 portlic
vendor
WEB=$(uid)
kube_namespace shop | kube_put - > /dev/null
portpolicy shop '{"match":{"namespaces":["shop"]},"mode":"enforce"}'
sandbox web "$WEB" && run_in web 8080 8081 8082 8083 9090
put_pod shop web-0 "$WEB"
BEGAN=$(date +%s)
secret week "\"exp\":$((BEGAN + 168 * HOUR))"
secret noon "\"exp\":$((BEGAN + 11 * HOUR))" '"grace":0' '"ports":[{"port":8081}]'
secret grace "\"exp\":$((BEGAN + 5 * HOUR))" "\"grace\":$((9 * HOUR))" '"ports":[{"port":8082}]'
secret late "\"nbf\":$((BEGAN + 17 * HOUR))" "\"exp\":$((BEGAN + 168 * HOUR))" '"ports":[{"port":8083}]'
agent_start
check "the pod is gated, by a PortPolicy" eventually 10 gated "$WEB"
check "all is listed" eventually 10 connected True
check "four licenses of Secrets" eventually 10 eval '[ "$(states)" = "grace:active late:pending noon:active week:active" ]'
is "what is open" "$(ports)" "ok ok ok refused refused "
before=$(rest)

kube away
check "the API server goes" eventually 10 connected False
kube count > "$T/out"
for hour in 3 6 9 12 15 18 21 24; do
	at $hour || not_ok "hour $hour: the agent has the time" "$(hours)"
	grace=active noon=active late=pending open="ok ok ok refused refused "
	[ $hour -lt 5 ] || grace=grace
	[ $hour -lt 11 ] || noon=lapsed open="ok refused ok refused refused "
	[ $hour -lt 14 ] || grace=lapsed open="ok refused refused refused refused "
	[ $hour -lt 17 ] || late=active open="ok refused refused ok refused "
	want="grace:$grace late:$late noon:$noon week:active"
	eventually 5 eval '[ "$(states)" = "$want" ]'
	is "hour $hour: licenses" "$(states)" "$want"
	eventually 5 eval '[ "$(ports)" = "$open" ]'
	is "hour $hour: ports" "$(ports)" "$open"
	if [ $hour = 12 ]; then
		agent_end KILL
		agent_start
		check "killed and started in the midst of it: the pod is gated" eventually 10 gated "$WEB"
	fi
done
is "a day later nothing else has changed" "$(rest)" "$before"
has "status says that it is away" "$(portlic status)" "NOT CONNECTED"

# back: what was renewed meanwhile comes; its history is gone
secret noon '"seq":2' "\"exp\":$((BEGAN + 168 * HOUR))" '"ports":[{"port":8081}]'
kube back
kube compact
start=$(now)
check "it comes back: all is followed" eventually 90 connected True
check "... the renewal, too" eventually 20 eval '[ "$(states)" = "grace:lapsed late:active noon:active week:active" ]'
check "... and its port" eventually 5 eval '[ "$(reach web 8081)" = ok ]'
kinds=$(portlic status -o json | json 'len(d["kubernetes"]["watches"])')
past() { [ "$(since "$start" | cut -d. -f1)" -ge 60 ]; }
eventually 90 past
asked=$(kube count | sed 's/ /×/' | xargs)
total=$(grep -oE '(^| )[0-9]+×' <<< "$asked" | tr -dc '0-9\n ' | awk '{ n += $1 } END { print n }')
between "... its first minute: requests of this node for $kinds kinds, $asked" "$total" "$kinds" $((5 * kinds + 12))
worst=$(kube log | tail -n "$total" | awk '{ n[int($1)]++ } END { for (s in n) if (n[s] > m) m = n[s]; print m }')
between "... at most so many in a second" "$worst" 1 $((2 * kinds))
