#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Seats of scope "cluster": two nodes share them through the API server, and are never more over both.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/cluster.sh"

cluster_up 3600
give '"seats":{"limit":3,"scope":"cluster"}'
check "a license of three seats: the nodes make its pool" eventually 120 becomes eval '[ -n "$(pools)" ] && echo yes' yes
is "... and nobody warns of it" "$(on n1 portlic status -o json | json '[w for w in d["warnings"] if "seat" in w]')" "[]"

# ---- three sit, on whichever node

check "a client sits on one node" gets_in 150 one 11
check "... a second one" gets_in 150 one 12
check "... a third on the other" gets_in 150 two 13
check "a fourth is turned away on the one" turned_away one 14
check "... and on the other" turned_away two 15
is "... three are served" "$(count one open) $(count two open)" "2 1"
check "... and seen as used" eventually 5 becomes eval 'echo $(used n1) $(used n2)' "2 1"
check "... by what each has borrowed" eventually 5 becomes eval 'echo $(borrowed n1) $(borrowed n2)' "2 1"
is "... as the pool has it" "$(lent)" 3
hammer() { turned_away one 14 && turned_away two 15; }
for _ in 1 2 3 4 5; do hammer || break; done
is "... however often they try" "$(count one open) $(count two open) $(lent)" "2 1 3"

# ---- what an operator sees

check "status: there are too few" eventually 20 sh -c "portlic status | grep -q 'seats .*line-1: 8080/TCP 2 used, 2 of 3 borrowed, 1 elsewhere, SHORT; held until in '"
has "... a warning" "$(portlic status)" 'all 3 seats of the cluster on 8080/TCP are lent, 2 here and 1 elsewhere'
is "... an event, once" "$(grep -c 'seats_exhausted' "$T/agent.log")" 1
has "port list" "$(portlic port list pod)" ' 2/2 of 3 '
has "explain" "$(portlic explain pod 8080 --from 10.77.0.14)" "all of the cluster's 3 seats are lent, 2 of them to this node: wait until a client leaves, here or elsewhere"
is "metrics" "$(metric portlic_cluster_seats 'lid="line-1"' 'state="licensed"') $(metric portlic_cluster_seats 'port="8080"' 'state="borrowed"') $(metric portlic_cluster_seats 'state="used"')" "3 2 2"
between "... until when they are held" "$(($(metric portlic_cluster_seats_until_timestamp_seconds) - $(date +%s)))" 3000 3601
is "... and the limit of the gate's port is the share" "$(metric portlic_port_seats_limit 'port="8080"')" 2

# ---- one leaves, and another gets in elsewhere

tell one close 10.77.0.11
check "one leaves: who waits on the other node gets in" gets_in 150 two 15
is "... three are served" "$(count one open) $(count two open)" "1 2"
check "... but no fourth" turned_away one 11

# ---- the agents restart

node_end n2 KILL
is "the agent of a node is killed: its clients stay" "$(count two open)" 2
node_start n2
check "... another one knows what the node has" eventually 20 becomes borrowed n2 2
is "... and its clients stay" "$(count two open)" 2
check "... nobody else gets in" turned_away one 14
