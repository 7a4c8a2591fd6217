#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The API server is away, refuses, throttles. What was known stays.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/kubewatch.sh"
need openssl

refused() { # refused TEXT STATUS REASON WORDS: a watch that gets this status
	settle
	kube refuse "$2"
	kube cut
	says "$1" "kube_failed.*reason=\"$3\".*$4"
	kube refuse 0
	says "... until it doesn't" kube_connected
}

kube_start
echo "{$(kube_config n1)}" > "$T/client.json"
kube_pod shop web n1 | kube_put -

# away from the start
kube away
client "pods=$PODS"
says "the API server is away: told" 'kube_failed.*reason="unreachable"'
is "... once" "$(sleep 1; grep -c kube_failed "$SAID")" 1
is "not connected, and why" "$(kube_state 's["connected"], "connect" in s["error"]')" "(False, True)"
is "... no warning yet" "$(ask warnings '^\[')" "[]"
tell age 60
has "... one after a minute" "$(ask warnings '^\[')" "can't be followed since"
has "a request fails, and says why" "$(answer GET /version)" "error "
kube back
says "it comes: all is listed" '^pods end'
says "... and told" kube_connected
is "... and no warning" "$(ask warnings '^\[')" "[]"

# away later
settle
kube away
sleep 0.3
is "the API server goes: nothing is taken away" "$(sleep 1; grep -c ' gone ' "$SAID")" 0
kube back
kube_pod shop new n1 | kube_put -
says "back again: what is new comes" '^pods present new '
is "... by the watch, without a list" "$(grep -c '^pods begin' "$SAID")" 0

# refusals
refused "403 names what is missing" 403 forbidden 'deploy/kubernetes/base has the roles'
refused "500" 500 server 'answered 500'
refused "404 of what must be there" 404 unknown "doesn't know"
refused "an answer that it isn't made for" 418 refused 'answered 418'

# 410 between two pages
for i in 1 2 3 4; do kube_pod many "p$i" n1; done | kube_put -
settle
kube page 2
kube expire # the next "continue" that is sent
kube compact
says "410 between two pages: the list begins anew" '^pods end'
is "... whole" "$(sed -n '/^pods begin/h;//!H;$!d;x;p' "$SAID" | grep -c '^pods present')" "$(kube list /api/v1/pods | json 'len(d)')"
is "... from the store itself" "$(kube log | grep -c 'GET /api/v1/pods?limit=500&fieldSelector')" 1
kube page 0

# Retry-After
settle
kube count > /dev/null
kube refuse 429 4
kube compact
says "429: told" 'kube_failed.*reason="throttled"'
kube refuse 0
says "... and waited" '^pods end'
between "... as long as was asked for" "$(kube log | awk '/ 429$/ { t = $1; next } t { print $1 - t; exit }')" 4 20
is "... without asking before" "$(kube log | grep -c ' 429$')" 1

client_end
