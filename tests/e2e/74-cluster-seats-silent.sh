#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# A node that the API server doesn't hear of loses what it has borrowed, by itself, and only then others get it.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/cluster.sh"

HOLD=30
lost() { grep -q seats_lost "$T/node2/agent.log"; }
cluster_up $HOLD
give '"seats":{"limit":3,"scope":"cluster"}'
check "three clients, two of them on the second node" gets_in 150 one 11
check "..." gets_in 150 two 12
check "..." gets_in 150 two 13
check "... which the kernel holds until then" eventually 10 becomes borrowed n2 2

# ---- cut off, and the list of the pools breaks off when the writer looks who is gone

printf '{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"portlic-seats-%s","namespace":"portlic",
"labels":{"portlic.dev/lease":"pool"},"annotations":{"portlic.dev/seats":"none"}},"spec":{}}' ffffffffffffffff | kube_put -
kube page 1
kube expire
cut_off n2
start=$(now)
turned_away one 14
is "the second node is cut off: a fourth is turned away" "$(count one open) $(count two open)" "1 2"
check "... its clients are reset once its time is over" eventually $((HOLD + 20)) count_is two open 0
between "... not before, and not later" "$(since "$start")" $((HOLD * 8 / 10 - 2)) $((HOLD + 15))
is "... nobody else got in before" "$(count one open)" 1
check "... an event tells of it" eventually 5 lost
has "... with its reason" "$(grep seats_lost "$T/node2/agent.log")" 401
has "... status warns" "$(on n2 portlic status)" "SEATS LOST: this node holds no seats of the cluster since"
has "... its line says so" "$(on n2 portlic status)" "; LOST"
check "... nobody gets in there" turned_away two 15
has "... and explain says why" "$(on n2 portlic explain pod 8080 --from 10.77.0.15)" "this node has 0 of the cluster's 3 seats and can't borrow any: the API server answered 401"
check "the others get its seats" gets_in 150 one 14
check "... both" gets_in 150 one 15
check "... which the writer tells" grep -q seats_reclaimed "$T/agent.log"
is "... and counts" "$(metric portlic_cluster_seats_reclaimed_total)" 1
check "... though the server had forgotten where its list was" eval 'kube log | grep -q "continue=.* 410$"'
kube page 0
kube delete "$LEASES/portlic-seats-ffffffffffffffff"

# ---- it comes back

let_in n2
check "it comes back" eventually 60 grep -q seats_back "$T/node2/agent.log"
check "... to no seat, as long as all are taken" turned_away two 12
tell one close 10.77.0.15
check "... and gets one that becomes free" gets_in 150 two 12
is "... three are served" "$(count one open) $(count two open)" "2 1"

# ---- its agent dies

node_end n2 KILL
start=$(now)
check "its agent is killed: its client is reset all the same" eventually $((HOLD + 20)) count_is two open 0
between "... when its time is over" "$(since "$start")" $((HOLD * 8 / 10 - 2)) $((HOLD + 10))
check "... and the others get its seat" gets_in 150 one 15
is "... three are served" "$(count one open)" 3

# ---- somebody else writes its Lease, as a node of the same name would

doubled() { kube get "$LEASES/portlic-borrower-n1" | kube_put - && sleep 1 && grep -q seats_doubled "$T/agent.log"; }
check "somebody else renews a node's Lease again and again: told" eventually 120 doubled
has "... status warns" "$(on n1 portlic status)" 'somebody else renews the Lease "portlic-borrower-n1" too'
check "... until that ends" eventually 60 becomes eval 'on n1 portlic status | grep -c "somebody else renews"' 0
is "... nobody loses a seat" "$(count one open)" 3
