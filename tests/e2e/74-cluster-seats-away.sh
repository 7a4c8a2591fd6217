#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The API server is away: what is borrowed lasts as long as seats_hold says, over a restart of the agent too.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/cluster.sh"

HOLD=40
lost() { on "$1" portlic status -o json | json 'd["cluster_seats"]["lost"]'; }
until_s() { on "$1" portlic status -o json | json '(lambda t: __import__("datetime").datetime.fromisoformat(t[:-1] + "+00:00").timestamp() if t else 0)(d["cluster_seats"]["until"])'; }
renewed() { awk -v a="$(until_s n1)" -v b="$1" 'BEGIN { exit !(a > b) }'; }

cluster_up $HOLD
give '"seats":{"limit":3,"scope":"cluster"}'
check "two clients on one node" gets_in 150 one 11
check "..." gets_in 150 one 12
check "... one on the other" gets_in 150 two 13
before=$(until_s n1)
check "the node goes on saying that it is there" eventually 30 renewed "$before"

kube away
start=$(now)
check "the API server is away: nobody loses a seat" eventually 5 becomes eval 'count one open; count two open' "2
1"
node_end n1 KILL
is "... nor by a restart of the agent" "$(count one open)" 2
node_start n1
check "... which finds what it has" eventually 20 becomes borrowed n1 2
tell one close 10.77.0.12
check "... and gives it to who comes" gets_in 10 one 14
check "... not more" turned_away one 15
has "... explain: it can't borrow" "$(on n1 portlic explain pod 8080 --from 10.77.0.15)" "this node has"
check "its time is over: all are reset" eventually $((HOLD + 20)) becomes eval 'count one open; count two open' "0
0"
between "... not before" "$(since "$start")" $((HOLD * 8 / 10 - 2)) $((HOLD + 15))
check "... both nodes say so" eventually 10 becomes eval 'lost n1; lost n2' "True
True"
kube back
check "it is back: clients get in" gets_in 150 one 11
check "... on both nodes" gets_in 150 two 13
check "... and no node lacks anything" eventually 30 becomes eval 'lost n1; lost n2' "False
False"

# ---- a license that was unloaded meanwhile: nobody knows its name

unborrowed() { grep -q 'seats_unborrowed lid=""' "$T/agent.log"; }
check "clients sit" eventually 10 becomes borrowed n1 1
kube away
rm "$T/licenses.d/cluster.lic"
on n1 portlic license unload line-1 > /dev/null 2>&1
node_end n1 KILL
node_start n1
check "the agent begins without the license: told" eventually 60 unborrowed
check "... and goes on" on n1 portlic status
