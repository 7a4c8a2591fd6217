#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The pool of a license line: a write whose answer is lost, a text that is none, renewals, and its end.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/cluster.sh"

lent_some() { [ "$(lent)" -gt 0 ]; }
in_force() { seats_json "$1" 'p["borrowed"]' | sed 's/^None$/0/'; }
settled() { # settled N: by the pool and by what the nodes have no more than N
	[ "$(lent)" -le "$1" ] && [ $(($(in_force n1) + $(in_force n2))) -le "$1" ]
}
write_pool() { # write_pool TEXT: over what is there
	kube get "$LEASES/$(pools)" | TEXT=$1 python3 -c '
import json, os, sys
lease = json.load(sys.stdin)
lease["metadata"]["annotations"]["portlic.dev/seats"] = os.environ["TEXT"]
print(json.dumps(lease))' | kube_put -
}

cluster_up 3600
give '"seats":{"limit":3,"scope":"cluster"}'
check "three seats: a client sits on one node" gets_in 150 one 12
check "... a second on the other" gets_in 150 two 13
check "... a third" gets_in 150 two 15

# ---- an answer that is lost

tell one close 10.77.0.12
kube lose PUT "$LEASES/portlic-seats-"
check "the answer to a write of the pool is lost: a client gets in all the same" gets_in 150 two 16
check "... the one on the first node is turned away" turned_away one 12
is "... three are served" "$(count one open) $(count two open)" "0 3"

# ---- a text that is none

write_pool '{"iss":"x"}'
turned_away one 12
check "the pool is spoilt: told" eventually 120 grep -q seats_unborrowed "$T/agent.log"
has "... status says what to do" "$(on n1 portlic status)" "isn't the pool of this license:"
has "... and explain" "$(on n1 portlic explain pod 8080 --from 10.77.0.12)" "can't borrow any: the Lease \"$(pools)\" isn't the pool"
is "... and nobody loses a seat" "$(count two open)" 3
kube delete "$LEASES/$(pools)"
check "... and deleted: it is made anew" eventually 150 lent_some
is "... nobody loses a seat" "$(count two open)" 3
# until both nodes have written down what they have, more may be lent than there is
tell two close 10.77.0.13 10.77.0.15 10.77.0.16
check "... and all is in order once they have left" eventually 150 settled 3
for n in 13 15 16; do check "... 10.77.0.$n comes back" gets_in 150 two $n; done

# ---- renewals

give '"seats":{"limit":5,"scope":"cluster"}' '"seq":2'
check "a renewal with more seats: there is room" gets_in 150 one 12
is "... for two" "$(count one open) $(count two open)" "1 3"
check "... the second" gets_in 150 one 11
check "... and no third" turned_away one 14
give '"seats":{"limit":2,"scope":"cluster"}' '"seq":3'
check "one with fewer: nobody gets in" eventually 30 turned_away one 14
is "... and nobody who sits has to leave" "$(count one open) $(count two open)" "2 3"
tell one close 10.77.0.11 10.77.0.12
tell two close 10.77.0.13 10.77.0.15 10.77.0.16
check "all leave: no more than two are lent" eventually 150 settled 2
check "... and taken" gets_in 150 one 11
check "... one by each node" gets_in 150 two 13
is "... and both stay" "$(count one open) $(count two open)" "1 1"
check "... and no more" turned_away one 14
check "... by either" turned_away two 15

# ---- the license goes

rm "$T/licenses.d/cluster.lic" "$T/node2/licenses.d/cluster.lic"
on n1 portlic license unload line-1 > /dev/null 2>&1
on n2 portlic license unload line-1 > /dev/null 2>&1
check "the license is unloaded: all is given back" eventually 60 becomes lent 0
ends() { bpftool -j map dump pinned "$(find "$T/bpf" -name '*shares')" | json 'max([0] + [e["formatted"]["value"]["until_ns"] for e in d])'; }
check "... the kernel's share is ended" eventually 20 becomes ends 0
check "... and status tells of none" eventually 20 becomes eval 'on n1 portlic status -o json | json "d[\"cluster_seats\"][\"lines\"]"' "[]"
